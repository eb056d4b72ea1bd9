//! The SERVER span: the request as its client saw it.

use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags};

use super::attributes::{Attributes, MethodName, protocol_version, span_name, status};
use super::record::{Clock, RequestRecord};
use super::{Redaction, Scheme};
use crate::context::TraceContext;

pub(super) fn span(record: &RequestRecord, clock: Clock, redaction: &Redaction) -> Span {
    let method = MethodName::of(&record.method);
    let mut attributes = Attributes::with_capacity(24);
    method.put(&mut attributes);
    put_url(&mut attributes, record, redaction);
    put_network(&mut attributes, record);
    attributes.number_if("http.response.status_code", record.status.map(|status| status.as_u16()));
    put_decision(&mut attributes, record);
    // 4xx is the client's error, not the server's.
    let status = status(&mut attributes, record.failure, record.status, 500);
    Span {
        trace_id: record.context.trace_id.get().to_be_bytes().to_vec(),
        span_id: record.context.span_id.get().to_be_bytes().to_vec(),
        trace_state: state_text(&record.context),
        parent_span_id: record
            .parent
            .map_or_else(Vec::new, |parent| parent.get().to_be_bytes().to_vec()),
        flags: flags(&record.context, record.parent.is_some()),
        name: span_name(&method, record.route.as_deref()),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: clock.unix_nanos(record.start),
        end_time_unix_nano: clock.unix_nanos(record.end),
        attributes: attributes.into_vec(),
        links: record.link.iter().map(|link| to_link(link)).collect(),
        status,
        ..Span::default()
    }
}

/// OTLP's flags: the trace flags, and whether the parent is remote.
pub(super) fn flags(context: &TraceContext, parent_is_remote: bool) -> u32 {
    let remote = if parent_is_remote { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    u32::from(context.flags.bits()) | SpanFlags::ContextHasIsRemoteMask as u32 | remote
}

pub(super) fn state_text(context: &TraceContext) -> String {
    let state = context.state.as_ref().and_then(|state| state.to_str().ok());
    state.unwrap_or_default().to_owned()
}

/// Host and port of an authority; the scheme's port when it names none.
pub(super) fn split_authority(authority: &str, scheme: Scheme) -> (&str, u16) {
    let unbracketed = |host: &'_ str| host.len() > 2 && host.starts_with('[');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().unwrap_or(scheme.default_port()))
        }
        _ => (authority, scheme.default_port()),
    };
    if unbracketed(host) && host.ends_with(']') {
        return (&host[1..host.len() - 1], port);
    }
    (host, port)
}

fn put_url(attributes: &mut Attributes, record: &RequestRecord, redaction: &Redaction) {
    let (path, query) = record.target();
    attributes.text("url.scheme", record.scheme.as_str());
    attributes.text("url.path", path);
    attributes.text_if("url.query", query.map(|query| redaction.redact(query)));
    if let Some(authority) = record.authority() {
        let (address, port) = split_authority(authority, record.scheme);
        attributes.text("server.address", address);
        attributes.number("server.port", port.into());
    }
    let template = record.route.as_ref().and_then(|route| route.template.as_deref());
    attributes.text_if("http.route", template);
}

fn put_network(attributes: &mut Attributes, record: &RequestRecord) {
    attributes.text("network.protocol.version", protocol_version(record.version));
    if let Some(peer) = record.peer {
        attributes.text("network.peer.address", peer.ip().to_canonical().to_string());
        attributes.number("network.peer.port", peer.port().into());
    }
    let client = record.client_address;
    attributes.text_if("client.address", client.map(|client| client.to_canonical().to_string()));
    attributes.text_if("user_agent.original", record.user_agent());
}

fn put_decision(attributes: &mut Attributes, record: &RequestRecord) {
    let decision = &record.decision;
    let route_id = record.route.as_ref().map(|route| &*route.id);
    attributes.text("cutover.route.id", route_id.unwrap_or("_unmatched"));
    for (key, word) in [
        ("cutover.phase", decision.phase),
        ("cutover.side", decision.side),
        ("cutover.decision.reason", decision.reason),
    ] {
        attributes.text_if(key, (!word.is_empty()).then_some(word));
    }
    attributes.text_if("cutover.cohort", record.cohort());
    attributes.double_if("cutover.split.percent", decision.split_percent);
    let generation = i64::try_from(decision.generation).unwrap_or(i64::MAX);
    attributes.number("cutover.config.generation", generation);
    attributes.text("cutover.sampling.reason", record.reason.as_str());
    attributes.flag("cutover.fallback", decision.fallback);
    attributes.flag("cutover.idempotency.key_present", decision.idempotency_key);
    attributes.flag("cutover.retry.budget_exhausted", decision.retry_budget_exhausted);
    attributes.flag("cutover.shadow.sent", decision.shadow_sent);
}

fn to_link(context: &TraceContext) -> Link {
    let mut attributes = Attributes::with_capacity(1);
    attributes.text("cutover.link.type", "untrusted_caller");
    Link {
        trace_id: context.trace_id.get().to_be_bytes().to_vec(),
        span_id: context.span_id.get().to_be_bytes().to_vec(),
        trace_state: state_text(context),
        attributes: attributes.into_vec(),
        flags: flags(context, true),
        ..Link::default()
    }
}
