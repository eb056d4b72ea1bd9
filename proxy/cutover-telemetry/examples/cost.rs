//! What telemetry costs a request, in nanoseconds (best of 200 rounds):
//! `cargo run --release -p cutover-telemetry --example cost`.
//!
//! The exporter's thread works between the rounds, as it works beside requests;
//! its own cost per span is shown apart.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_telemetry::canonical::{CanonicalLine, CanonicalLog};
use cutover_telemetry::export::{ExportConfig, Exporter, Resource};
use cutover_telemetry::logs::{LogFormat, LogGuard};
use cutover_telemetry::metrics::{DropReason, Signal, TelemetryMetrics};
use cutover_telemetry::sampling::{Keep, Outcome, RouteSampling, Sampler};
use cutover_telemetry::span::{
    ClientSpan, Decision, RouteLabel, Scheme, ServerSpan, UpstreamLabel,
};
use cutover_telemetry::{Tracer, Trust};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bench {
    tracer: Tracer,
    route: Arc<RouteLabel>,
    upstream: Arc<UpstreamLabel>,
    agent: HeaderValue,
    sampling: RouteSampling,
    now: Instant,
}

/// Calls per round: what the queue holds, a request being two spans.
const CALLS: u32 = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let metrics = TelemetryMetrics::new();
    // Nothing listens there: what is measured is the work before sending.
    let config = ExportConfig {
        delay: Duration::from_secs(3600),
        batch_spans_max: 2048,
        timeout: Duration::from_millis(1),
        ..ExportConfig::new("http://127.0.0.1:9")
    };
    let exporter = Exporter::start(config, &Resource::new("cost", "0"), &metrics)?
        .ok_or("an endpoint is configured")?;
    let bench = |ratio| -> Result<Bench, Box<dyn std::error::Error>> {
        let spans = Some(exporter.spans().clone());
        Ok(Bench::new(Tracer::new(Trust::Always, Sampler::new(ratio)?, spans)))
    };
    let (unsampled, sampled) = (bench(0.0)?, bench(1.0)?);

    let mut upstream = request_headers();
    let stranger = request_headers();
    report(
        "unsampled: new root, attempt, inject, keep?",
        || {},
        || {
            unsampled.head(&stranger, &mut upstream);
        },
    );
    let mut caller = request_headers();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    caller.insert("traceparent", HeaderValue::from_static(parent));
    report(
        "unsampled: extract, child, inject, keep?",
        || {},
        || {
            unsampled.head(&caller, &mut upstream);
        },
    );
    caller.insert("tracestate", HeaderValue::from_static("ot=th:8,foo=1"));
    report(
        "unsampled: the same with tracestate",
        || {},
        || {
            unsampled.head(&caller, &mut upstream);
        },
    );

    let trace = sampled.tracer.begin(&caller, None);
    let trace_kept = sampled.tracer.begin(&HeaderMap::new(), None);
    let Keep::Yes(reason) = sampled.keep(&trace_kept) else {
        return Err("everything is kept".into());
    };
    let flush = || exporter.flush(Duration::from_secs(60)).unwrap_or_default();
    let record = || {
        let now = Instant::now();
        let attempt = sampled.attempt(&trace, now);
        sampled.tracer.record(&trace_kept, reason, &sampled.server(now), [attempt]);
    };
    report("kept: SERVER and CLIENT span, build and push", flush, record);
    let rounds = (0..50).map(|_| {
        flush();
        (0..CALLS).for_each(|_| record());
        let start = Instant::now();
        flush();
        start.elapsed() / (2 * CALLS)
    });
    let best = rounds.min().unwrap_or_default();
    println!("{:>6} ns  exporter's thread: encode one span", best.as_nanos());

    let guard = LogGuard::start(std::io::sink(), &metrics)?;
    let log = CanonicalLog::new(guard.writer().clone(), LogFormat::Json, 0.01)?;
    report(
        "canonical line: not wanted",
        || {},
        || {
            black_box(log.wants(black_box(&trace).context().trace_id, false));
        },
    );
    let flush = || {
        guard.flush(Duration::from_secs(60));
    };
    report("canonical line: written", flush, || log.emit(&line(&trace), false));
    for signal in [Signal::Traces, Signal::Logs] {
        let lost = metrics.dropped_total(signal, DropReason::QueueFull);
        assert_eq!(lost, 0, "the figures count pushes that did not happen");
    }
    Ok(())
}

