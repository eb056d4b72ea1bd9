//! Kept traces as the control plane reads them.

use cutover_control::{SpanSeen, TraceSeen, Traces};
use cutover_telemetry::{
    context::TraceId,
    export::{KeptSpan, KeptTrace, KeptTraces},
};

/// The newest traces that the exporter's thread was given.
pub(super) struct Recorded(pub(super) KeptTraces);

impl Traces for Recorded {
    fn newest(&self) -> Vec<TraceSeen> {
        self.0.newest().into_iter().map(trace).collect()
    }

    fn find(&self, id: &str) -> Option<TraceSeen> {
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_id.then(|| u128::from_str_radix(id, 16).ok()).flatten()?;
        self.0.find(TraceId::new(id)?).map(trace)
    }
}

fn trace(kept: KeptTrace) -> TraceSeen {
    let KeptTrace { trace_id, spans, is_cut } = kept;
    TraceSeen {
        trace_id: trace_id.to_string(),
        spans: spans.into_iter().map(span).collect(),
        is_cut,
    }
}

fn span(kept: KeptSpan) -> SpanSeen {
    let links = kept.links.into_iter().map(|(id, kind)| (id.to_string(), kind));
    SpanSeen {
        span_id: kept.span_id.to_string(),
        parent: kept.parent.map(|parent| parent.to_string()),
        name: kept.name,
        kind: kept.kind,
        start_nanos: kept.start_nanos,
        end_nanos: kept.end_nanos,
        is_error: kept.is_error,
        attributes: kept.attributes,
        links: links.collect(),
    }
}
