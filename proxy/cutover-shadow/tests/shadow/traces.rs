//! The traces of copies, as a receiver sees them.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use cutover_domain::{
    Exchange, Phase, Side, WriteClass,
    exchange::{Dropped, HeldSpans},
};
use http::{Response, StatusCode};
use http_body_util::Full;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode as Code};

use crate::rig::{
    JSON, Parts, Receiver, Rig, Server, answer, attribute, http2, live, parts, refuses,
};

/// The live request's spans; counts how often they were kept.
#[derive(Debug)]
struct Held(Arc<AtomicUsize>);

impl HeldSpans for Held {
    fn keep(self: Box<Held>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn json(body: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().header("content-type", JSON);
    response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

fn traced(receiver: &Receiver, ratio: f64) -> Parts {
    Parts { tracer: receiver.tracer(ratio), ..parts().patient() }
}

/// A request that legacy answered with `{"name":"Ada"}`, whose spans are held.
fn asked(rig: &Rig, kept: &Arc<AtomicUsize>) -> Exchange {
    let exchange = rig.exchange("/api/x?page=Babbage", Some(live(JSON, r#"{"name":"Ada"}"#)));
    Exchange { held: Some(Box::new(Held(Arc::clone(kept)))), ..exchange }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn has_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == Code::Error as i32)
}

/// What the candidate was told of its caller's span: trace, span, flags.
fn told(side: &Server, at: usize) -> (String, String, String) {
    let requests = side.requests.lock().unwrap();
    let parent = requests[at].headers()["traceparent"].to_str().unwrap();
    let [_, trace, span, flags] = parent.split('-').collect::<Vec<_>>()[..] else {
        panic!("{parent}")
    };
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

#[tokio::test]
async fn a_mismatch_is_kept_whatever_the_ratio_with_the_live_trace() {
    let receiver = Receiver::start().await;
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"name":"Grace"}"#)).await);
    let rig = traced(&receiver, 0.0).start(&legacy, &new);
    let kept = Arc::default();
    rig.take(asked(&rig, &kept));
    rig.settled(1).await;

    let (spans, bytes) = receiver.received().await;
    let [root, call, compare] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(root.name, "shadow GET /api/{rest...}");
    assert_eq!((&*call.name, &*compare.name), ("GET /api/{rest...}", "compare /api/{rest...}"));
    let kinds = [root, call, compare].map(|span| span.kind);
    let internal = SpanKind::Internal as i32;
    assert_eq!(kinds, [internal, SpanKind::Client as i32, internal]);
    assert!(root.parent_span_id.is_empty());
    for child in [call, compare] {
        assert_eq!((&child.parent_span_id, &child.trace_id), (&root.span_id, &root.trace_id));
        assert!(child.start_time_unix_nano >= root.start_time_unix_nano);
        assert!(child.end_time_unix_nano <= root.end_time_unix_nano);
    }
    assert!(compare.start_time_unix_nano >= call.end_time_unix_nano);

    // The trace that the live span names, which the candidate goes on with below the call. It was
    // sent before anybody knew, so its flags say that the ratio did not choose it.
    assert_eq!(hex(&root.trace_id), "000000000000000100000000000000c0");
    assert_eq!(told(&new, 0), (hex(&root.trace_id), hex(&call.span_id), "02".into()));
    let [link] = &root.links[..] else { panic!("{root:#?}") };
    assert_eq!(hex(&link.trace_id), format!("{:032x}", 1));
    assert_eq!(hex(&link.span_id), format!("{:016x}", 7));
    assert_eq!(link.attributes[0].key, "cutover.link.type");

    for (span, key, value) in [
        (root, "cutover.route.id", "read"),
        (root, "cutover.phase", "shadow"),
        (root, "cutover.side", "new"),
        (root, "cutover.shadow", "true"),
        (root, "cutover.parity.verdict", "mismatch"),
        (root, "cutover.live.trace_id", "00000000000000000000000000000001"),
        (root, "cutover.sampling.reason", "parity_mismatch"),
        (root, "cutover.config.generation", "1"),
        (call, "cutover.shadow", "true"),
        (call, "cutover.side", "new"),
        (call, "http.response.status_code", "200"),
        (call, "service.peer.name", "new"),
        (call, "network.protocol.version", "1.1"),
        (call, "network.peer.address", "127.0.0.1"),
        (call, "network.peer.port", &new.port.to_string()),
        (call, "url.template", "/api/{rest...}"),
        (call, "url.full", &format!("http://127.0.0.1:{}/api/x?page=REDACTED", new.port)),
        (compare, "cutover.parity.verdict", "mismatch"),
        (compare, "cutover.parity.diff_count", "1"),
        (compare, "cutover.parity.fields", "body.name"),
    ] {
        assert_eq!(attribute(span, key), value, "{key} of {}", span.name);
    }
    assert!(![root, call, compare].into_iter().any(has_failed));
    for secret in ["Ada", "Grace", "Babbage"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} left the process");
    }
    assert_eq!(kept.load(Ordering::Relaxed), 1, "the live request's spans go with it");
    let exemplar = r#"verdict="mismatch"} 1 # {trace_id="000000000000000100000000000000c0"} 1"#;
    assert!(rig.scrape().contains(exemplar), "{}", rig.scrape());
}

#[tokio::test]
async fn a_healthy_copy_leaves_nothing_if_the_ratio_does_not_choose_it() {
    let receiver = Receiver::start().await;
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"name":"Ada"}"#)).await);
    let rig = traced(&receiver, 0.0).start(&legacy, &new);
    let kept = Arc::default();
    for _ in 0..20 {
        rig.take(asked(&rig, &kept));
    }
    assert_eq!(rig.settled(20).await.matches, 20);
    assert!(receiver.received().await.0.is_empty());
    assert_eq!((kept.load(Ordering::Relaxed), receiver.capped()), (0, 0));
    assert!(!rig.scrape().contains(" # {"), "no example that cannot be looked up");
}

#[tokio::test]
async fn a_copy_is_kept_with_the_live_request_whose_span_names_it() {
    let receiver = Receiver::start().await;
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"name":"Ada"}"#)).await);
    let rig = traced(&receiver, 0.0).start(&legacy, &new);
    let kept = Arc::default();
    rig.take(Exchange { is_traced: true, ..asked(&rig, &kept) });
    assert_eq!(rig.settled(1).await.matches, 1);
    let (spans, _) = receiver.received().await;
    let [root, call, compare] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(attribute(root, "cutover.sampling.reason"), "live");
    assert_eq!([&call.parent_span_id, &compare.parent_span_id], [&root.span_id; 2]);
    assert_eq!(told(&new, 0).2, "02", "the candidate was not told to record");
}

#[tokio::test]
async fn what_the_ratio_chooses_is_sampled_all_the_way_and_shows_both_calls() {
    let receiver = Receiver::start().await;
    let body = |_: &_| json(r#"{"name":"Ada"}"#);
    let (legacy, new) = (answer(body).await, http2(body).await);
    let mut started = traced(&receiver, 1.0);
    (started.writes, started.new_scheme) = (Some(WriteClass::Safe), cutover_domain::Scheme::H2c);
    let rig = started.start(&legacy, &new);
    let kept = Arc::default();
    rig.take(asked(&rig, &kept));
    rig.settled(1).await;

    let (spans, _) = receiver.received().await;
    let [root, call, reference, compare] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(attribute(root, "cutover.sampling.reason"), "ratio");
    assert_eq!(attribute(compare, "cutover.parity.verdict"), "match");
    assert_eq!(attribute(compare, "cutover.parity.diff_count"), "0");
    let trace = hex(&root.trace_id);
    assert_eq!(told(&new, 0), (trace.clone(), hex(&call.span_id), "03".into()));
    assert_eq!(told(&legacy, 0), (trace, hex(&reference.span_id), "03".into()));
    for (span, key, value) in [
        (call, "network.protocol.version", "2"),
        (call, "cutover.shadow.reference", ""),
        (reference, "cutover.side", "legacy"),
        (reference, "cutover.shadow", "true"),
        (reference, "cutover.shadow.reference", "true"),
        (reference, "service.peer.name", "legacy"),
        (reference, "network.peer.port", &legacy.port.to_string()),
    ] {
        assert_eq!(attribute(span, key), value, "{key} of {}", span.name);
    }
    assert_eq!(reference.parent_span_id, root.span_id);
    assert_eq!(kept.load(Ordering::Relaxed), 0, "a match says nothing for the live trace");
    assert!(rig.scrape().contains(r#"verdict="match"} 1 # {trace_id="#), "{}", rig.scrape());
}

#[tokio::test]
async fn a_candidate_that_fails_is_kept_and_named_an_error() {
    let receiver = Receiver::start().await;
    let rig = traced(&receiver, 0.0).start(&refuses().await, &refuses().await);
    let kept = Arc::default();
    rig.take(asked(&rig, &kept));
    assert_eq!(rig.settled(1).await.mismatches, 1);
    let (spans, _) = receiver.received().await;
    let [root, call, compare] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(attribute(root, "cutover.sampling.reason"), "candidate_failed");
    for span in [call, compare] {
        assert!(has_failed(span) && attribute(span, "error.type") == "connect", "{span:#?}");
    }
    assert_eq!(attribute(call, "http.response.status_code"), "");
    assert_eq!(attribute(compare, "cutover.parity.fields"), "status");
    assert!(!has_failed(root));
    assert_eq!(kept.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_candidate_that_always_differs_does_not_flood() {
    const COPIES: u64 = 200;
    let receiver = Receiver::start().await;
    let (legacy, new) = (refuses().await, answer(|_| json(r#"{"name":"Grace"}"#)).await);
    let rig = traced(&receiver, 0.0).start(&legacy, &new);
    let (kept, start) = (Arc::default(), Instant::now());
    for _ in 0..COPIES {
        rig.take(asked(&rig, &kept));
    }
    rig.settled(COPIES).await;
    let seconds = start.elapsed().as_secs() + 2;
    let (spans, _) = receiver.received().await;
    let traces: HashSet<_> = spans.iter().map(|span| span.trace_id.clone()).collect();
    let count = traces.len() as u64;
    assert!((10..=10 * seconds).contains(&count), "{count} in {seconds} s");
    assert_eq!(spans.len() as u64, 3 * count, "whole traces or nothing");
    assert_eq!(receiver.capped(), 3 * (COPIES - count), "what is left out is counted");
    assert_eq!(kept.load(Ordering::Relaxed) as u64, count, "live traces are kept in pairs");
}

#[tokio::test]
async fn what_was_given_up_or_cannot_be_compared_says_why() {
    let receiver = Receiver::start().await;
    let (legacy, new) = (refuses().await, answer(|_| json("{}")).await);
    let mut started = traced(&receiver, 1.0);
    started.spec.rps_max = Some(1);
    let rig = started.start(&legacy, &new);
    rig.take(rig.exchange("/api/x", None));
    for _ in 0..20 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, r#"{"a":1,"a":2}"#))));
    }
    let accounting = rig.settled(21).await;
    let (spans, _) = receiver.received().await;
    let roots = || spans.iter().filter(|span| span.parent_span_id.is_empty());
    let count = |key, value| roots().filter(|root| attribute(root, key) == value).count() as u64;
    assert_eq!(roots().count(), 21, "every trace that a live span names is there");
    assert_eq!(count("cutover.shadow.dropped", "rate"), accounting.dropped(Dropped::Rate));
    assert!(accounting.dropped(Dropped::Rate) > 0, "{accounting:?}");
    assert_eq!(count("cutover.parity.reason", "live_failed"), 1);
    let compared = count("cutover.parity.reason", "duplicate_key");
    assert_eq!((compared, accounting.compared()), (accounting.incomparable - 1, compared + 1));
    assert!(compared > 0, "{accounting:?}");
    assert_eq!(count("cutover.parity.verdict", "incomparable"), compared + 1);
    assert_eq!(spans.len() as u64, 21 + 2 * compared, "a root alone where nobody was asked");
}

#[tokio::test]
async fn a_copy_that_goes_back_to_legacy_is_told_as_such() {
    let receiver = Receiver::start().await;
    let legacy = answer(|_| {
        let mut response = json(r#"{"name":"Ada"}"#);
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    });
    let (legacy, new) = (legacy.await, refuses().await);
    let mut started = traced(&receiver, 0.0);
    started.phase = Phase::Live;
    let rig = started.start(&legacy, &new);
    let exchange = asked(&rig, &Arc::default());
    rig.take(Exchange { served: Side::New, candidate: Side::Legacy, ..exchange });
    assert_eq!(rig.settled(1).await.mismatches, 1);
    let (spans, _) = receiver.received().await;
    let [root, call, _] = &spans[..] else { panic!("{spans:#?}") };
    for (span, key, value) in [
        (root, "cutover.phase", "live"),
        (root, "cutover.side", "legacy"),
        (call, "cutover.side", "legacy"),
        (call, "service.peer.name", "legacy"),
        (call, "error.type", "404"),
    ] {
        assert_eq!(attribute(span, key), value, "{key} of {}", span.name);
    }
}
