//! Traces, when asked for: one SERVER span per request, sent by stock OpenTelemetry.
//!
//! The span continues the caller's trace (W3C `traceparent`, `tracestate`) and is kept if the
//! caller kept its own; a request without a trace begins one. Names and attributes are those of the
//! stable HTTP conventions. The SDK's queue is bounded and drops spans when it is full, so a slow
//! or absent receiver costs a request nothing.
//!
//! There are no metrics and no logs by OTLP: this house never had them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanBuilder, SpanKind, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

mod client;
mod receiver;
mod span;

pub use receiver::{Receiver, ReceiverError};
pub(crate) use span::RequestSpan;

const SERVICE_NAME: &str = "smart-home-monolith";
/// The conventions that the attributes follow.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";
/// For one export with its retries.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the last spans get at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where spans begin; by default nowhere, at no cost.
#[derive(Clone, Default)]
pub(crate) struct Telemetry(Option<Arc<Pipeline>>);

struct Pipeline {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Telemetry {
    /// Sends spans to `receiver` from now on. To be called within a Tokio runtime, which carries
    /// the exports.
    pub(crate) fn start(receiver: &Receiver) -> anyhow::Result<Telemetry> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client::Client::new(receiver, EXPORT_TIMEOUT))
            .with_endpoint(receiver.traces_url())
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .with_context(|| format!("cannot send traces to {receiver}"))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(resource())
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(SCHEMA_URL)
            .build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Telemetry(Some(Arc::new(Pipeline { provider, tracer }))))
    }

    /// Begins the span of a request.
    pub(crate) fn begin<B>(&self, request: &http::Request<B>) -> RequestSpan {
        let Some(pipeline) = &self.0 else { return RequestSpan::none() };
        let headers = HeaderExtractor(request.headers());
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        let method = span::method_name(request.method());
        let builder = SpanBuilder::from_name(method)
            .with_kind(SpanKind::Server)
            .with_attributes(span::attributes(request));
        RequestSpan::new(pipeline.tracer.build_with_context(builder, &parent), method)
    }

    /// Whether spans go anywhere.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends what is queued, for up to 2 s. Later spans are lost.
    pub(crate) async fn shutdown(&self) {
        let Some(pipeline) = self.0.clone() else { return };
        let flush = move || pipeline.provider.shutdown_with_timeout(FLUSH_TIMEOUT);
        // It blocks until the exporter's thread is done, and that thread needs this one's runtime.
        match tokio::task::spawn_blocking(flush).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent in time"),
            Err(error) => tracing::error!(%error, "sending the last traces failed"),
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // The provider's own drop would block for seconds. Its thread still tries, then ends.
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
    }
}

/// Tells the span which route answered; for [`axum::Router::route_layer`].
pub(crate) async fn note_route(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(path);
    response
}

fn resource() -> Resource {
    Resource::builder()
        .with_service_name(SERVICE_NAME)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

#[cfg(test)]
mod tests;
