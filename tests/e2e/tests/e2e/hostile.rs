//! Slow, greedy and hostile clients: they are cut off, and cost nobody else anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::client::Client;
use e2e::load::{Load, Pace, Plan, Report, Shot};
use e2e::raw::RawConnection;
use e2e::rig::Pair;
use e2e::script::{Act, Script};
use e2e::{Config, Rig};

/// Short clocks, so that a test sees them run out.
const CLOCKS: &str =
    "timeouts = { head_ms = 600, idle_ms = 900, body_idle_ms = 700, write_ms = 800 }\n";

async fn impatient() -> Pair {
    Pair::start_with("phase = \"live\"", |config| config.listener = CLOCKS.to_owned())
        .await
        .unwrap()
}

/// Time until the other side ends the connection.
async fn ended(connection: &mut RawConnection) -> Duration {
    let began = Instant::now();
    connection.until_over().await.unwrap();
    began.elapsed()
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let pair = impatient().await;
    let mut connection = RawConnection::open(pair.proxy.addr()).await.unwrap();
    let began = Instant::now();
    let drip = async {
        for byte in "GET / HTTP/1.1\r\nHost: a\r\nX-Very-Long-Header: never ends".bytes().cycle() {
            if connection.send([byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), drip).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(pair.legacy.asked(), 0);
}

#[tokio::test]
async fn a_body_that_stops_is_cut_off_and_so_is_its_upstream_request() {
    let pair = impatient().await;
    let mut connection = RawConnection::open(pair.proxy.addr()).await.unwrap();
    connection
        .send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly a part")
        .await
        .unwrap();
    let took = ended(&mut connection).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(pair.legacy.answered(), 0, "a cut body must not look whole to the upstream");
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let pair = impatient().await;
    let mut fresh = RawConnection::open(pair.proxy.addr()).await.unwrap();
    let began = Instant::now();
    assert_eq!(fresh.until_close().await.unwrap(), b"");
    assert!(
        began.elapsed() > Duration::from_millis(600) && began.elapsed() < Duration::from_secs(4)
    );
    let mut used = RawConnection::open(pair.proxy.addr()).await.unwrap();
    used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(used.response(false).await.unwrap().status(), 200);
    assert_eq!(used.until_close().await.unwrap(), b"", "no 408 on an idle connection");
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_cut_off() {
    const SIZE: u64 = 256 << 20;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
    let script =
        Script::start([("flood", vec![Act::Send(head.into()), Act::Flood(SIZE)])]).await.unwrap();
    let rig = Rig::new().unwrap();
    let mut config = Config::new([("legacy", script.url())]);
    config.listener = CLOCKS.to_owned();
    let proxy = rig.proxy(config).await.unwrap();
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(connection.head().await.unwrap().status(), 200);
    let gone = e2e::eventually("the connection's end", async || {
        let metrics = proxy.metrics().await.ok()?;
        (metrics.sum("cutover_connections", &[]) == 0.0).then_some(())
    });
    gone.await.unwrap();
    assert!(script.flooded() < SIZE);
}

#[tokio::test]
async fn hundreds_of_slow_clients_cost_a_good_one_nothing() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let alone = good_client(&pair).await;
    let mut slow = Vec::new();
    for n in 0..600 {
        let mut connection = RawConnection::open(pair.proxy.addr()).await.unwrap();
        let start = match n % 3 {
            0 => "GET /api/v1/devices/1 HTTP/1.1\r\nHost: a\r\nX-Drip: ".to_owned(),
            1 => "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart".to_owned(),
            // Asks again and again and never reads.
            _ => "GET /api/v1/devices/1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20),
        };
        connection.send(start).await.unwrap();
        slow.push(connection);
    }
    // What the greedy third asked for is served before the comparison begins.
    let asked = 200 * 20;
    e2e::eventually("the greedy requests", async || (pair.new.asked() >= asked).then_some(()))
        .await
        .unwrap();
    let beside = good_client(&pair).await;
    let (alone, beside) = (alone.latency().unwrap(), beside.latency().unwrap());
    // Medians are sharp; the tail only has to stay far from the slow clients' clocks.
    let is_unhurt = beside.p50 < alone.p50 * 3 + Duration::from_millis(5);
    let verdict = format!("alone {alone}, beside 600 slow ones {beside}");
    assert!(is_unhurt && beside.p99 < Duration::from_millis(500), "{verdict}");
    drop(slow);
}

async fn good_client(pair: &Pair) -> Report {
    let shots = Arc::new(|_| Shot::get("/api/v1/devices/1"));
    let load = Load::start(Plan {
        target: pair.proxy.addr(),
        workers: 4,
        pace: Pace::PerSecond(400.0),
        shots,
    });
    load.more(800).await.unwrap();
    let report = load.stop().await;
    report.assert_all_good();
    report
}

#[tokio::test]
async fn one_address_gets_no_more_connections_than_allowed() {
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.server = "limits = { connections_per_address_max = 10 }\n".to_owned();
    })
    .await
    .unwrap();
    let mut open = Vec::new();
    for _ in 0..10 {
        let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
        assert_eq!(client.get("/").await.unwrap().status, 200);
        open.push(client);
    }
    let refused = async { Client::http1(pair.proxy.addr()).await?.get("/").await };
    assert!(refused.await.is_err(), "the eleventh is turned away");
    open.pop();
    e2e::eventually("a free place", async || {
        let answer = Client::http1(pair.proxy.addr()).await.ok()?.get("/").await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn ambiguous_heads_are_refused_before_any_upstream_sees_a_byte() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let bad: &[(&str, &[u8])] = &[
        ("CL with TE", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two CL", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        ("list CL", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc"),
        ("signed CL", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
        ("bare LF", b"GET / HTTP/1.1\nHost: a\n\n"),
        ("obs-fold", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n"),
        ("space before colon", b"GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n"),
        ("control byte", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \x01\r\n\r\n"),
        ("NUL", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: a\0b\r\n\r\n"),
        ("no Host", b"GET / HTTP/1.1\r\nX-A: 1\r\n\r\n"),
        ("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("unknown coding", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunked not last", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        ("unknown version", b"GET / HTTP/1.7\r\nHost: a\r\n\r\n"),
        ("no path", b"GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    for (name, request) in bad {
        let mut connection = RawConnection::open(pair.proxy.addr()).await.unwrap();
        // A second request behind it must not be answered either.
        let smuggled = [request, &b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"[..]].concat();
        connection.send(&smuggled).await.unwrap();
        let said = String::from_utf8_lossy(&connection.until_over().await.unwrap()).into_owned();
        let status = if *name == "unknown version" { 505 } else { 400 };
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {said:?}");
        assert_eq!(said.matches("\r\n\r\n").count(), 1, "{name}: {said:?}");
    }
    assert_eq!(pair.legacy.asked() + pair.new.asked(), 0);
}

#[tokio::test]
async fn too_large_is_said_in_the_right_words() {
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.listener = "limits = { body_bytes_max = 1000 }\n".to_owned();
    })
    .await
    .unwrap();
    let head =
        |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX-Big: {}\r\n\r\n", "x".repeat(bytes));
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes));
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n".to_owned();
    for (what, request, status) in
        [("head", head(200_000), 431), ("target", target(100_000), 414), ("body", body, 413)]
    {
        let mut connection = RawConnection::open(pair.proxy.addr()).await.unwrap();
        // The other side may close before it has read everything.
        let _ = connection.send(request).await;
        let said = String::from_utf8_lossy(&connection.until_over().await.unwrap()).into_owned();
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {said:?}");
    }
    assert_eq!(pair.get("/").await.unwrap().status, 200);
}
