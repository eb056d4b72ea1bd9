//! Candidates that answer.

use bytes::Bytes;
use cutover_domain::{Side, WriteClass, compare::Incomparable, exchange::Dropped, parity::Verdict};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::rig::{JSON, answer, http2, live, parts, refuses, sum, until};

fn json(body: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().header("content-type", JSON);
    response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

#[tokio::test]
async fn equal_answers_match() {
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"b": 2, "a": 1.0}"#)).await);
    let mut rig = parts().patient().start(&legacy, &new);
    for _ in 0..100 {
        let record =
            rig.compared(rig.exchange("/api/x?y=1", Some(live(JSON, r#"{"a":1,"b":2}"#)))).await;
        assert_eq!(record.verdict, Verdict::Match, "{:?}", record.differences);
        assert_eq!(record.shape.as_str(), "GET /api/{rest...}?y 2xx");
    }
    let accounting = rig.settled(100).await;
    assert_eq!(accounting.matches, 100);
    // One after another they need one connection.
    assert_eq!(new.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
    let asked = &new.requests.lock().unwrap()[0];
    assert_eq!(asked.uri(), "/api/x?y=1");
    for (name, value) in [
        ("host", "monolith.example"),
        ("cutover-shadow", "1"),
        ("cutover-route", "read"),
        ("baggage", "cutover.shadow=1"),
        ("cutover-live-traceparent", "00-00000000000000000000000000000001-0000000000000007-02"),
    ] {
        assert_eq!(asked.headers()[name], value, "{name}");
    }
    let own = asked.headers()["traceparent"].to_str().unwrap();
    assert!(!own.contains("00000000000000000000000000000001"), "a trace of its own: {own}");
}

#[tokio::test]
async fn different_answers_are_mismatches_with_samples() {
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"name":"Grace","n":"1"}"#)).await);
    let mut rig = parts().patient().start(&legacy, &new);
    for _ in 0..30 {
        let exchange = rig.exchange("/api/x", Some(live(JSON, r#"{"name":"Ada","n":1}"#)));
        let record = rig.compared(exchange).await;
        assert_eq!(record.verdict, Verdict::Mismatch);
        let found: Vec<String> = record
            .differences
            .iter()
            .map(|found| format!("{} {}", found.path, found.kind))
            .collect();
        assert_eq!(found, ["body.n type", "body.name value"]);
    }
    assert_eq!(rig.settled(30).await.mismatches, 30);
    let clusters = rig.report().mismatches.clusters;
    assert_eq!(clusters.len(), 2);
    assert!(clusters.iter().all(|cluster| cluster.count == 30 && cluster.samples.len() == 20));
    let shown = format!("{clusters:?}");
    assert!(!shown.contains("Ada") && !shown.contains("Grace"), "{shown}");
    let scrape = rig.scrape();
    assert_eq!(sum(&scrape, "cutover_comparison_fields_total"), 60);
    assert_eq!(sum(&scrape, "cutover_comparisons_total"), 30);
    assert!(!scrape.contains(" # {"), "nobody keeps their traces: {scrape}");
}

#[tokio::test]
async fn copies_reach_a_candidate_that_speaks_http2() {
    let (legacy, new) = (refuses().await, http2(|_| json("{}")).await);
    let mut started = parts().patient();
    started.new_scheme = cutover_domain::Scheme::H2c;
    let mut rig = started.start(&legacy, &new);
    for _ in 0..50 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    for _ in 0..50 {
        assert_eq!(rig.record().await.verdict, Verdict::Match);
    }
    rig.settled(50).await;
    assert_eq!(new.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
    let asked = &new.requests.lock().unwrap()[0];
    assert_eq!(asked.uri(), "http://monolith.example/api/x");
}

#[tokio::test]
async fn a_live_answer_that_did_not_end_is_not_compared() {
    let (legacy, new) = (refuses().await, answer(|_| json("{}")).await);
    let rig = parts().start(&legacy, &new);
    rig.take(rig.exchange("/api/x", None));
    assert_eq!(rig.settled(1).await.incomparable, 1);
    assert_eq!(rig.report().parity.counters.incomparable[&Incomparable::LiveFailed], 1);
    assert_eq!(new.count(), 0);
}

#[tokio::test]
async fn what_the_gateway_gave_up_is_counted_with_the_rest() {
    let (legacy, new) = (refuses().await, answer(|_| json("{}")).await);
    let rig = parts().start(&legacy, &new);
    for reason in [Dropped::OverCap, Dropped::Budget, Dropped::OverCap] {
        rig.copies.give_up(reason);
    }
    let accounting = rig.settled(3).await;
    assert_eq!((accounting.dropped(Dropped::OverCap), accounting.dropped(Dropped::Budget)), (2, 1));
}

#[tokio::test]
async fn in_live_legacy_is_what_new_is_held_against() {
    let error =
        |_: &_| Response::builder().status(StatusCode::NOT_FOUND).body(Full::default()).unwrap();
    let (legacy, new) = (answer(error).await, refuses().await);
    let mut started = parts().patient();
    started.phase = cutover_domain::Phase::Live;
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(&legacy, &new);
    let mut exchange = rig.exchange("/api/x", Some(live(JSON, "{}")));
    (exchange.served, exchange.candidate) = (Side::New, Side::Legacy);
    let record = rig.compared(exchange).await;
    assert_eq!(record.verdict, Verdict::Mismatch);
    assert_eq!(&*record.differences[0].shape, "404→200");
    // Legacy is asked twice, and agrees with itself.
    assert!(record.is_paired);
    assert_eq!(legacy.count(), 2);
    rig.settled(1).await;
}

#[tokio::test]
async fn a_legacy_that_fails_the_copy_says_nothing_about_new() {
    let (legacy, new) = (refuses().await, refuses().await);
    let mut started = parts();
    started.phase = cutover_domain::Phase::Live;
    let mut rig = started.start(&legacy, &new);
    let mut exchange = rig.exchange("/api/x", Some(live(JSON, "{}")));
    (exchange.served, exchange.candidate) = (Side::New, Side::Legacy);
    let record = rig.compared(exchange).await;
    assert_eq!(record.verdict, Verdict::Incomparable(Incomparable::LiveFailed));
    rig.settled(1).await;
}

#[tokio::test]
async fn routes_that_are_gone_leave_no_series() {
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"a":1}"#)).await);
    let mut rig = parts().patient().start(&legacy, &new);
    rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    rig.settled(1).await;
    assert!(rig.scrape().contains(r#"cutover_route="read""#));
    rig.handle.retain_routes(|id| id != "read");
    assert!(!rig.scrape().contains(r#"cutover_route="read""#), "{}", rig.scrape());
    // What is still handed over goes nowhere, and breaks nothing.
    rig.take(rig.exchange("/api/x", None));
    until(|| rig.budget.used() == 0).await;
    assert!(rig.handle.accounting("read").is_none());
}

#[tokio::test]
async fn a_new_build_begins_anew_and_is_no_part_of_the_answer() {
    let builds = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = builds.clone();
    let new = answer(move |_| {
        let nth = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut response = json("1");
        let build = if nth < 10 { "4f2c1a" } else { "9b07de" };
        response.headers_mut().insert("cutover-build", build.parse().unwrap());
        response
    });
    let (legacy, new) = (refuses().await, new.await);
    let mut rig = parts().patient().start(&legacy, &new);
    for _ in 0..15 {
        let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "1")))).await;
        assert_eq!(record.verdict, Verdict::Match, "{:?}", record.differences);
    }
    let snapshot = rig.handle.snapshot("read").unwrap();
    assert_eq!((&*snapshot.basis.build, snapshot.counters.matches), ("9b07de", 5));
    let earlier = snapshot.history.back().unwrap();
    assert_eq!((&*earlier.basis.build, earlier.counters.matches), ("4f2c1a", 10));
}

#[tokio::test]
async fn a_request_that_came_without_host_is_asked_with_the_candidates_own() {
    let new = answer(|_| json("{}")).await;
    let mut rig = parts().patient().start(&refuses().await, &new);
    let mut exchange = rig.exchange("/api/x", Some(live(JSON, "{}")));
    exchange.request.headers.remove("host");
    assert_eq!(rig.compared(exchange).await.verdict, Verdict::Match);
    let asked = &new.requests.lock().unwrap()[0];
    assert_eq!(asked.headers()["host"], format!("127.0.0.1:{}", new.port));
}
