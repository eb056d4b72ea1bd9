//! The CLIENT span: one attempt at one upstream.

use std::fmt::{self, Display};

use super::parts::{Identity, MethodName, field, protocol_version, put_identity, put_status};
use super::record::{Clock, RequestRecord};
use super::{ClientSpan, Redaction};
use crate::wire::{Attributes, Wire};

/// OTLP's `SPAN_KIND_CLIENT`.
const KIND: u64 = 3;

/// The upstream's address with the client's path and query: they go on as they
/// came.
struct FullUrl<'a> {
    record: &'a RequestRecord,
    attempt: &'a ClientSpan,
    redaction: &'a Redaction,
}

/// Appends the fields of a `Span`.
pub(super) fn put(
    wire: &mut Wire,
    record: &RequestRecord,
    attempt: &ClientSpan,
    clock: Clock,
    redaction: &Redaction,
) {
    let method = MethodName::of(&record.method);
    let identity = Identity {
        span_id: attempt.span_id,
        parent: Some(record.context.span_id),
        parent_is_remote: false,
        kind: KIND,
        start: attempt.start,
        end: attempt.end,
    };
    put_identity(wire, record, &method, clock, &identity);
    let mut attributes = wire.attributes(field::ATTRIBUTES);
    method.put(&mut attributes);
    attributes.display("url.full", FullUrl { record, attempt, redaction });
    attributes.text_if("url.template", record.template());
    put_peer(&mut attributes, attempt);
    if let Some(status) = attempt.status {
        attributes.number("http.response.status_code", status.as_u16().into());
    }
    if attempt.resend_count > 0 {
        attributes.number("http.request.resend_count", attempt.resend_count.into());
    }
    attributes.text("cutover.side", attempt.side);
    // To the one who asked, a refusal is an error.
    put_status(wire, attempt.failure, attempt.status, 400);
}

fn put_peer(attributes: &mut Attributes<'_>, attempt: &ClientSpan) {
    let upstream = &attempt.upstream;
    attributes.text("server.address", &upstream.address);
    attributes.number("server.port", upstream.port.into());
    attributes.text("service.peer.name", &upstream.name);
    if let Some(peer) = attempt.peer {
        attributes.display("network.peer.address", peer.ip().to_canonical());
        attributes.number("network.peer.port", peer.port().into());
    }
    attributes.text_if("network.protocol.version", attempt.version.map(protocol_version));
}

impl Display for FullUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upstream = &self.attempt.upstream;
        let (path, query) = self.record.target();
        f.write_str(upstream.scheme.as_str())?;
        f.write_str("://")?;
        if upstream.address.contains(':') {
            write!(f, "[{}]", upstream.address)?;
        } else {
            f.write_str(&upstream.address)?;
        }
        if upstream.port != upstream.scheme.default_port() {
            write!(f, ":{}", upstream.port)?;
        }
        f.write_str(path)?;
        if let Some(query) = query {
            f.write_str("?")?;
            f.write_str(&self.redaction.redact(query))?;
        }
        Ok(())
    }
}
