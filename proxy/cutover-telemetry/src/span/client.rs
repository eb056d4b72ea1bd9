//! The CLIENT span: one attempt at one upstream.

use std::fmt::{self, Display};

use http::Method;

use super::parts::{Identity, MethodName, field, protocol_version, put_identity, put_status};
use super::record::Clock;
use super::{ClientSpan, Redaction};
use crate::context::{SpanId, TraceContext};
use crate::wire::{Attributes, Wire};

/// OTLP's `SPAN_KIND_CLIENT`.
const KIND: u64 = 3;

/// What is asked, of whichever upstream.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) context: &'a TraceContext,
    /// The span that the attempts serve.
    pub(super) parent: SpanId,
    pub(super) method: &'a Method,
    pub(super) template: Option<&'a str>,
    /// Path and query.
    pub(super) target: (&'a str, Option<&'a str>),
    pub(super) purpose: Purpose,
}

/// On whose behalf it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A client's.
    Live,
    /// Nobody's: to compare the answer with the one that a client got.
    Copy,
    /// Nobody's: to learn how far legacy differs from itself.
    Reference,
}

/// The upstream's address with the client's path and query: they go on as they
/// came. Of a copy's query only names are told: nobody asked for it.
struct FullUrl<'a> {
    request: Request<'a>,
    attempt: &'a ClientSpan,
    redaction: &'a Redaction,
}

/// Appends the fields of a `Span`.
pub(super) fn put(
    wire: &mut Wire,
    request: Request<'_>,
    attempt: &ClientSpan,
    clock: Clock,
    redaction: &Redaction,
) {
    let Request { context, template, .. } = request;
    let method = MethodName::of(request.method);
    let identity = Identity {
        span_id: attempt.span_id,
        parent: Some(request.parent),
        parent_is_remote: false,
        kind: KIND,
        start: attempt.start,
        end: attempt.end,
    };
    put_identity(wire, context, method.on(template), clock, &identity);
    let mut attributes = wire.attributes(field::ATTRIBUTES);
    method.put(&mut attributes);
    attributes.display("url.full", FullUrl { request, attempt, redaction });
    attributes.text_if("url.template", template);
    put_peer(&mut attributes, attempt);
    if let Some(status) = attempt.status {
        attributes.number("http.response.status_code", status.as_u16().into());
    }
    if attempt.resend_count > 0 {
        attributes.number("http.request.resend_count", attempt.resend_count.into());
    }
    attributes.text("cutover.side", attempt.side);
    attributes.flag("cutover.shadow", request.purpose != Purpose::Live);
    attributes.flag("cutover.shadow.reference", request.purpose == Purpose::Reference);
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
        let (path, query) = self.request.target;
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
