//! The OpenTelemetry SDK, tied to our own sampler and queue.

use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, Span,
    SpanData, SpanProcessor,
};

use crate::context;
use crate::export::Spans;
use crate::sampling::Sampler;

/// Hands finished spans to the exporter's queue.
#[derive(Debug)]
struct QueueProcessor(Spans);

/// Decides roots as the proxy does.
#[derive(Clone, Debug)]
struct RootSampler(Sampler);

/// A provider of its own: nothing here is global.
pub(super) fn provider(sampler: Sampler, spans: Option<&Spans>) -> SdkTracerProvider {
    let sampler = SdkSampler::ParentBased(Box::new(RootSampler(sampler)));
    let builder = SdkTracerProvider::builder().with_sampler(sampler);
    match spans {
        Some(spans) => builder.with_span_processor(QueueProcessor(spans.clone())),
        None => builder,
    }
    .build()
}

// === impl QueueProcessor ===

impl SpanProcessor for QueueProcessor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0.push_sdk(span);
        }
    }

    /// The exporter is flushed by its owner.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

// === impl RootSampler ===

impl ShouldSample for RootSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let trace_id = context::TraceId::new(u128::from_be_bytes(trace_id.to_bytes()));
        let takes = trace_id.is_some_and(|trace_id| self.0.takes(trace_id));
        SamplingResult {
            decision: if takes {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: parent
                .map(|parent| parent.span().span_context().trace_state().clone())
                .unwrap_or_default(),
        }
    }
}
