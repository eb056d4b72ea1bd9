//! The trace of a copy: what was asked of the side that did not serve, and what came of it.
//!
//! ```text
//! shadow GET /v1/devices/{id}      INTERNAL, links to the live request's SERVER span
//! ├─ GET /v1/devices/{id}          CLIENT: the side that got the copy
//! ├─ GET /v1/devices/{id}          CLIENT: legacy a second time, for some
//! └─ compare /v1/devices/{id}      INTERNAL
//! ```
//!
//! A trace of its own: as a child of the live request it would outlive its parent, and one
//! sampling decision would have to do for both.

use std::time::Instant;

use http::Method;

use super::parts::{Identity, MethodName, Name, field, put_identity, put_link, split_target};
use super::record::{Clock, cut};
use super::{ClientSpan, Redaction, RouteLabel, client, parts::put_status};
use crate::context::{SpanId, TraceContext, TraceId};
use crate::sampling::Reason;
use crate::wire::{Attributes, Wire};

/// OTLP's `SPAN_KIND_INTERNAL`.
const KIND: u64 = 1;
/// Most paths in `cutover.parity.fields`.
const FIELDS_MAX: usize = 8;

/// The facts of one copy. To be gathered once it is known that they are kept.
#[derive(Clone, Debug)]
pub struct CopySpans {
    /// When the copy was taken up.
    pub start: Instant,
    /// When it had come to its end.
    pub end: Instant,
    /// The live request's SERVER span, if it is known.
    pub live: Option<TraceContext>,
    /// As asked.
    pub method: Method,
    /// The route that the live request matched.
    pub route: RouteLabel,
    /// Path and query as asked, in origin form; cut after 1024 bytes.
    pub target: Box<str>,
    /// `cutover.phase`: shadow, canary or live.
    pub phase: &'static str,
    /// `cutover.side`: the side that got the copy, legacy or new.
    pub side: &'static str,
    /// `cutover.config.generation`: revision of the table that decided the live request.
    pub generation: u64,
    /// What became of it.
    pub end_state: CopyEnd,
    /// The side that got the copy was asked.
    pub call: Option<ClientSpan>,
    /// Legacy was asked a second time.
    pub reference: Option<ClientSpan>,
    /// The answers were compared.
    pub comparison: Option<ComparisonSpan>,
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyEnd {
    /// It came to a verdict.
    Judged {
        /// `cutover.parity.verdict`: match, mismatch, noisy or incomparable.
        verdict: &'static str,
        /// `cutover.parity.reason`: why it is incomparable.
        reason: Option<&'static str>,
    },
    /// `cutover.shadow.dropped`: why it was given up.
    Dropped(&'static str),
}

/// The comparison of one copy's answers.
#[derive(Clone, Debug)]
pub struct ComparisonSpan {
    /// When it began.
    pub start: Instant,
    /// When the verdict was there.
    pub end: Instant,
    /// `cutover.parity.diff_count`: places at which the answers differ.
    pub differences: usize,
    /// `cutover.parity.fields`: where, as paths without indices and keys, never values. The first
    /// 8 are told.
    pub fields: Vec<Box<str>>,
    /// `error.type`: how the side that got the copy failed to answer, like `deadline`.
    pub failure: Option<&'static str>,
}

/// The spans of one copy, as they wait in the queue.
#[derive(Debug)]
pub(crate) struct CopyRecord {
    /// Of the root.
    context: TraceContext,
    reason: Reason,
    comparison_id: SpanId,
    spans: CopySpans,
}

// === impl CopyRecord ===

impl CopyRecord {
    pub(crate) fn new(context: &TraceContext, reason: Reason, mut spans: CopySpans) -> Box<Self> {
        // The queue's memory is bounded by this.
        shorten(&mut spans.target);
        if let Some(comparison) = &mut spans.comparison {
            comparison.fields.truncate(FIELDS_MAX);
            comparison.fields.iter_mut().for_each(shorten);
        }
        let (context, comparison_id) = (context.clone(), SpanId::random());
        Box::new(Self { context, reason, comparison_id, spans })
    }

    /// The trace of its spans.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.context.trace_id
    }

    /// The id of its route, and why it is kept.
    pub(crate) fn sort(&self) -> (Option<&str>, Reason) {
        (Some(&self.spans.route.id), self.reason)
    }

    /// How many spans it becomes.
    pub(crate) fn span_count(&self) -> usize {
        let CopySpans { call, reference, comparison, .. } = &self.spans;
        1 + [call.is_some(), reference.is_some(), comparison.is_some()]
            .map(usize::from)
            .into_iter()
            .sum::<usize>()
    }

    /// Appends its spans as fields of this number, the root first.
    pub(crate) fn put(&self, wire: &mut Wire, field: u32, clock: Clock, redaction: &Redaction) {
        let CopySpans { call, reference, comparison, .. } = &self.spans;
        wire.nested(field, |wire| self.put_root(wire, clock));
        let request = client::Request {
            context: &self.context,
            parent: self.context.span_id,
            method: &self.spans.method,
            template: self.template(),
            target: split_target(&self.spans.target),
            purpose: client::Purpose::Copy,
        };
        if let Some(call) = call {
            wire.nested(field, |wire| client::put(wire, request, call, clock, redaction));
        }
        if let Some(call) = reference {
            let request = client::Request { purpose: client::Purpose::Reference, ..request };
            wire.nested(field, |wire| client::put(wire, request, call, clock, redaction));
        }
        if let Some(comparison) = comparison {
            wire.nested(field, |wire| self.put_comparison(wire, comparison, clock));
        }
    }

    fn put_root(&self, wire: &mut Wire, clock: Clock) {
        let spans = &self.spans;
        let method = MethodName::of(&spans.method);
        let (verb, template) = (Some("shadow"), self.template());
        let identity = Identity {
            span_id: self.context.span_id,
            parent: None,
            parent_is_remote: false,
            kind: KIND,
            start: spans.start,
            end: spans.end,
        };
        let name = Name { verb, method: Some(&method), template };
        put_identity(wire, &self.context, name, clock, &identity);
        let mut attributes = wire.attributes(field::ATTRIBUTES);
        method.put(&mut attributes);
        attributes.text_if("http.route", template);
        attributes.text("cutover.route.id", &spans.route.id);
        attributes.text("cutover.phase", spans.phase);
        attributes.text("cutover.side", spans.side);
        let generation = i64::try_from(spans.generation).unwrap_or(i64::MAX);
        attributes.number("cutover.config.generation", generation);
        attributes.flag("cutover.shadow", true);
        if let Some(live) = &spans.live {
            attributes.display("cutover.live.trace_id", live.trace_id);
        }
        attributes.text("cutover.sampling.reason", self.reason.as_str());
        spans.end_state.put(&mut attributes);
        if let Some(live) = &spans.live {
            put_link(wire, live, false, "shadow_of");
        }
    }

    fn put_comparison(&self, wire: &mut Wire, comparison: &ComparisonSpan, clock: Clock) {
        let identity = Identity {
            span_id: self.comparison_id,
            parent: Some(self.context.span_id),
            parent_is_remote: false,
            kind: KIND,
            start: comparison.start,
            end: comparison.end,
        };
        let name = Name { verb: Some("compare"), method: None, template: self.template() };
        put_identity(wire, &self.context, name, clock, &identity);
        let mut attributes = wire.attributes(field::ATTRIBUTES);
        attributes.text("cutover.route.id", &self.spans.route.id);
        attributes.flag("cutover.shadow", true);
        self.spans.end_state.put(&mut attributes);
        let count = i64::try_from(comparison.differences).unwrap_or(i64::MAX);
        attributes.number("cutover.parity.diff_count", count);
        attributes.texts("cutover.parity.fields", &comparison.fields);
        put_status(wire, comparison.failure, None, 0);
    }

    fn template(&self) -> Option<&str> {
        self.spans.route.template.as_deref()
    }
}

// === impl CopyEnd ===

impl CopyEnd {
    fn put(self, attributes: &mut Attributes<'_>) {
        match self {
            Self::Judged { verdict, reason } => {
                attributes.text("cutover.parity.verdict", verdict);
                attributes.text_if("cutover.parity.reason", reason);
            }
            Self::Dropped(reason) => attributes.text("cutover.shadow.dropped", reason),
        }
    }
}

fn shorten(text: &mut Box<str>) {
    let kept = cut(text);
    if kept.len() < text.len() {
        *text = kept.into();
    }
}
