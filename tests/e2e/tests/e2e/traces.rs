//! One trace from the client through Cutover into the services, as a receiver sees it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::client::{self, Client};
use e2e::process::Spec;
use e2e::rig::{HomePlan, Pair};
use e2e::sink::{Kind, Mood, Sink, Span};
use e2e::upstream::{Asked, Fault};
use e2e::{Rig, eventually, ports};
use http::Request;

use super::third_party::tool;

/// `service.name` of the proxy.
const PROXY: &str = "cutover-proxy";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const TRUSTED: &str = "trace = { trust = \"always\" }\n";

async fn traced(sink: &Sink, target: &str, telemetry: &str) -> Pair {
    Pair::start_with(target, |config| {
        config.otlp = sink.url();
        config.telemetry = telemetry.to_owned();
    })
    .await
    .unwrap()
}

fn with_parent(path: &str) -> Request<bytes::Bytes> {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let request =
        Request::get(path).header("traceparent", parent).header("tracestate", "vendor=x,ot=rv:1");
    request.body("".into()).unwrap()
}

fn one<'a>(spans: &'a [Span], service: &str, kind: Kind) -> &'a Span {
    let found: Vec<_> =
        spans.iter().filter(|span| span.service == service && span.kind == kind).collect();
    assert_eq!(found.len(), 1, "{service} {kind:?}: {found:#?}");
    found[0]
}

#[tokio::test]
async fn one_trace_joins_client_proxy_and_registry() {
    let sink = Sink::start().await.unwrap();
    let rig = Rig::new().unwrap();
    let plan = HomePlan { otlp: sink.url(), ..HomePlan::default() };
    let home = rig.home(plan).await.unwrap();
    let mut config = home.config("phase = \"live\"");
    config.otlp = sink.url();
    config.telemetry = TRUSTED.to_owned();
    let proxy = rig.proxy(config).await.unwrap();
    let answer = Client::http1(proxy.addr())
        .await
        .unwrap()
        .ask(with_parent("/api/v1/devices/3?token=secret&a=b"))
        .await
        .unwrap();
    assert_eq!(answer.status, 401, "nobody is logged in: {}", answer.text());

    let spans = sink.until_trace(TRACE, |spans| spans.len() >= 3).await.unwrap();
    let server = one(&spans, PROXY, Kind::Server);
    let attempt = one(&spans, PROXY, Kind::Client);
    let registry = one(&spans, "registry", Kind::Server);
    assert_eq!(server.parent_span_id, PARENT);
    assert_eq!(attempt.parent_span_id, server.span_id);
    assert_eq!(registry.parent_span_id, attempt.span_id);
    assert_eq!(server.name, "GET /api/v1/devices/{id}");
    assert!(!attempt.name.contains("/3"), "names are templates: {}", attempt.name);
    assert!(server.start_ns <= attempt.start_ns && attempt.end_ns <= server.end_ns);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/api/v1/devices/{id}"),
        ("http.response.status_code", "401"),
        ("url.path", "/api/v1/devices/3"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("cutover.phase", "live"),
        ("cutover.side", "new"),
    ] {
        assert_eq!(
            server.attributes.get(key).map(String::as_str),
            Some(value),
            "{key} of {server:#?}"
        );
    }
    assert!(!server.failed, "a 4xx is no failure of the server");
    let text = format!("{spans:?}");
    assert!(!text.contains("secret"), "a token in a query must not leave the process");
}

#[tokio::test]
async fn the_upstream_is_told_the_attempts_span_and_the_clients_state() {
    let sink = Sink::start().await.unwrap();
    let pair = traced(&sink, "phase = \"live\"", TRUSTED).await;
    let answer = Client::http1(pair.proxy.addr())
        .await
        .unwrap()
        .ask(with_parent("/api/v1/devices/3"))
        .await
        .unwrap();
    let asked: Asked = serde_json::from_slice(&answer.body).unwrap();
    let spans = sink.until_trace(TRACE, |spans| spans.len() >= 2).await.unwrap();
    let attempt = one(&spans, PROXY, Kind::Client);
    assert_eq!(
        asked.header("traceparent"),
        Some(format!("00-{TRACE}-{}-01", attempt.span_id).as_str())
    );
    let state = asked.header("tracestate").unwrap_or_default();
    assert!(state.contains("vendor=x") && state.contains("ot=rv:1"), "{state}");
}

