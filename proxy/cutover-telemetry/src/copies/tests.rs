use std::time::Duration;

use http::Method;

use super::*;
use crate::export::open_queue_for_tests;
use crate::metrics::{DropReason, Signal, TelemetryMetrics};
use crate::span::{CopyEnd, RouteLabel};

fn copy() -> CopySpans {
    let now = Instant::now();
    CopySpans {
        start: now,
        end: now + Duration::from_millis(3),
        live: Some(TraceContext::new_root(false)),
        method: Method::GET,
        route: RouteLabel { id: "read".into(), template: None },
        target: "/".into(),
        phase: "shadow",
        side: "new",
        generation: 1,
        end_state: CopyEnd::Dropped("rate"),
        call: None,
        reference: None,
        comparison: None,
    }
}

fn tracer(ratio: f64, metrics: &TelemetryMetrics) -> (CopyTracer, Spans, impl Sized + use<>) {
    let (spans, end) = open_queue_for_tests(1_000, metrics);
    (CopyTracer::new(Sampler::new(ratio).unwrap(), Some(spans.clone())), spans, end)
}

fn any_id() -> TraceId {
    TraceContext::new_root(false).trace_id
}

#[test]
fn what_the_ratio_says_travels_on() {
    let metrics = TelemetryMetrics::new();
    for (ratio, sampled) in [(0.0, false), (1.0, true)] {
        let (tracer, ..) = tracer(ratio, &metrics);
        let trace = tracer.begin(any_id());
        let call = trace.call();
        assert_eq!((call.is_sampled(), trace.head().is_yes()), (sampled, sampled));
        assert!(call.flags.is_random());
        assert_eq!(call.trace_id, trace.trace_id());
        assert_ne!(call.span_id, trace.span_id());
        assert_ne!(call.span_id, trace.call().span_id);
    }
    // Nobody would ever find it.
    let without = CopyTracer::new(Sampler::new(1.0).unwrap(), None).begin(any_id());
    assert!(!without.call().is_sampled());
}

#[test]
fn a_root_and_its_copy_are_kept_together() {
    let metrics = TelemetryMetrics::new();
    let (tracer, ..) = tracer(0.5, &metrics);
    let sampler = Sampler::new(0.5).unwrap();
    let mut kept = 0;
    for _ in 0..1_000 {
        let live = TraceContext::new_root(false);
        let copy = tracer.begin(live.linked());
        assert_eq!(copy.head(), sampler.head(None, live.trace_id));
        kept += u32::from(copy.head().is_yes());
    }
    assert!((350..650).contains(&kept), "{kept}");
}

#[test]
fn a_rule_keeps_what_the_ratio_does_not_within_its_cap() {
    let metrics = TelemetryMetrics::new();
    let (tracer, spans, _end) = tracer(0.0, &metrics);
    let cap = RateCap::new(2, Instant::now() + Duration::from_secs(3600));
    let capped = || metrics.dropped_total(Signal::Traces, DropReason::RateCap);
    let rule = Some(Reason::Mismatch);
    for _ in 0..2 {
        let trace = tracer.begin(any_id());
        assert_eq!(tracer.keep(&trace, None, &cap, 3), Keep::No);
        let Keep::Yes(reason) = tracer.keep(&trace, rule, &cap, 3) else { panic!("no room") };
        assert_eq!(reason, Reason::Mismatch);
        tracer.record(&trace, reason, copy());
    }
    assert_eq!((spans.length(), capped()), (2, 0));
    assert_eq!(tracer.keep(&tracer.begin(any_id()), rule, &cap, 3), Keep::No);
    assert_eq!(capped(), 3);
    // What the ratio keeps takes no room and needs none.
    let (all, ..) = self::tracer(1.0, &metrics);
    assert_eq!(all.keep(&all.begin(any_id()), rule, &cap, 3), Keep::Yes(Reason::Ratio));
    assert_eq!(capped(), 3);
}

#[test]
fn without_a_receiver_nothing_is_kept_or_counted() {
    let tracer = CopyTracer::new(Sampler::new(1.0).unwrap(), None);
    let cap = RateCap::new(1, Instant::now());
    let trace = tracer.begin(any_id());
    assert_eq!(tracer.keep(&trace, Some(Reason::CandidateFailed), &cap, 1), Keep::No);
    tracer.record(&trace, Reason::Ratio, copy());
    assert!(cap.admits(Instant::now()), "no room was taken");
}
