//! The hot path of tracing: what a proxy calls once per request and attempt.

use std::net::IpAddr;

use http::HeaderMap;

use crate::baggage;
use crate::context::{Carried, Extracted, Flags, SpanId, TRACERESPONSE, TraceContext};
use crate::export::Spans;
use crate::sampling::{Keep, Outcome, Reason, RouteSampling, Sampler};
use crate::span::{ClientSpan, RequestRecord, ServerSpan};
use crate::trust::Trust;

/// Starts, passes on and ends the traces of requests. Shared by all workers.
#[derive(Debug)]
pub struct Tracer {
    trust: Trust,
    sampler: Sampler,
    spans: Option<Spans>,
}

/// The trace of one request, from its head to its end.
#[derive(Clone, Debug)]
pub struct RequestTrace {
    /// Our SERVER span. Without an exporter: the caller's own context, since we
    /// then have no span of ours that anybody could look up.
    context: TraceContext,
    parent: Option<SpanId>,
    /// Where an untrusted caller's trace stands.
    link: Option<Box<TraceContext>>,
    head: Keep,
    /// A trusted caller asked for its recording.
    asked: bool,
    /// The request came with a `tracestate`.
    had_state: bool,
    baggage: Baggage,
    has_span: bool,
}

/// The spans of a request that was not kept, for as long as something may yet speak for it.
#[derive(Debug)]
pub struct HeldRequest {
    record: Box<RequestRecord>,
    spans: Spans,
}

/// What to do with a request's baggage.
#[derive(Clone, Copy, Debug)]
enum Baggage {
    /// There is none.
    None,
    /// It may pass, within its limits.
    Limit,
    /// It comes from outside the trust boundary.
    Remove,
}

// === impl Tracer ===

impl Tracer {
    /// `spans: None` means that no receiver is configured: contexts still pass
    /// on, by the same trust rules, and nothing is recorded.
    #[must_use]
    pub fn new(trust: Trust, sampler: Sampler, spans: Option<Spans>) -> Self {
        Self { trust, sampler, spans }
    }

    /// Reads the context a request came with and places our span in it.
    ///
    /// `peer` is the address of the connection, not one that a header claims.
    /// Untrusted: a new trace that links to the caller's. Unreadable: a new
    /// trace, the caller's `tracestate` forgotten.
    #[must_use]
    pub fn begin(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> RequestTrace {
        let carried = Carried::find(headers);
        let trusted = self.trust.trusts(peer);
        let mut trace = match carried.extract() {
            Extracted::Valid(incoming) if trusted => self.join(incoming),
            Extracted::Valid(incoming) => self.root(Some(Box::new(incoming))),
            Extracted::Absent | Extracted::Invalid => self.root(None),
        };
        trace.asked = trusted && carried.asks_for_trace;
        trace.had_state = carried.has_state;
        trace.baggage = match (carried.has_baggage, trusted) {
            (false, _) => Baggage::None,
            (true, true) => Baggage::Limit,
            (true, false) => Baggage::Remove,
        };
        trace
    }

    /// Whether a request of `route` that ended so is recorded. Ask before
    /// [`Self::record`], so that no facts are gathered in vain. `span_count`: what
    /// is counted as dropped if the route has kept as many as it may.
    #[must_use]
    pub fn keep(
        &self,
        trace: &RequestTrace,
        outcome: &Outcome,
        route: &RouteSampling,
        span_count: usize,
    ) -> Keep {
        match &self.spans {
            Some(spans) => {
                route.decide(trace.head, trace.asked, outcome, || spans.capped(span_count))
            }
            None => Keep::No,
        }
    }

    /// Queues the SERVER span of a request and one CLIENT span per attempt.
    /// Never blocks; what does not fit is dropped and counted. Tells whether they fit.
    pub fn record(
        &self,
        trace: &RequestTrace,
        reason: Reason,
        server: &ServerSpan<'_>,
        attempts: impl IntoIterator<Item = ClientSpan>,
    ) -> bool {
        self.spans.as_ref().is_some_and(|spans| {
            spans.push_request(RequestRecord::new(trace, reason, server, attempts))
        })
    }

    /// Whether anything is ever recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.spans.is_some()
    }