#[tokio::test]
async fn a_stranger_cannot_make_us_continue_a_trace() {
    let sink = Sink::start().await.unwrap();
    let pair = traced(&sink, "phase = \"live\"", "").await;
    let answer = Client::http1(pair.proxy.addr())
        .await
        .unwrap()
        .ask(with_parent("/api/v1/devices/3"))
        .await
        .unwrap();
    let asked: Asked = serde_json::from_slice(&answer.body).unwrap();
    let parent = asked.header("traceparent").unwrap().to_owned();
    let trace = parent.split('-').nth(1).unwrap();
    assert_ne!(trace, TRACE);
    let spans = sink.until_trace(trace, |spans| spans.len() >= 2).await.unwrap();
    assert_eq!(one(&spans, PROXY, Kind::Server).parent_span_id, "");
    assert!(sink.trace(TRACE).is_empty());
}

#[tokio::test]
async fn a_fallback_shows_both_attempts_and_no_failure_of_the_request() {
    let sink = Sink::start().await.unwrap();
    let pair = traced(&sink, "phase = \"live\"", TRUSTED).await;
    pair.new.set(Fault::Status(503)).await;
    let answer = Client::http1(pair.proxy.addr())
        .await
        .unwrap()
        .ask(with_parent("/api/v1/devices/3"))
        .await
        .unwrap();
    assert_eq!(answer.header("x-served-by"), Some("legacy"));
    let spans = sink.until_trace(TRACE, |spans| spans.len() >= 3).await.unwrap();
    let server = one(&spans, PROXY, Kind::Server);
    assert_eq!(
        server.attributes.get("cutover.fallback").map(String::as_str),
        Some("true"),
        "{server:#?}"
    );
    assert!(!server.failed && !server.attributes.contains_key("error.type"), "{server:#?}");
    let attempts: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Client).collect();
    assert_eq!(attempts.len(), 2);
    let [failed, good] = ["503", "200"].map(|status| {
        let has = |span: &&&Span| {
            span.attributes.get("http.response.status_code").is_some_and(|it| it == status)
        };
        *attempts
            .iter()
            .find(has)
            .unwrap_or_else(|| panic!("no attempt with {status}: {attempts:#?}"))
    });
    assert!(failed.failed && !good.failed);
}

#[tokio::test]
async fn a_mismatch_brings_the_live_trace_that_its_caller_does_not_record() {
    let sink = Sink::start().await.unwrap();
    // Each side names itself in its answers, so they differ.
    let target = "phase = \"shadow\"\nshadow = { percent = 100 }";
    let pair = Pair::start_with(target, |config| {
        config.otlp = sink.url();
        config.telemetry = TRUSTED.to_owned();
        config.sample_ratio = 0.0;
    });
    let pair = pair.await.unwrap();
    // The first of a route is kept for being the first.
    pair.get("/api/v1/devices/1").await.unwrap();
    pair.proxy.settled("device-read", 1).await.unwrap();
    let unsampled = format!("00-{TRACE}-{PARENT}-00");
    let request = Request::get("/api/v1/devices/3?a=b").header("traceparent", unsampled);
    let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
    client.ask(request.body("".into()).unwrap()).await.unwrap();

    let live = sink.until_trace(TRACE, |spans| spans.len() >= 2).await.unwrap();
    let server = one(&live, PROXY, Kind::Server);
    let said = |span: &Span, key: &str| span.attributes.get(key).cloned().unwrap_or_default();
    assert_eq!(said(server, "cutover.shadow.sent"), "true");
    assert_eq!(said(server, "cutover.sampling.reason"), "parity_mismatch");
    let copy = said(server, "cutover.shadow.trace_id");
    let spans = sink.until_trace(&copy, |spans| spans.len() >= 4).await.unwrap();
    let root = spans.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    assert_eq!(root.name, "shadow GET /api/v1/devices/{id}");
    assert_eq!(root.links, [(TRACE.to_owned(), server.span_id.clone())]);
    assert_eq!(said(root, "cutover.parity.verdict"), "mismatch");
    let calls = spans.iter().filter(|span| span.kind == Kind::Client);
    let sides: BTreeMap<_, _> = calls.map(|call| (said(call, "cutover.side"), call)).collect();
    // Of the candidate, and of legacy a second time.
    assert_eq!(sides.keys().collect::<Vec<_>>(), ["legacy", "new"], "{spans:#?}");
    assert!(sides.values().all(|call| call.name == "GET /api/v1/devices/{id}"));
    let compare = spans.iter().find(|span| span.name == "compare /api/v1/devices/{id}").unwrap();
    assert!(said(compare, "cutover.parity.fields").contains("body"), "{compare:#?}");
    // Lives on past the request that it belongs to, and so is no part of it.
    assert!(root.start_ns >= server.end_ns && root.trace_id != TRACE);

    // Only this format has exemplars.
    let scrape = Request::get("/metrics").header("accept", "application/openmetrics-text");
    let mut admin = Client::http1(pair.proxy.admin()).await.unwrap();
    let metrics = admin.ask(scrape.body("".into()).unwrap()).await.unwrap().text();
    let counted = metrics.lines().find(|line| {
        line.starts_with("cutover_comparisons_total{") && line.contains("\"mismatch\"")
    });
    let exemplar = format!("{{trace_id=\"{copy}\"}}");
    assert!(counted.is_some_and(|line| line.contains(&exemplar)), "{counted:?}");
}