/// The best round, per call; `between` rounds the queue is emptied.
fn report(what: &str, between: impl Fn(), mut call: impl FnMut()) {
    let rounds = (0..200).map(|_| {
        between();
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed() / CALLS
    });
    let best = rounds.min().unwrap_or_default();
    println!("{:>6} ns  {what}", best.as_nanos());
}

fn request_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in [
        ("host", "api.example.com"),
        ("accept", "*/*"),
        ("user-agent", "curl/8"),
        ("x-request-id", "1234"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn line(trace: &cutover_telemetry::RequestTrace) -> CanonicalLine<'_> {
    CanonicalLine {
        trace: trace.context(),
        method: &Method::GET,
        route: Some("device-read"),
        phase: "canary",
        side: "new",
        reason: "split",
        generation: 42,
        upstream: Some("registry"),
        attempts: 1,
        status: Some(StatusCode::OK),
        outcome: "ok",
        failure: None,
        duration: Duration::from_micros(12_345),
        upstream_duration: Duration::from_micros(11_000),
        bytes_in: 0,
        bytes_out: 1024,
    }
}

// === impl Bench ===

impl Bench {
    fn new(tracer: Tracer) -> Self {
        let now = Instant::now();
        Self {
            tracer,
            route: Arc::new(RouteLabel {
                id: "device-read".into(),
                template: Some("/v1/devices/{id}".into()),
            }),
            upstream: Arc::new(UpstreamLabel {
                name: "registry".into(),
                scheme: Scheme::Http,
                address: "10.0.0.5".into(),
                port: 8080,
            }),
            agent: HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
            sampling: RouteSampling::new(now),
            now,
        }
    }

    /// All that a request without spans pays.
    fn head(&self, headers: &HeaderMap, upstream: &mut HeaderMap) {
        let trace = self.tracer.begin(headers, None);
        black_box(trace.attempt(upstream));
        black_box(self.keep(&trace));
    }

    fn keep(&self, trace: &cutover_telemetry::RequestTrace) -> Keep {
        // A request that is measured has read the clock.
        let outcome = Outcome::good(self.now, Duration::from_millis(12));
        self.tracer.keep(trace, &outcome, &self.sampling, 2)
    }

    fn attempt(&self, trace: &cutover_telemetry::RequestTrace, now: Instant) -> ClientSpan {
        ClientSpan {
            span_id: trace.context().span_id,
            start: now,
            end: now,
            upstream: self.upstream.clone(),
            side: "new",
            version: Some(Version::HTTP_11),
            peer: Some(([10, 0, 0, 5], 8080).into()),
            status: Some(StatusCode::OK),
            failure: None,
            resend_count: 0,
        }
    }

    fn server(&self, now: Instant) -> ServerSpan<'_> {
        ServerSpan {
            start: now,
            end: now,
            method: &Method::GET,
            route: Some(&self.route),
            scheme: Scheme::Https,
            target: "/v1/devices/0b6c7a5e?fields=name,room",
            authority: Some("api.example.com"),
            version: Version::HTTP_2,
            client_address: Some([203, 0, 113, 9].into()),
            peer: Some(([203, 0, 113, 9], 50_000).into()),
            user_agent: Some(&self.agent),
            status: Some(StatusCode::OK),
            failure: None,
            decision: Decision {
                phase: "canary",
                side: "new",
                reason: "split",
                split_percent: Some(10.0),
                generation: 42,
                ..Decision::default()
            },
        }
    }
}
