//! The account of a load.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Outcome;

/// What a load did, in order of completion.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every shot.
    pub outcomes: Vec<Outcome>,
}

/// Latencies at a few quantiles.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// Median.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Report {
    pub(super) fn new(outcomes: Vec<Outcome>) -> Report {
        Report { outcomes }
    }

    /// Shots.
    pub fn requests(&self) -> u64 {
        self.outcomes.len() as u64
    }

    /// Shots that did not get what they wanted.
    pub fn failed(&self) -> u64 {
        self.outcomes.iter().filter(|outcome| !outcome.good).count() as u64
    }

    /// Shots that were sent a second time over a new connection.
    pub fn resent(&self) -> u64 {
        self.outcomes.iter().filter(|outcome| outcome.resent).count() as u64
    }

    /// The part of it that satisfies `wanted`.
    #[must_use]
    pub fn filter(&self, wanted: impl Fn(&Outcome) -> bool) -> Report {
        Report::new(self.outcomes.iter().filter(|outcome| wanted(outcome)).cloned().collect())
    }

    /// The shots of one kind.
    #[must_use]
    pub fn kind(&self, kind: usize) -> Report {
        self.filter(|outcome| outcome.kind == kind)
    }

    /// Answers by who gave them.
    pub fn by_side(&self) -> BTreeMap<String, u64> {
        let mut sides = BTreeMap::new();
        for outcome in &self.outcomes {
            let side = outcome.served_by.as_deref().unwrap_or("nobody");
            *sides.entry(side.to_owned()).or_default() += 1;
        }
        sides
    }

    /// What went wrong, with counts.
    pub fn failures(&self) -> BTreeMap<String, u64> {
        let mut failures = BTreeMap::new();
        for outcome in self.outcomes.iter().filter(|outcome| !outcome.good) {
            let what = match &outcome.result {
                Ok(status) => format!("status {status}"),
                Err(error) => error.to_string(),
            };
            *failures.entry(what).or_default() += 1;
        }
        failures
    }

    /// Latencies of all shots, from when each was due. `None` without shots.
    pub fn latency(&self) -> Option<Latency> {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3).ok()?;
        for outcome in &self.outcomes {
            histogram.saturating_record(outcome.done_us.saturating_sub(outcome.due_us).max(1));
        }
        let at = |q| Duration::from_micros(histogram.value_at_quantile(q));
        let latency = Latency { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) };
        (!self.outcomes.is_empty()).then_some(latency)
    }

    /// Panics with the failures unless there are none.
    ///
    /// # Panics
    /// When a shot failed or nothing was shot at all.
    #[track_caller]
    pub fn assert_all_good(&self) {
        assert!(!self.outcomes.is_empty(), "no request was made");
        let failures = self.failures();
        assert!(
            failures.is_empty(),
            "{} of {} failed: {failures:#?}",
            self.failed(),
            self.requests()
        );
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let Latency { p50, p95, p99, max } = *self;
        write!(f, "p50 {:.1} p95 {:.1} p99 {:.1} max {:.1} ms", ms(p50), ms(p95), ms(p99), ms(max))
    }
}
