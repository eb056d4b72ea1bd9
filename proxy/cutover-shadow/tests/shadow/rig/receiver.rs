//! Who gets the spans: an OTLP receiver in memory.

use std::{sync::Arc, time::Duration};

use cutover_telemetry::{
    copies::CopyTracer,
    export::{ExportConfig, Exporter, Resource},
    metrics::{DropReason, Signal, TelemetryMetrics},
    sampling::Sampler,
};
use http::Response;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;

use super::{PATIENCE, Server, answer};

pub(crate) struct Receiver {
    server: Server,
    exporter: Arc<Exporter>,
    metrics: TelemetryMetrics,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let server = answer(|_| Response::default()).await;
        let metrics = TelemetryMetrics::new();
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let config =
            ExportConfig { delay: Duration::from_secs(3600), ..ExportConfig::new(endpoint) };
        let resource = Resource::new("cutover-proxy", "1.2.3");
        let exporter = Exporter::start(config, &resource, &metrics).unwrap().unwrap();
        Receiver { server, exporter: Arc::new(exporter), metrics }
    }

    pub(crate) fn tracer(&self, ratio: f64) -> CopyTracer {
        CopyTracer::new(Sampler::new(ratio).unwrap(), Some(self.exporter.spans().clone()))
    }

    /// Every span there is, and what it came in.
    pub(crate) async fn received(&self) -> (Vec<Span>, Vec<u8>) {
        let exporter = Arc::clone(&self.exporter);
        tokio::task::spawn_blocking(move || exporter.flush(PATIENCE).unwrap()).await.unwrap();
        let requests = self.server.requests.lock().unwrap();
        let bytes: Vec<u8> = requests.iter().flat_map(|request| request.body().clone()).collect();
        let spans = requests
            .iter()
            .map(|request| ExportTraceServiceRequest::decode(request.body().clone()).unwrap())
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        (spans.collect(), bytes)
    }

    /// Spans that a rule would have kept, had there been room.
    pub(crate) fn capped(&self) -> u64 {
        self.metrics.dropped_total(Signal::Traces, DropReason::RateCap)
    }
}

/// An attribute as text; lists with commas, empty if there is none.
pub(crate) fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    found.and_then(|attribute| attribute.value.as_ref()).map(text).unwrap_or_default()
}

fn text(any: &AnyValue) -> String {
    match any.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(is_set) => is_set.to_string(),
        Value::ArrayValue(list) => list.values.iter().map(text).collect::<Vec<_>>().join(","),
        other => panic!("{other:?}"),
    }
}