#[tokio::test]
async fn a_receiver_that_is_dead_slow_or_unwilling_changes_nothing_for_requests() {
    let sink = Sink::start().await.unwrap();
    let pair = traced(&sink, "phase = \"live\"", "").await;
    let baseline = fastest(&pair).await;
    for mood in [Mood::Unavailable, Mood::Silent] {
        sink.set_mood(mood);
        let slowed = fastest(&pair).await;
        assert!(
            slowed < baseline * 3 + Duration::from_millis(5),
            "{mood:?}: {baseline:?} became {slowed:?}"
        );
    }
    // Long enough for the queue to be full: then spans are dropped, and counted.
    let dropped = eventually("dropped spans", async || {
        fastest(&pair).await;
        let text = client::get(pair.proxy.admin(), "/metrics").await.ok()?.text();
        let dropped = text.lines().filter(|line| !line.starts_with('#') && line.contains("drop"));
        dropped
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .find(|&count| count > 0.0)
    });
    dropped.await.unwrap();
    drop(sink);
    let slowed = fastest(&pair).await;
    assert!(
        slowed < baseline * 3 + Duration::from_millis(5),
        "dead: {baseline:?} became {slowed:?}"
    );
}

/// Median time of 300 requests.
async fn fastest(pair: &Pair) -> Duration {
    let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..300 {
        let began = Instant::now();
        assert_eq!(client.get("/api/v1/devices/3").await.unwrap().status, 200);
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

/// rotel, a collector of others, between Cutover and the sink: ids and attributes stay.
#[tokio::test]
async fn a_third_partys_receiver_understands_our_spans() {
    let sink = Sink::start().await.unwrap();
    let rig = Rig::new().unwrap();
    let (http, grpc) = (ports::free(), ports::free());
    let rotel = Spec::new("rotel", rotel_agent())
        .args([
            "start",
            "--otlp-http-endpoint",
            &http.to_string(),
            "--otlp-grpc-endpoint",
            &grpc.to_string(),
        ])
        .args([
            "--exporter",
            "otlp",
            "--otlp-exporter-protocol",
            "http",
            "--otlp-exporter-endpoint",
            &sink.url(),
        ])
        .start(rig.dir())
        .unwrap();
    rotel
        .until("listens", async || tokio::net::TcpStream::connect(http).await.ok().map(drop))
        .await
        .unwrap();
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.otlp = format!("http://{http}");
        config.telemetry = TRUSTED.to_owned();
    })
    .await
    .unwrap();
    let answer = Client::http1(pair.proxy.addr())
        .await
        .unwrap()
        .ask(with_parent("/api/v1/devices/3"))
        .await
        .unwrap();
    let asked: Asked = serde_json::from_slice(&answer.body).unwrap();
    let spans = sink.until_trace(TRACE, |spans| spans.len() >= 2).await.unwrap();
    let (server, attempt) = (one(&spans, PROXY, Kind::Server), one(&spans, PROXY, Kind::Client));
    assert_eq!(
        (server.parent_span_id.as_str(), attempt.parent_span_id.as_str()),
        (PARENT, server.span_id.as_str())
    );
    assert!(asked.header("traceparent").unwrap().contains(&attempt.span_id));
    assert_eq!(
        server.attributes.get("http.route").map(String::as_str),
        Some("/api/v1/devices/{id}")
    );
}

fn rotel_agent() -> std::path::PathBuf {
    let lib = tool("lib");
    let pythons = std::fs::read_dir(&lib).unwrap().map(|entry| entry.unwrap().path());
    let agent = pythons
        .map(|python| python.join("site-packages/rotel/rotel-agent"))
        .find(|path| path.exists());
    agent.unwrap_or_else(|| panic!("no rotel below {}: tests/all installs it", lib.display()))
}