    /// As [`Self::record`], of a request that is not kept but may yet be, for this reason. `None`:
    /// nothing is ever recorded.
    #[must_use]
    pub fn hold(
        &self,
        trace: &RequestTrace,
        reason: Reason,
        server: &ServerSpan<'_>,
        attempts: impl IntoIterator<Item = ClientSpan>,
    ) -> Option<HeldRequest> {
        let spans = self.spans.clone()?;
        let record = RequestRecord::new(trace, reason, server, attempts);
        Some(HeldRequest { record, spans })
    }

    fn join(&self, incoming: TraceContext) -> RequestTrace {
        let has_span = self.spans.is_some();
        RequestTrace {
            head: self.sampler.head(Some(incoming.flags), incoming.trace_id),
            parent: has_span.then_some(incoming.span_id),
            context: if has_span { incoming.child() } else { incoming },
            link: None,
            asked: false,
            had_state: false,
            baggage: Baggage::None,
            has_span,
        }
    }

    fn root(&self, link: Option<Box<TraceContext>>) -> RequestTrace {
        let mut context = TraceContext::new_root(false);
        let head = self.sampler.head(None, context.trace_id);
        context.flags = context.flags.with_sampled(head.is_yes());
        RequestTrace {
            context,
            parent: None,
            link,
            head,
            asked: false,
            had_state: false,
            baggage: Baggage::None,
            has_span: self.spans.is_some(),
        }
    }
}

// === impl HeldRequest ===

impl HeldRequest {
    /// Queues the spans after all. Never blocks; what does not fit is dropped and counted.
    pub fn keep(self) {
        self.spans.push_request(self.record);
    }

    /// Bytes it holds, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.record.bytes()
    }
}

// === impl RequestTrace ===

impl RequestTrace {
    /// The context of our SERVER span: what logs and exemplars name, and what
    /// [`TraceContext::traceresponse`] answers.
    #[must_use]
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// The caller's span, when its trace is continued.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// The caller's context, when it was valid and not trusted.
    #[must_use]
    pub fn link(&self) -> Option<&TraceContext> {
        self.link.as_deref()
    }

    /// The decision at the head of the request.
    #[must_use]
    pub fn head(&self) -> Keep {
        self.head
    }

    /// Prepares the headers of one upstream attempt, copied from those of the
    /// request that [`Tracer::begin`] saw: a span id of its own in
    /// `traceparent`, `tracestate` to match, baggage by the trust rule and
    /// within its limits. Returns the id for the attempt's [`ClientSpan`].
    pub fn attempt(&self, headers: &mut HeaderMap) -> SpanId {
        self.pass_baggage(headers);
        if !self.has_span {
            self.context.inject_over(headers, self.had_state);
            return self.context.span_id;
        }
        let attempt = self.context.child();
        attempt.inject_over(headers, self.had_state);
        attempt.span_id
    }

    /// Leaves of the request's baggage what may go on: by the trust rule, within its limits.
    pub fn pass_baggage(&self, headers: &mut HeaderMap) {
        match self.baggage {
            Baggage::None => {}
            Baggage::Limit => {
                baggage::limit(headers);
            }
            Baggage::Remove => baggage::remove(headers),
        }
    }

    /// Whether an upstream's answer says that the upstream records this trace, which it
    /// was not told to (`traceresponse` of W3C's draft, deferred sampling).
    #[must_use]
    pub fn is_recorded_by(&self, answer: &HeaderMap) -> bool {
        let context = answer.get(TRACERESPONSE).and_then(TraceContext::read);
        context.is_some_and(|(trace_id, flags)| {
            trace_id == self.context.trace_id && flags.is_sampled()
        })
    }

    /// The flags that go on to upstreams.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.context.flags
    }
}

#[cfg(test)]
mod tests;
