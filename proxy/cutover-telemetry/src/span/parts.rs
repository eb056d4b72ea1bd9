//! The facts that all kinds of span share.

use std::fmt::{self, Display};

use http::{Method, StatusCode, Version};

use super::record::Clock;
use crate::context::{SpanId, TraceContext};
use crate::wire::{Attributes, Wire};

/// Numbers of the fields of OTLP's `Span`, `Link` and `Status`.
pub(super) mod field {
    pub(in crate::span) const TRACE_ID: u32 = 1;
    pub(in crate::span) const SPAN_ID: u32 = 2;
    pub(in crate::span) const TRACE_STATE: u32 = 3;
    pub(in crate::span) const PARENT_SPAN_ID: u32 = 4;
    pub(in crate::span) const NAME: u32 = 5;
    pub(in crate::span) const KIND: u32 = 6;
    pub(in crate::span) const START: u32 = 7;
    pub(in crate::span) const END: u32 = 8;
    pub(in crate::span) const ATTRIBUTES: u32 = 9;
    pub(in crate::span) const LINKS: u32 = 13;
    pub(in crate::span) const STATUS: u32 = 15;
    pub(in crate::span) const FLAGS: u32 = 16;
    pub(super) const LINK_ATTRIBUTES: u32 = 4;
    pub(super) const LINK_FLAGS: u32 = 6;
    pub(in crate::span) const STATUS_CODE: u32 = 3;
}

/// OTLP's `STATUS_CODE_ERROR`.
const CODE_ERROR: u64 = 2;
/// OTLP's span flags beside the trace flags.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// What one span of a trace is.
pub(super) struct Identity {
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) parent_is_remote: bool,
    /// OTLP's `SpanKind`.
    pub(super) kind: u64,
    pub(super) start: std::time::Instant,
    pub(super) end: std::time::Instant,
}

/// `{verb} {METHOD} {template}`, without what there is none of.
pub(super) struct Name<'a> {
    pub(super) verb: Option<&'a str>,
    pub(super) method: Option<&'a MethodName<'a>>,
    pub(super) template: Option<&'a str>,
}

/// How a method is shown: unknown ones would let a client choose span names.
pub(super) struct MethodName<'a> {
    /// `http.request.method`.
    pub(super) attribute: &'static str,
    /// In the span's name.
    pub(super) in_name: &'static str,
    /// `http.request.method_original`, for unknown ones.
    pub(super) original: Option<&'a str>,
}

/// `http.request.method`: a known method, or `_OTHER`.
pub(crate) fn method_attribute(method: &Method) -> &'static str {
    MethodName::of(method).attribute
}

/// Everything of a span but attributes, links and status.
pub(super) fn put_identity(
    wire: &mut Wire,
    context: &TraceContext,
    name: impl Display,
    clock: Clock,
    identity: &Identity,
) {
    wire.bytes(field::TRACE_ID, &context.trace_id.get().to_be_bytes());
    wire.bytes(field::SPAN_ID, &identity.span_id.get().to_be_bytes());
    put_state(wire, context);
    if let Some(parent) = identity.parent {
        wire.bytes(field::PARENT_SPAN_ID, &parent.get().to_be_bytes());
    }
    wire.fixed32(field::FLAGS, flags(context, identity.parent_is_remote));
    wire.display(field::NAME, name);
    wire.number(field::KIND, identity.kind);
    wire.fixed64(field::START, clock.unix_nanos(identity.start));
    wire.fixed64(field::END, clock.unix_nanos(identity.end));
}

/// `tracestate`, where there is one.
fn put_state(wire: &mut Wire, context: &TraceContext) {
    if let Some(Ok(state)) = context.state.as_ref().map(|state| state.to_str()) {
        wire.bytes(field::TRACE_STATE, state.as_bytes());
    }
}

/// A link to a span of another trace, and what it is to this one.
pub(super) fn put_link(wire: &mut Wire, context: &TraceContext, is_remote: bool, kind: &str) {
    wire.nested(field::LINKS, |wire| {
        wire.bytes(field::TRACE_ID, &context.trace_id.get().to_be_bytes());
        wire.bytes(field::SPAN_ID, &context.span_id.get().to_be_bytes());
        put_state(wire, context);
        wire.attributes(field::LINK_ATTRIBUTES).text("cutover.link.type", kind);
        wire.fixed32(field::LINK_FLAGS, flags(context, is_remote));
    });
}

/// Path and query of a target in origin form.
pub(super) fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// OTLP's flags: the trace flags, and whether the parent is remote.
fn flags(context: &TraceContext, parent_is_remote: bool) -> u32 {
    let remote = if parent_is_remote { IS_REMOTE } else { 0 };
    u32::from(context.flags.bits()) | HAS_IS_REMOTE | remote
}

/// Status and `error.type`: an error is a failure of ours or a status from
/// `first_error` on. The status code says enough, so there is no description.
pub(super) fn put_status(
    wire: &mut Wire,
    failure: Option<&'static str>,
    status: Option<StatusCode>,
    first_error: u16,
) {
    let refused = status.filter(|status| status.as_u16() >= first_error);
    let error_type = match (failure, &refused) {
        (Some(failure), _) => failure,
        (None, Some(status)) => status.as_str(),
        (None, None) => return,
    };
    wire.attributes(field::ATTRIBUTES).text("error.type", error_type);
    wire.nested(field::STATUS, |wire| wire.number(field::STATUS_CODE, CODE_ERROR));
}

/// `network.protocol.version`.
pub(crate) fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

// === impl Name ===

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.map(|method| method.in_name);
        let parts = [self.verb, method, self.template].into_iter().flatten();
        for (index, part) in parts.enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}

// === impl MethodName ===

impl<'a> MethodName<'a> {
    pub(super) fn of(method: &'a Method) -> Self {
        /// RFC 9110, RFC 5789 and the safe method with a body.
        const KNOWN: [&str; 10] = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
        ];
        match KNOWN.into_iter().find(|known| *known == method.as_str()) {
            Some(known) => Self { attribute: known, in_name: known, original: None },
            None => Self { attribute: "_OTHER", in_name: "HTTP", original: Some(method.as_str()) },
        }
    }

    /// `{METHOD} {template}`, or the method alone.
    pub(super) fn on(&'a self, template: Option<&'a str>) -> Name<'a> {
        Name { verb: None, method: Some(self), template }
    }

    pub(super) fn put(&self, attributes: &mut Attributes<'_>) {
        attributes.text("http.request.method", self.attribute);
        attributes.text_if("http.request.method_original", self.original);
    }
}
