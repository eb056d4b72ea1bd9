//! The SERVER span: the request as its client saw it.

use super::parts::{
    Identity, MethodName, field, protocol_version, put_identity, put_link, put_status,
};
use super::record::{Clock, RequestRecord};
use super::{Redaction, Scheme};
use crate::wire::{Attributes, Wire};

/// OTLP's `SPAN_KIND_SERVER`.
const KIND: u64 = 2;

/// Appends the fields of a `Span`.
pub(super) fn put(wire: &mut Wire, record: &RequestRecord, clock: Clock, redaction: &Redaction) {
    let method = MethodName::of(&record.method);
    let identity = Identity {
        span_id: record.context.span_id,
        parent: record.parent,
        parent_is_remote: record.parent.is_some(),
        kind: KIND,
        start: record.start,
        end: record.end,
    };
    put_identity(wire, &record.context, method.on(record.template()), clock, &identity);
    let mut attributes = wire.attributes(field::ATTRIBUTES);
    method.put(&mut attributes);
    put_url(&mut attributes, record, redaction);
    put_network(&mut attributes, record);
    if let Some(status) = record.status {
        attributes.number("http.response.status_code", status.as_u16().into());
    }
    put_decision(&mut attributes, record);
    // 4xx is the client's error, not the server's.
    put_status(wire, record.failure, record.status, 500);
    if let Some(link) = &record.link {
        put_link(wire, link, true, "untrusted_caller");
    }
}

/// Host and port of an authority; the scheme's port when it names none.
pub(super) fn split_authority(authority: &str, scheme: Scheme) -> (&str, u16) {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon within brackets belongs to the address.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (bare.unwrap_or(host), port.unwrap_or(scheme.default_port()))
}

fn put_url(attributes: &mut Attributes<'_>, record: &RequestRecord, redaction: &Redaction) {
    let (path, query) = record.target();
    attributes.text("url.scheme", record.scheme.as_str());
    attributes.text("url.path", path);
    if let Some(query) = query {
        attributes.text("url.query", &redaction.redact(query));
    }
    if let Some(authority) = record.authority() {
        let (address, port) = split_authority(authority, record.scheme);
        attributes.text("server.address", address);
        attributes.number("server.port", port.into());
    }
    attributes.text_if("http.route", record.template());
}

fn put_network(attributes: &mut Attributes<'_>, record: &RequestRecord) {
    attributes.text("network.protocol.version", protocol_version(record.version));
    if let Some(peer) = record.peer {
        attributes.display("network.peer.address", peer.ip().to_canonical());
        attributes.number("network.peer.port", peer.port().into());
    }
    if let Some(client) = record.client_address {
        attributes.display("client.address", client.to_canonical());
    }
    attributes.text_if("user_agent.original", record.user_agent());
}

fn put_decision(attributes: &mut Attributes<'_>, record: &RequestRecord) {
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
    if let Some(percent) = decision.split_percent {
        attributes.double("cutover.split.percent", percent);
    }
    let generation = i64::try_from(decision.generation).unwrap_or(i64::MAX);
    attributes.number("cutover.config.generation", generation);
    attributes.text("cutover.sampling.reason", record.reason.as_str());
    attributes.flag("cutover.fallback", decision.fallback);
    attributes.flag("cutover.idempotency.key_present", decision.idempotency_key);
    attributes.flag("cutover.retry.budget_exhausted", decision.retry_budget_exhausted);
    attributes.flag("cutover.shadow.sent", decision.shadow_trace.is_some());
    if let Some(trace_id) = decision.shadow_trace {
        attributes.display("cutover.shadow.trace_id", trace_id);
    }
}
