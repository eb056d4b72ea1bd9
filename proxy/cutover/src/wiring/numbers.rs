//! The data plane's counters as the control plane reads them.

use cutover_control::{
    JourneyCounters, JourneySideCounters, LiveCounters, RouteCounters, SideCounters,
};
use cutover_domain::{Side, journey::JourneyResult};
use cutover_gateway::{
    GatewayHandle, JourneyCounts, RouteCounts,
    metrics::{JOURNEY_SECONDS, JourneySideCounts, Outcome, SideCounts, Skipped},
};

/// Counters of every route.
pub(super) struct Numbers(pub(super) GatewayHandle);

impl LiveCounters for Numbers {
    fn snapshot(&self) -> Vec<RouteCounters> {
        self.0.counts().into_iter().map(route).collect()
    }

    fn of_new(&self, route: &str) -> Option<u64> {
        self.0.requests_of(route, Side::New)
    }

    fn journeys(&self) -> Vec<JourneyCounters> {
        self.0.journeys().into_iter().map(journey).collect()
    }

    fn journey_bounds_seconds(&self) -> &[f64] {
        JOURNEY_SECONDS
    }
}

fn journey(counts: JourneyCounts) -> JourneyCounters {
    let [legacy, new] = counts.sides.map(journey_side);
    let skipped = Skipped::ALL.iter().map(|reason| reason.as_str()).zip(counts.skipped);
    JourneyCounters { journey: counts.journey, legacy, new, skipped: skipped.collect() }
}

fn journey_side(counts: JourneySideCounts) -> JourneySideCounters {
    let of = |result: JourneyResult| counts.results[result as usize];
    JourneySideCounters {
        good: of(JourneyResult::Good),
        late: of(JourneyResult::Late),
        lost: of(JourneyResult::Lost),
        unseen: of(JourneyResult::Unseen),
        open: counts.open,
        took: counts.took,
    }
}

fn route(counts: RouteCounts) -> RouteCounters {
    let RouteCounts { route, bounds_seconds, sides: [legacy, new], no_subject, .. } = counts;
    RouteCounters { route, bounds_seconds, legacy: side(legacy), new: side(new), no_subject }
}

fn side(counts: SideCounts) -> SideCounters {
    let of = |outcome: Outcome| counts.outcomes[outcome as usize];
    SideCounters {
        ok: of(Outcome::Ok),
        client_error: of(Outcome::ClientError),
        error: of(Outcome::Error),
        timeout: of(Outcome::Timeout),
        rejected: of(Outcome::Rejected),
        fallback: of(Outcome::Fallback),
        latency: counts.latency,
        slow: counts.slow,
        answer_latency: counts.answered,
        bad_trials: counts.subjects.bad_trials,
        active_subjects: counts.subjects.active,
        failures_in_row: counts.subjects.failures_in_row,
        failing_subjects: counts.subjects.failing,
    }
}
