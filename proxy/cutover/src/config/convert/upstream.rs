//! `[upstream.NAME]`.

use cutover_domain::{Scheme, Timeouts, Upstream};

use super::{Context, Item, tls};
use crate::config::{code::Code, diagnostic::Diagnostic, document};

/// A URL without path: how a server is spoken to, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerUrl {
    pub(super) scheme: Scheme,
    pub(super) host: String,
    pub(super) port: u16,
}

pub(super) fn convert(
    item: &Item<'_, document::Upstream>,
    context: &mut Context<'_>,
) -> Option<Upstream> {
    let url = item.node.find(&["url"]);
    let parsed = parse(&item.doc.url).map_err(|problem| {
        let message =
            format!("`{}` is no upstream URL: {problem}", hide_credentials(&item.doc.url));
        let diagnostic = Diagnostic::error(Code::BadUrl, message).at(url.place.clone());
        let diagnostic = if item.doc.url.contains('@') { diagnostic.secret() } else { diagnostic };
        context.push(diagnostic.hint("write it like `http://127.0.0.1:9000`"));
    });
    let tls = item.doc.tls.as_ref().and_then(|doc| tls::upstream(doc, item.node, context));
    let parsed = parsed.ok()?;
    if item.doc.tls.is_some() && !matches!(parsed.scheme, Scheme::Https | Scheme::Mqtts) {
        let message = format!("`tls` has no meaning for {}", parsed.scheme.as_str());
        let at = item.node.find(&["tls"]).key_place();
        context.push(
            Diagnostic::error(Code::WrongProtocol, message)
                .at(at)
                .hint("use an `https://` URL, or leave `tls` out"),
        );
    }
    if parsed.scheme == Scheme::Https && item.doc.tls.is_none() {
        tls::system_roots(item.node, context);
    }
    Some(Upstream {
        name: item.name.clone(),
        scheme: parsed.scheme,
        host: parsed.host,
        port: parsed.port,
        timeouts: timeouts(&item.doc.timeouts),
        connections_max: item.doc.connections_max,
        tls: tls.unwrap_or_default(),
    })
}

pub(super) fn timeouts(doc: &document::Timeouts) -> Timeouts {
    Timeouts { connect_ms: doc.connect_ms, first_byte_ms: doc.first_byte_ms, idle_ms: doc.idle_ms }
}

/// The table with the defaults of its time-outs, which routes may replace.
pub(super) fn filled(item: Item<'_, document::Upstream>) -> Item<'_, document::Upstream> {
    let Item { name, node, mut doc } = item;
    let timeouts = &mut doc.timeouts;
    timeouts.connect_ms.get_or_insert(Timeouts::CONNECT_MS);
    timeouts.first_byte_ms.get_or_insert(Timeouts::FIRST_BYTE_MS);
    timeouts.idle_ms.get_or_insert(Timeouts::IDLE_MS);
    Item { name, node, doc }
}

/// Parses `SCHEME://HOST[:PORT]`; what is wrong is told as a clause.
fn parse(text: &str) -> Result<ServerUrl, String> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
    let (scheme, port_default) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Scheme::Http, 80),
        "https" => (Scheme::Https, 443),
        "h2c" => (Scheme::H2c, 80),
        "mqtt" => (Scheme::Mqtt, 1883),
        "mqtts" => (Scheme::Mqtts, 8883),
        other => return Err(format!("`{other}` is none of http, https, h2c, mqtt and mqtts")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    if authority.contains(['/', '?', '#']) {
        return Err("requests keep their own path, so it has none".to_owned());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("the bracket is not closed")?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| format!("`{host}` is no IPv6 address"))?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let label = |label: &str| !label.is_empty() && label.bytes().all(letter);
    if !host.contains(':') && !host.trim_end_matches('.').split('.').all(label) {
        return Err(format!("`{host}` is no host"));
    }
    let port = match port {
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("`{port}` is no port (1 to 65535)"))?,
        None => port_default,
    };
    Ok(ServerUrl { scheme, host: host.to_owned(), port })
}

fn hide_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}
