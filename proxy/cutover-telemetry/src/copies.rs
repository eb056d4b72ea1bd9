//! The traces of copies, which are asked of the side that did not serve.
//!
//! A copy's trace is a root of its own that links to the live request's. Its id is chosen when
//! the live request ends ([`TraceContext::linked`]), so that the live span can name it, and the
//! ratio decides about it as about any root. What the ratio leaves out is kept all the same if the
//! copy says something: see [`CopyTracer::keep`].

use std::time::Instant;

use crate::context::{SpanId, TraceContext, TraceId};
use crate::export::Spans;
use crate::sampling::{Keep, RateCap, Reason, Sampler};
use crate::span::{CopyRecord, CopySpans};

/// Starts and ends the traces of copies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CopyTracer {
    sampler: Sampler,
    spans: Option<Spans>,
}

/// The trace of one copy.
#[derive(Clone, Debug)]
pub struct CopyTrace {
    /// Of the root.
    context: TraceContext,
    head: Keep,
}

// === impl CopyTracer ===

impl CopyTracer {
    /// `spans: None` means that no receiver is configured: copies still carry a context of their
    /// own, and nothing is recorded.
    #[must_use]
    pub fn new(sampler: Sampler, spans: Option<Spans>) -> Self {
        Self { sampler, spans }
    }

    /// Begins the trace of a copy. What the ratio says of its id travels on with it.
    #[must_use]
    pub fn begin(&self, trace_id: TraceId) -> CopyTrace {
        let head = match self.spans {
            Some(_) => self.sampler.head(None, trace_id),
            None => Keep::No,
        };
        CopyTrace { context: TraceContext::root_of(trace_id, head.is_yes()), head }
    }

    /// Whether the trace is recorded: if the ratio chose it, or else if a `rule` of the caller's
    /// does and `cap` has room for it. What the cap leaves out is counted as dropped, by
    /// `span_count`. Ask before the facts are gathered.
    #[must_use]
    pub fn keep(
        &self,
        trace: &CopyTrace,
        rule: Option<Reason>,
        cap: &RateCap,
        span_count: usize,
    ) -> Keep {
        let (Some(spans), Keep::No, Some(reason)) = (&self.spans, trace.head, rule) else {
            return trace.head;
        };
        if cap.admits(Instant::now()) {
            return Keep::Yes(reason);
        }
        spans.capped(span_count);
        Keep::No
    }

    /// Queues the spans of a copy. Never blocks; what does not fit is dropped and counted.
    pub fn record(&self, trace: &CopyTrace, reason: Reason, copy: CopySpans) {
        if let Some(spans) = &self.spans {
            spans.push_copy(CopyRecord::new(&trace.context, reason, copy));
        }
    }
}

// === impl CopyTrace ===

impl CopyTrace {
    /// The context of a call below the root: what its `traceparent` says. The id is its
    /// [`crate::span::ClientSpan`]'s.
    #[must_use]
    pub fn call(&self) -> TraceContext {
        self.context.child()
    }

    /// What names the trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.context.trace_id
    }

    /// The root span.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.context.span_id
    }

    /// The decision of the ratio.
    #[must_use]
    pub fn head(&self) -> Keep {
        self.head
    }
}

#[cfg(test)]
mod tests;
