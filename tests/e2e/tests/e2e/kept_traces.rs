//! Which traces are kept at ratio 0, and where to look them up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::client::Client;
use e2e::eventually;
use e2e::rig::Pair;
use e2e::sink::{Kind, Sink, Span};
use e2e::upstream::{Asked, Fault};
use http::Request;

/// Each side of each route leaves one trace in so many seconds, whatever happens.
const FLOOR_SECONDS: u64 = 10;
/// Traces of one route that rules keep in a second.
const KEPT_PER_SECOND_MAX: u64 = 50;
const LIVE: &str = "phase = \"live\"";

/// Cutover at ratio 0 that sends what it keeps to a sink.
struct Traced {
    pair: Pair,
    sink: Sink,
    began: Instant,
}

// === impl Traced ===

impl Traced {
    async fn start(target: &str, telemetry: &str) -> Traced {
        let sink = Sink::start().await.unwrap();
        let pair = Pair::start_with(target, |config| {
            config.otlp = sink.url();
            config.sample_ratio = 0.0;
            config.telemetry = telemetry.to_owned();
            config.upstream = "timeouts = { first_byte_ms = 400 }\n".to_owned();
        });
        Traced { pair: pair.await.unwrap(), sink, began: Instant::now() }
    }

    async fn client(&self) -> Client {
        Client::http1(self.pair.proxy.addr()).await.unwrap()
    }

