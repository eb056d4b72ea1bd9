use std::time::{Duration, Instant};

use http::HeaderValue;

use super::*;
use crate::export::{open_queue_for_tests, queue_for_tests};
use crate::metrics::{DropReason, Signal, TelemetryMetrics};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn incoming() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(CALLER));
    headers.insert("tracestate", HeaderValue::from_static("foo=1"));
    headers.insert("baggage", HeaderValue::from_static("tenant=a"));
    headers
}

fn tracer(trust: Trust, ratio: f64) -> Tracer {
    Tracer::new(trust, Sampler::new(ratio).unwrap(), Some(queue_for_tests(8)))
}

fn failed() -> Outcome {
    let good = Outcome::good(Instant::now(), Duration::from_millis(1));
    Outcome { failure: Some(Reason::Error), ..good }
}

#[test]
fn a_trusted_caller_is_continued() {
    let tracer = tracer(Trust::Always, 0.0);
    let mut headers = incoming();
    let trace = tracer.begin(&headers, None);
    assert_eq!(trace.parent().unwrap().to_string(), "b7ad6b7169203331");
    assert_eq!(trace.head(), Keep::Yes(Reason::Parent));
    assert!(trace.link().is_none());

    let first = trace.attempt(&mut headers);
    let expected = format!("00-0af7651916cd43dd8448eb211c80319c-{first}-01");
    assert_eq!(headers["traceparent"], expected);
    assert_eq!(headers["tracestate"], "foo=1");
    assert_eq!(headers["baggage"], "tenant=a");

    let second = trace.attempt(&mut headers);
    let ours = trace.context().span_id;
    assert!(first != second && first != ours && second != ours);
}

