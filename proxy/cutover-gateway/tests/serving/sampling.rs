//! Which requests leave spans, where the head chose none.

use std::time::Duration;

use cutover_domain::{
    Percent, Phase, Target, WriteClass, bucket,
    slo::{LatencyObjective, Objective},
};
use cutover_telemetry::{Trust, export::Exporter};

use crate::rig::{Behaviour, Rig, answer, pauses, records_traces, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BROKEN: &str = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";
const ASK: &str = "GET /d/7 HTTP/1.1\r\nHost: a\r\n\r\n";
/// Spans of one request: SERVER and CLIENT.
const SPANS: usize = 2;

struct Traced {
    rig: Rig,
    exporter: Exporter,
    asked: u64,
}

// === impl Traced ===

impl Traced {
    fn new(new: Behaviour) -> Traced {
        let spec = route("r", "GET", "/d/{id}", WriteClass::Unsafe);
        let (rig, exporter) = Rig::traced(&[spec], [answer(HELLO), new], Trust::Never);
        Traced { rig, exporter, asked: 0 }
    }

    /// A route in `live`, of whose new side something was kept already.
    fn live(new: Behaviour) -> Traced {
        let mut traced = Traced::new(new);
        traced.put(Phase::Live);
        assert_eq!(traced.spans_of(1), SPANS);
        traced
    }

    /// Spans that so many requests left.
    fn spans_of(&mut self, requests: u64) -> usize {
        let before = self.exporter.spans().length();
        let mut client = self.rig.client();
        (0..requests).for_each(|_| drop(client.ask(ASK)));
        self.asked += requests;
        let counted = || {
            let sides = self.rig.counts("r").sides;
            sides.iter().flat_map(|side| side.outcomes).sum::<u64>()
        };
        // Spans come before counts.
        self.rig.until(|| counted() == self.asked);
        self.exporter.spans().length() - before
    }

    fn put(&self, phase: Phase) {
        self.rig.put("r", Target::phase(phase));
    }
}

#[test]
fn good_answers_leave_none_and_failures_do() {
    let mut good = Traced::live(answer(HELLO));
    assert_eq!(good.spans_of(5), 0);
    let mut broken = Traced::live(answer(BROKEN));
    assert_eq!(broken.spans_of(5), 5 * SPANS);
}

#[test]
fn slower_than_the_objective_leaves_them() {
    let mut spec = route("r", "GET", "/d/{id}", WriteClass::Safe);
    let objective = Objective::from_percent(99.0).unwrap();
    for (under_ms, spans) in [(60_000, 0), (1, 3 * SPANS)] {
        spec.objectives.latency = Some(LatencyObjective { objective, under_ms });
        let upstreams = [pauses(Duration::from_millis(5), HELLO), answer(HELLO)];
        let (rig, exporter) = Rig::traced(std::slice::from_ref(&spec), upstreams, Trust::Never);
        let mut route = Traced { rig, exporter, asked: 0 };
        assert_eq!(route.spans_of(1), SPANS);
        assert_eq!(route.spans_of(3), spans, "{under_ms} ms");
    }
}

#[test]
fn an_outage_leaves_no_more_than_the_cap_allows() {
    let mut broken = Traced::live(answer(BROKEN));
    let began = std::time::Instant::now();
    let spans = broken.spans_of(500);
    let seconds = began.elapsed().as_secs() as usize + 2;
    assert!((40 * SPANS..=seconds * 50 * SPANS).contains(&spans), "{spans} in {seconds} s");
}

#[test]
fn a_route_that_was_taken_back_leaves_them_for_a_while() {
    let mut route = Traced::live(answer(HELLO));
    route.put(Phase::Live);
    assert_eq!(route.spans_of(3), 0, "it has not moved");
    route.put(Phase::Shadow);
    assert_eq!(route.spans_of(3), 3 * SPANS);
    // Forward again, and with another table: it was taken back all the same.
    route.put(Phase::Live);
    assert_eq!(route.spans_of(3), 3 * SPANS);
}

#[test]
fn a_smaller_cohort_is_a_way_back_and_a_larger_one_is_none() {
    // Whoever asks belongs to neither.
    assert!(bucket("", "7") > 300);
    let canary = |route: &Traced, basis_points| {
        let percent = Percent::from_basis_points(basis_points).unwrap();
        route.rig.put("r", Target::canary(percent));
    };
    let mut growing = Traced::new(answer(HELLO));
    for (basis_points, spans) in [(100, SPANS), (200, 0), (300, 0), (200, SPANS)] {
        canary(&growing, basis_points);
        assert_eq!(growing.spans_of(1), spans, "{basis_points}");
    }
}

#[test]
fn an_upstream_that_records_the_trace_speaks_for_it() {
    let mut route = Traced::live(records_traces());
    assert_eq!(route.spans_of(3), 3 * SPANS);
    assert!(route.rig.new.last().contains("-02\r\n"), "it was not told to");
}