    /// Asks for the device with `field`, if there is one.
    async fn ask(&self, device: &str, field: Option<(&str, &str)>) -> Asked {
        let mut request = Request::get(path(device));
        if let Some((name, value)) = field {
            request = request.header(name, value);
        }
        let answer = self.client().await.ask(request.body("".into()).unwrap()).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// SERVER spans by path once that of the device `last` has come: spans come in order.
    async fn kept(&self, last: &str) -> BTreeMap<String, Span> {
        let server = |span: &Span| span.kind == Kind::Server;
        let by_path = |span: Span| (span.attributes["url.path"].clone(), span);
        let kept = eventually(format!("the trace of {last}"), async || {
            let spans = self.sink.spans().into_iter().filter(server);
            let kept: BTreeMap<_, _> = spans.map(by_path).collect();
            kept.contains_key(&path(last)).then_some(kept)
        });
        kept.await.unwrap()
    }

    /// As [`Traced::kept`]: the reasons, but for what the floor kept.
    async fn reasons(&self, last: &str) -> BTreeMap<String, String> {
        let kept = self.kept(last).await.into_iter();
        let reasons = kept.map(|(path, span)| (path, reason(&span)));
        reasons.filter(|(_, reason)| reason != "floor").collect()
    }

    /// The most that the floor can have kept of one side of one route.
    fn floor_max(&self) -> u64 {
        self.began.elapsed().as_secs() / FLOOR_SECONDS + 2
    }
}

fn path(device: &str) -> String {
    format!("/api/v1/devices/{device}")
}

fn reason(span: &Span) -> String {
    span.attributes["cutover.sampling.reason"].clone()
}

#[tokio::test]
async fn what_says_something_is_kept_and_healthy_traffic_is_not() {
    let slow = "slo = { latency = { target = 99.0, under_ms = 100 } }";
    let traced = Traced::start(&format!("{LIVE}\n{slow}"), "").await;
    let mut client = traced.client().await;
    for device in 0..200 {
        assert_eq!(client.get(&path(&format!("good-{device}"))).await.unwrap().status, 200);
    }
    for (device, fault) in [
        ("error", Fault::Status(500)),
        ("fallback", Fault::Status(503)),
        ("slow", Fault::Slow(Duration::from_millis(150))),
        ("refused", Fault::Status(403)),
    ] {
        traced.pair.new.set(fault).await;
        traced.pair.get(&path(device)).await.unwrap();
    }
    // What matches no route: legacy's, with nobody to fall back to.
    traced.pair.legacy.set(Fault::Hang).await;
    assert_eq!(traced.pair.get("/timeout").await.unwrap().status, 504);
    traced.pair.new.set(Fault::Status(500)).await;
    traced.pair.get(&path("last")).await.unwrap();

    let kept = traced.kept("last").await;
    let healthy = kept.keys().filter(|path| path.contains("good-")).count() as u64;
    assert!((1..=traced.floor_max()).contains(&healthy), "{healthy} of 200 good ones");
    let reasons = traced.reasons("last").await;
    let expected = [
        (path("error"), "error"),
        (path("fallback"), "fallback"),
        (path("last"), "error"),
        (path("slow"), "slow"),
        ("/timeout".to_owned(), "timeout"),
    ];
    let expected = expected.map(|(path, reason)| (path, reason.to_owned()));
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_outage_stays_under_the_cap_and_the_rest_is_counted() {
    const REQUESTS: u64 = 400;
    let traced = Traced::start(LIVE, "").await;
    traced.pair.new.set(Fault::Status(500)).await;
    let mut client = traced.client().await;
    let began = Instant::now();
    for device in 0..REQUESTS {
        assert_eq!(client.get(&path(&device.to_string())).await.unwrap().status, 500);
    }
    let seconds = began.elapsed().as_secs() + 2;
    let accounted = eventually("all requests accounted for", async || {
        let metrics = traced.pair.proxy.metrics().await.ok()?;
        let capped = [("signal", "traces"), ("reason", "rate_cap")];
        let capped = metrics.sum("cutover_telemetry_dropped_total", &capped) as u64 / 2;
        let exported = [("signal", "traces")];
        let exported = metrics.sum("cutover_telemetry_exported_total", &exported) as u64 / 2;
        (capped + exported == REQUESTS).then_some(exported)
    });
    let kept = accounted.await.unwrap();
    let most = seconds * KEPT_PER_SECOND_MAX + traced.floor_max();
    assert!((KEPT_PER_SECOND_MAX..=most).contains(&kept), "{kept} in {seconds} s");
}

#[tokio::test]
async fn a_route_that_was_taken_back_is_watched() {
    let traced = Traced::start(LIVE, "").await;
    for device in ["floor", "before"] {
        traced.ask(device, None).await;
    }
    traced.pair.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    assert_eq!(traced.ask("after", None).await.upstream, "legacy");
    let expected = [(path("after"), "rollback".to_owned())];
    assert_eq!(traced.reasons("after").await.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_trusted_caller_may_ask_for_a_trace_and_upstreams_are_not_told() {
    let traced = Traced::start(LIVE, "trace = { trust = \"always\" }\n").await;
    traced.ask("floor", None).await;
    let asked = traced.ask("asked", Some(("cutover-trace", "1"))).await;
    assert_eq!(asked.header("cutover-trace"), None);
    assert!(asked.header("traceparent").unwrap().ends_with("-02"), "the ratio's decision stands");
    traced.ask("declined", Some(("cutover-trace", "0"))).await;
    traced.ask("last", Some(("cutover-trace", "1"))).await;
    let expected = [(path("asked"), "asked".to_owned()), (path("last"), "asked".to_owned())];
    assert_eq!(traced.reasons("last").await.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_stranger_asks_for_a_trace_in_vain() {
    let traced = Traced::start(LIVE, "").await;
    traced.ask("floor", None).await;
    let asked = traced.ask("asked", Some(("cutover-trace", "1"))).await;
    assert_eq!(asked.header("cutover-trace"), None);
    traced.pair.new.set(Fault::Status(500)).await;
    traced.ask("last", None).await;
    let expected = [(path("last"), "error".to_owned())];
    assert_eq!(traced.reasons("last").await.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_upstream_that_records_a_trace_is_heard() {
    let traced = Traced::start(LIVE, "").await;
    traced.ask("floor", None).await;
    traced.pair.new.set(Fault::Records).await;
    let asked = traced.ask("recorded", None).await;
    let kept = traced.kept("recorded").await;
    let span = &kept[&path("recorded")];
    assert_eq!(reason(span), "upstream");
    assert!(asked.header("traceparent").unwrap().contains(&span.trace_id));
}

#[tokio::test]
async fn a_failure_leaves_an_exemplar_that_leads_to_its_trace() {
    let traced = Traced::start(LIVE, "").await;
    traced.ask("floor", None).await;
    traced.pair.new.set(Fault::Status(500)).await;
    traced.ask("failed", None).await;
    let kept = traced.kept("failed").await;
    let Span { trace_id, span_id, .. } = &kept[&path("failed")];

    let mut admin = Client::http1(traced.pair.proxy.admin()).await.unwrap();
    let mut scrape = async |accept: &str| {
        let request = Request::get("/metrics").header("accept", accept).body("".into()).unwrap();
        admin.ask(request).await.unwrap().text()
    };
    let exemplar = format!(" # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} ");
    let open_metrics = scrape("application/openmetrics-text").await;
    let bucket = open_metrics.lines().find(|line| line.contains(&exemplar));
    let bucket = bucket.unwrap_or_else(|| panic!("no {exemplar} in {open_metrics}"));
    assert!(bucket.starts_with("cutover_request_duration_seconds_bucket{"), "{bucket}");
    assert!(bucket.contains("cutover_route=\"device-read\",cutover_side=\"new\""), "{bucket}");
    let text = scrape("text/plain").await;
    assert!(!text.contains("trace_id"), "the older format has no exemplars");
}
