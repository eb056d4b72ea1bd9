//! A proxy's worth of telemetry without a proxy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_telemetry::export::{ExportConfig, Exporter, Resource};
use cutover_telemetry::metrics::{DropReason, Signal, TelemetryMetrics};
use cutover_telemetry::sampling::{Keep, Outcome, RouteSampling, Sampler};
use cutover_telemetry::span::{
    ClientSpan, Decision, RouteLabel, Scheme, ServerSpan, UpstreamLabel,
};
use cutover_telemetry::{Tracer, Trust};
use http::{HeaderMap, Method, StatusCode, Version};

pub(crate) struct Fixture {
    pub(crate) tracer: Tracer,
    pub(crate) exporter: Exporter,
    pub(crate) metrics: TelemetryMetrics,
    pub(crate) resource: Resource,
    route: Arc<RouteLabel>,
    upstream: Arc<UpstreamLabel>,
    sampling: RouteSampling,
}

impl Fixture {
    /// Records everything; batches leave when full or flushed.
    pub(crate) fn new(endpoint: &str) -> Self {
        Self::with(ExportConfig { delay: Duration::from_secs(3600), ..ExportConfig::new(endpoint) })
    }

    pub(crate) fn with(config: ExportConfig) -> Self {
        let metrics = TelemetryMetrics::new();
        let resource =
            Resource::new("cutover-proxy", "1.2.3").with_namespace("home").with_environment("test");
        let exporter = Exporter::start(config, &resource, &metrics)
            .unwrap()
            .expect("an endpoint is configured");
        let sampler = Sampler::new(1.0).unwrap();
        Self {
            tracer: Tracer::new(Trust::Always, sampler, Some(exporter.spans().clone())),
            exporter,
            metrics,
            resource,
            route: Arc::new(RouteLabel {
                id: "device-read".into(),
                template: Some("/v1/devices/{id}".into()),
            }),
            upstream: Arc::new(UpstreamLabel {
                name: "legacy-monolith".into(),
                scheme: Scheme::Http,
                address: "monolith.internal".into(),
                port: 8080,
            }),
            sampling: RouteSampling::new(Instant::now()),
        }
    }

    /// A whole request with one attempt: two spans. Returns the headers that
    /// went upstream.
    pub(crate) fn request(&self, headers: &HeaderMap) -> HeaderMap {
        let start = Instant::now();
        let trace = self.tracer.begin(headers, None);
        let mut upstream_headers = headers.clone();
        let span_id = trace.attempt(&mut upstream_headers);
        let end = Instant::now();
        let outcome = Outcome::good(end, end - start);
        let Keep::Yes(reason) = self.tracer.keep(&trace, &outcome, &self.sampling, 2) else {
            return upstream_headers;
        };
        let attempt = ClientSpan {
            span_id,
            start,
            end,
            upstream: self.upstream.clone(),
            side: "legacy",
            version: Some(Version::HTTP_11),
            peer: Some("127.0.0.1:8080".parse().unwrap()),
            status: Some(StatusCode::OK),
            failure: None,
            resend_count: 0,
        };
        let server = ServerSpan {
            start,
            end,
            method: &Method::GET,
            route: Some(&self.route),
            scheme: Scheme::Http,
            target: "/v1/devices/7",
            authority: Some("example.com"),
            version: Version::HTTP_11,
            client_address: None,
            peer: None,
            user_agent: None,
            status: Some(StatusCode::OK),
            failure: None,
            decision: Decision {
                phase: "canary",
                side: "legacy",
                reason: "split",
                ..Decision::default()
            },
        };
        self.tracer.record(&trace, reason, &server, [attempt]);
        upstream_headers
    }

    /// `count` requests without a trace of their own.
    pub(crate) fn requests(&self, count: usize) {
        for _ in 0..count {
            self.request(&HeaderMap::new());
        }
    }

    pub(crate) fn flush(&self) {
        self.exporter.flush(Duration::from_secs(30)).unwrap();
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.metrics.dropped_total(Signal::Traces, reason)
    }

    pub(crate) fn exported(&self) -> u64 {
        self.metrics.exported_total(Signal::Traces)
    }

    /// Everything dropped, for whatever reason.
    pub(crate) fn dropped_in_all(&self) -> u64 {
        DropReason::ALL.iter().map(|reason| self.dropped(*reason)).sum()
    }
}
