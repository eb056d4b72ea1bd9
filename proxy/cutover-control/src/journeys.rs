//! What became of journeys, as control asks about it. Implemented by wiring over the data plane.

use std::collections::BTreeMap;

use cutover_domain::JourneySpec;

use crate::{
    api::{JourneyRow, JourneySideRow},
    live::quantile,
};

/// Counters of one journey, rising from 0 at the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JourneyCounters {
    /// Its name.
    pub journey: String,
    /// Changes that legacy accepted.
    pub legacy: JourneySideCounters,
    /// Changes that new accepted.
    pub new: JourneySideCounters,
    /// Requests that could not be followed, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// Counters of one side of a journey.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JourneySideCounters {
    /// Shown in time.
    pub good: u64,
    /// Shown, but not in time.
    pub late: u64,
    /// Looked for, and not shown.
    pub lost: u64,
    /// Nobody looked when it counted.
    pub unseen: u64,
    /// Present value: under way.
    pub open: u64,
    /// Good and late ones by duration: one count a bound, one for what is above the last.
    pub took: Vec<u64>,
}

/// A journey as it is told; without counters it has not begun yet.
pub(crate) fn journey_row(
    spec: &JourneySpec,
    counters: Option<&JourneyCounters>,
    bounds_seconds: &[f64],
) -> JourneyRow {
    let millis =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let nothing = JourneyCounters::default();
    let counters = counters.unwrap_or(&nothing);
    let skipped = counters.skipped.iter().filter(|(_, count)| **count > 0);
    JourneyRow {
        name: spec.name.clone(),
        starts: spec.starts.clone(),
        ends: spec.ends.clone(),
        correlate: spec.correlate.iter().map(ToString::to_string).collect(),
        within_ms: millis(spec.within),
        lost_ms: millis(spec.lost_after),
        target: spec.target_percent / 100.0,
        legacy: counters.legacy.row(bounds_seconds),
        new: counters.new.row(bounds_seconds),
        skipped: skipped.map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
    }
}

// === impl JourneySideCounters ===

impl JourneySideCounters {
    fn row(&self, bounds_seconds: &[f64]) -> JourneySideRow {
        let JourneySideCounters { good, late, lost, unseen, open, .. } = *self;
        let judged = good + late + lost;
        let millis = |q| quantile(&self.took, bounds_seconds, q).map(|seconds| seconds * 1_000.0);
        JourneySideRow {
            good,
            late,
            lost,
            unseen,
            open,
            kept: (judged > 0).then(|| good as f64 / judged as f64),
            p50_ms: millis(0.5),
            p95_ms: millis(0.95),
        }
    }
}

#[cfg(test)]
mod tests;