#[test]
fn an_untrusted_caller_is_linked_and_loses_state_and_baggage() {
    let network = "10.0.0.0/8".parse().unwrap();
    let tracer = tracer(Trust::Cidrs(vec![network]), 0.0);
    let mut headers = incoming();
    let trace = tracer.begin(&headers, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(trace.parent(), None);
    assert_eq!(trace.link().unwrap().to_string(), CALLER);
    // Being sampled by a stranger does not force us.
    assert_eq!(trace.head(), Keep::No);
    assert_ne!(trace.context().trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert!(trace.flags().is_random());

    trace.attempt(&mut headers);
    assert!(!headers.contains_key("tracestate"));
    assert!(!headers.contains_key("baggage"));
    let sent = headers["traceparent"].to_str().unwrap();
    assert!(sent.starts_with(&format!("00-{}", trace.context().trace_id)));
    assert!(sent.ends_with("-02"), "{sent}");

    let trusted = tracer.begin(&incoming(), Some("10.1.1.1".parse().unwrap()));
    assert!(trusted.parent().is_some());
}

#[test]
fn an_unreadable_context_is_replaced_and_its_state_forgotten() {
    let tracer = tracer(Trust::Always, 1.0);
    let mut headers = incoming();
    headers.insert("traceparent", HeaderValue::from_static("00-junk"));
    let trace = tracer.begin(&headers, None);
    assert_eq!(trace.parent(), None);
    assert!(trace.link().is_none());
    trace.attempt(&mut headers);
    assert!(!headers.contains_key("tracestate"));
    assert!(headers["traceparent"].to_str().unwrap().ends_with("-03"));
    // The peer is trusted; only its trace was broken.
    assert_eq!(headers["baggage"], "tenant=a");
}

#[test]
fn without_a_receiver_contexts_pass_as_they_came() {
    let tracer = Tracer::new(Trust::Always, Sampler::new(1.0).unwrap(), None);
    let mut headers = incoming();
    let trace = tracer.begin(&headers, None);
    trace.attempt(&mut headers);
    assert_eq!(headers["traceparent"], CALLER);
    let (failed, route) = (failed(), RouteSampling::new(Instant::now()));
    assert_eq!(tracer.keep(&trace, &failed, &route, 2), Keep::No);

    let mut headers = HeaderMap::new();
    let root = tracer.begin(&headers, None);
    root.attempt(&mut headers);
    assert_eq!(headers["traceparent"], root.context().to_string());
}

#[test]
fn what_a_rule_wants_beyond_its_cap_is_counted_by_spans() {
    let metrics = TelemetryMetrics::new();
    let (spans, _end) = open_queue_for_tests(8, &metrics);
    let tracer = Tracer::new(Trust::Always, Sampler::new(0.0).unwrap(), Some(spans));
    let trace = tracer.begin(&HeaderMap::new(), None);
    let (failed, route) = (failed(), RouteSampling::new(Instant::now()));
    let kept = (0..60).filter(|_| tracer.keep(&trace, &failed, &route, 3).is_yes()).count();
    assert_eq!(kept, 50);
    assert_eq!(metrics.dropped_total(Signal::Traces, DropReason::RateCap), 30);
}

#[test]
fn whoever_is_trusted_may_ask_for_a_trace_and_nobody_else() {
    let mut headers = HeaderMap::new();
    let network = "10.0.0.0/8".parse().unwrap();
    let tracer = tracer(Trust::Cidrs(vec![network]), 0.0);
    let mut keeps = |value, peer: &str| {
        headers.insert("cutover-trace", HeaderValue::from_static(value));
        let trace = tracer.begin(&headers, Some(peer.parse().unwrap()));
        assert!(!trace.flags().is_sampled(), "what upstreams are told is the head's");
        let route = RouteSampling::new(Instant::now());
        let good = Outcome::good(Instant::now(), Duration::from_millis(1));
        tracer.keep(&trace, &good, &route, 2)
    };
    assert_eq!(keeps("1", "10.1.1.1"), Keep::Yes(Reason::Asked));
    assert_eq!(keeps("1", "192.0.2.1"), Keep::Yes(Reason::Floor));
    assert_eq!(keeps("0", "10.1.1.1"), Keep::Yes(Reason::Floor));
}

#[test]
fn an_answer_speaks_for_its_own_trace_only() {
    let tracer = tracer(Trust::Always, 0.0);
    let trace = tracer.begin(&HeaderMap::new(), None);
    let mut answer = HeaderMap::new();
    assert!(!trace.is_recorded_by(&answer));
    let trace_id = trace.context().trace_id;
    let ours = format!("00-{trace_id}-b7ad6b7169203331");
    let other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let said = [(format!("{ours}-01"), true), (format!("{ours}-00"), false), (other, false)];
    for (said, is_recorded) in said.into_iter().chain([("00-junk".to_owned(), false)]) {
        answer.insert("traceresponse", said.parse().unwrap());
        assert_eq!(trace.is_recorded_by(&answer), is_recorded, "{said}");
    }
}

#[test]
fn a_request_that_is_held_is_recorded_if_something_speaks_for_it() {
    let (spans, _end) = open_queue_for_tests(8, &TelemetryMetrics::new());
    let sampler = Sampler::new(0.0).unwrap();
    let tracer = Tracer::new(Trust::Always, sampler, Some(spans.clone()));
    let trace = tracer.begin(&HeaderMap::new(), None);
    let now = Instant::now();
    let server = ServerSpan {
        start: now,
        end: now,
        method: &http::Method::GET,
        route: None,
        scheme: crate::span::Scheme::Http,
        target: "/v1/devices/7",
        authority: None,
        version: http::Version::HTTP_11,
        client_address: None,
        peer: None,
        user_agent: None,
        status: None,
        failure: None,
        decision: crate::span::Decision::default(),
    };
    let hold = || tracer.hold(&trace, Reason::Mismatch, &server, []).unwrap();
    let held = hold();
    assert!((200..2_000).contains(&held.bytes()), "{}", held.bytes());
    drop(held);
    assert_eq!(spans.length(), 0);
    hold().keep();
    assert_eq!(spans.length(), 1);

    let without = Tracer::new(Trust::Always, Sampler::default(), None);
    assert!(without.hold(&trace, Reason::Mismatch, &server, []).is_none());
    assert!(!without.is_recording() && tracer.is_recording());
}
