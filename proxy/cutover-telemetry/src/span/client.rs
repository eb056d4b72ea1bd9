//! The CLIENT span: one attempt at one upstream.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::attributes::{Attributes, MethodName, protocol_version, span_name, status};
use super::record::{Clock, RequestRecord};
use super::server::{flags, state_text};
use super::{ClientSpan, Redaction, UpstreamLabel};

pub(super) fn span(
    record: &RequestRecord,
    attempt: &ClientSpan,
    clock: Clock,
    redaction: &Redaction,
) -> Span {
    let method = MethodName::of(&record.method);
    let mut attributes = Attributes::with_capacity(16);
    method.put(&mut attributes);
    attributes.text("url.full", full_url(record, &attempt.upstream, redaction));
    let template = record.route.as_ref().and_then(|route| route.template.as_deref());
    attributes.text_if("url.template", template);
    put_peer(&mut attributes, attempt);
    attributes.number_if("http.response.status_code", attempt.status.map(|status| status.as_u16()));
    if attempt.resend_count > 0 {
        attributes.number("http.request.resend_count", attempt.resend_count.into());
    }
    attributes.text("cutover.side", attempt.side);
    // To the one who asked, a refusal is an error.
    let status = status(&mut attributes, attempt.failure, attempt.status, 400);
    Span {
        trace_id: record.context.trace_id.get().to_be_bytes().to_vec(),
        span_id: attempt.span_id.get().to_be_bytes().to_vec(),
        trace_state: state_text(&record.context),
        parent_span_id: record.context.span_id.get().to_be_bytes().to_vec(),
        flags: flags(&record.context, false),
        name: span_name(&method, record.route.as_deref()),
        kind: SpanKind::Client as i32,
        start_time_unix_nano: clock.unix_nanos(attempt.start),
        end_time_unix_nano: clock.unix_nanos(attempt.end),
        attributes: attributes.into_vec(),
        status,
        ..Span::default()
    }
}

fn put_peer(attributes: &mut Attributes, attempt: &ClientSpan) {
    let upstream = &attempt.upstream;
    attributes.text("server.address", &*upstream.address);
    attributes.number("server.port", upstream.port.into());
    attributes.text("service.peer.name", &*upstream.name);
    if let Some(peer) = attempt.peer {
        attributes.text("network.peer.address", peer.ip().to_canonical().to_string());
        attributes.number("network.peer.port", peer.port().into());
    }
    attributes.text_if("network.protocol.version", attempt.version.map(protocol_version));
}

/// The upstream's address with the client's path and query: they go on as they
/// came.
fn full_url(record: &RequestRecord, upstream: &UpstreamLabel, redaction: &Redaction) -> String {
    let (path, query) = record.target();
    let mut url = format!("{}://", upstream.scheme.as_str());
    if upstream.address.contains(':') {
        url.push('[');
        url.push_str(&upstream.address);
        url.push(']');
    } else {
        url.push_str(&upstream.address);
    }
    if upstream.port != upstream.scheme.default_port() {
        url.push_str(&format!(":{}", upstream.port));
    }
    url.push_str(path);
    if let Some(query) = query {
        url.push('?');
        url.push_str(&redaction.redact(query));
    }
    url
}
