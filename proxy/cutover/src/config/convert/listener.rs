//! `[[listener]]`.

use std::{net::SocketAddr, time::Duration};

use cutover_gateway::{
    guard::{GuardConfig, Limits, Timeouts},
    settings::{Http2Limits, ListenerSettings},
};

use super::{Context, Item, tls};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, Protocol},
    node::Node,
};

pub(super) fn convert(
    item: &Item<'_, document::Listener>,
    context: &mut Context<'_>,
) -> Option<ListenerSettings> {
    let (doc, node) = (&item.doc, item.node);
    if doc.protocol == Protocol::Mqtt {
        context.push(
            Diagnostic::error(Code::NotSupported, "this version serves no MQTT listeners")
                .at(node.find(&["protocol"]).place.clone())
                .hint("leave this listener out; devices keep talking to their broker"),
        );
    }
    if let Some(default) = &doc.default {
        context.check_upstream(default, node.find(&["default"]));
    }
    if doc.http2.is_some() && doc.tls.is_some() {
        context.push(
            Diagnostic::error(
                Code::WrongProtocol,
                "`http2 = \"cleartext\"` has no meaning with `tls`",
            )
            .at(node.find(&["http2"]).place.clone())
            .hint("leave it out: over TLS, ALPN offers HTTP/2 anyway"),
        );
    }
    let tls = doc.tls.as_ref().map(|doc| tls::listener(doc, node, context));
    let address = context.address(&doc.listen, node.find(&["listen"]))?;
    Some(ListenerSettings {
        address,
        default: doc.default.clone(),
        tls,
        http2_cleartext: doc.http2.is_some(),
        guard: guard(doc),
        http2: Http2Limits {
            streams_max: doc.limits.h2_streams_max,
            header_list_bytes_max: doc.limits.h2_header_list_bytes_max,
            pending_resets_max: doc.limits.h2_resets_max as usize,
            ..Http2Limits::default()
        },
        body_bytes_max: doc.limits.body_bytes_max,
        half_close: doc.half_close,
    })
}

fn guard(doc: &document::Listener) -> GuardConfig {
    let millis = |ms: u32| Duration::from_millis(ms.into());
    GuardConfig {
        limits: Limits {
            head_bytes_max: doc.limits.head_bytes_max as usize,
            fields_max: doc.limits.head_fields_max as usize,
            target_bytes_max: doc.limits.target_bytes_max as usize,
            ..Limits::default()
        },
        timeouts: Timeouts {
            head: millis(doc.timeouts.head_ms),
            idle: millis(doc.timeouts.idle_ms),
            body: millis(doc.timeouts.body_idle_ms),
            write: millis(doc.timeouts.write_ms),
            body_rate_min: doc.limits.body_rate_min,
            ..Timeouts::default()
        },
    }
}

impl Context<'_> {
    /// An address to listen on.
    pub(super) fn address(&mut self, text: &str, node: &Node) -> Option<SocketAddr> {
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let message = format!("`{text}` is no address to listen on");
        let hint = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("write `127.0.0.1:{port}` or `[::1]:{port}`"),
            Some(("" | "*", port)) => {
                format!("for every interface write `0.0.0.0:{port}` or `[::]:{port}`")
            }
            Some((host, port)) if port.parse::<u16>().is_err() && !host.contains(':') => {
                format!("`{port}` is no port: use 0 to 65535")
            }
            Some((host, _)) if host.contains(':') && !host.starts_with('[') => {
                "write IPv6 addresses in brackets: `[::1]:8080`".to_owned()
            }
            _ => "write an IP address and a port, like `127.0.0.1:8080`".to_owned(),
        };
        self.push(Diagnostic::error(Code::BadAddress, message).at(node.place.clone()).hint(hint));
        None
    }
}
