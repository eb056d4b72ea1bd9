//! What clients send adds no series to `/metrics`.

use e2e::client::Client;
use e2e::raw::RawConnection;
use e2e::rig::Pair;
use e2e::sink::Sink;
use e2e::upstream::Fault;
use http::Request;

/// Requests of random content.
const RANDOM: u64 = 400;
const DEVICES: &str = "/api/v1/devices/";
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"];
const HEADERS: [&str; 8] = [
    "x-device-id",
    "cookie",
    "user-agent",
    "traceparent",
    "tracestate",
    "cutover-trace",
    "cutover-override",
    "idempotency-key",
];

/// The same numbers in every run (splitmix64).
struct Numbers(u64);

// === impl Numbers ===

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next() as usize % of.len()]
    }

    /// A word that never was.
    fn word(&mut self) -> String {
        format!("{:x}", self.next())
    }

    /// A request that no other is like.
    fn request(&mut self) -> Request<bytes::Bytes> {
        let method = match self.next() % 4 {
            0 => self.word().replace(|digit: char| digit.is_ascii_digit(), "X").to_uppercase(),
            _ => self.pick(&METHODS).to_owned(),
        };
        let path = match self.next() % 2 {
            0 => format!("{DEVICES}{}?{}={}", self.word(), self.word(), self.word()),
            _ => format!("/{}/{}", self.word(), self.word()),
        };
        let request = Request::builder().method(&*method).uri(path);
        let request = request.header("host", format!("{}.example", self.word()));
        request.header(self.pick(&HEADERS), self.word()).body("".into()).unwrap()
    }
}

/// Of each method one request to both sides of the route and to none, and of each outcome one.
async fn warm_up(pair: &Pair) {
    let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
    let devices = (0..8).map(|device| format!("{DEVICES}{device}?a=b"));
    let paths: Vec<_> = devices.chain(["/elsewhere".to_owned()]).collect();
    for (method, path) in METHODS.iter().flat_map(|it| paths.iter().map(move |path| (it, path))) {
        let mut request = Request::builder().method(*method).uri(path);
        for name in HEADERS {
            request = request.header(name, "1");
        }
        client.ask(request.body("".into()).unwrap()).await.unwrap();
    }
    for fault in [Fault::Status(404), Fault::Status(500), Fault::Status(503), Fault::Hang] {
        pair.new.set(fault).await;
        pair.legacy.set(fault).await;
        for device in 0..8 {
            pair.get(&format!("{DEVICES}{device}")).await.unwrap();
        }
        pair.get("/elsewhere").await.unwrap();
    }
    pair.new.set(Fault::None).await;
    pair.legacy.set(Fault::None).await;
    refused(pair, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n").await;
}

/// Sends what the guard refuses.
async fn refused(pair: &Pair, head: &str) {
    let mut raw = RawConnection::open(pair.proxy.addr()).await.unwrap();
    raw.send(head).await.unwrap();
    assert_eq!(raw.response(false).await.unwrap().status(), 400);
}

#[tokio::test]
async fn random_requests_add_no_series() {
    let sink = Sink::start().await.unwrap();
    // Both sides serve users, and each gets copies of what the other served.
    let target = "phase = \"canary\"\npercent = 50\nshadow = { percent = 100 }";
    let pair = Pair::start_with(target, |config| {
        config.otlp = sink.url();
        config.upstream = "timeouts = { first_byte_ms = 400 }\n".to_owned();
    });
    let pair = pair.await.unwrap();
    warm_up(&pair).await;
    let before = settled(&pair).await;
    for family in [
        "cutover_requests_total",
        "cutover_request_duration_seconds_bucket",
        "http_server_request_duration_seconds_bucket",
        "http_client_request_duration_seconds_bucket",
        "cutover_guard_refusals_total",
        "cutover_comparisons_total",
        "cutover_comparison_fields_total",
        "cutover_shadow_dropped_total",
        "cutover_telemetry_dropped_total",
        "cutover_config_",
    ] {
        assert!(before.iter().any(|series| series.starts_with(family)), "{family}: {before:#?}");
    }

    let mut numbers = Numbers(4);
    let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
    let mut admin = Client::http1(pair.proxy.admin()).await.unwrap();
    for _ in 0..RANDOM {
        client.ask(numbers.request()).await.unwrap();
        let request = numbers.request();
        if numbers.next().is_multiple_of(4) {
            admin.ask(request).await.unwrap();
        }
    }
    for _ in 0..20 {
        let (path, host) = (numbers.word(), numbers.word());
        refused(&pair, &format!("GET /{path} HTTP/1.1\r\nHost: {host} b\r\n\r\n")).await;
    }
    let after = settled(&pair).await;
    let added: Vec<_> = after.difference(&before).collect();
    assert!(added.is_empty(), "{} series more than {}: {added:#?}", added.len(), before.len());
    assert_eq!(after.len(), before.len());
}

/// Every series once all copies have come to an end.
async fn settled(pair: &Pair) -> std::collections::BTreeSet<String> {
    let settled = e2e::eventually("the end of all copies", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        let sum = |name| metrics.sum(name, &[]);
        let open = sum("cutover_shadow_inflight") + sum("cutover_shadow_queue_bytes");
        let ended = sum("cutover_comparisons_total") + sum("cutover_shadow_dropped_total");
        let is_over = open == 0.0 && ended == sum("cutover_shadow_eligible_total");
        is_over.then(|| metrics.series())
    });
    settled.await.unwrap()
}
