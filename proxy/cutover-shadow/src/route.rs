//! What is kept of one route from request to request.

pub(crate) mod builds;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cutover_domain::{
    compare::{Bijections, Rules},
    exchange::Dropped,
    parity::{Basis, Cause, Parity, Snapshot},
};
use cutover_telemetry::copies::CopyTracer;
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use xxhash_rust::xxh3::xxh3_64;

use self::builds::Builds;
use crate::{
    metrics::{RouteMetrics, ShadowMetrics},
    samples::Samples,
    traces::Traces,
};

/// Live durations after which the slowest are known well enough to set a deadline by.
const DURATIONS_MIN: u64 = 20;
/// Live durations after which older ones begin to be forgotten.
const DURATIONS_MAX: u64 = 2_048;
/// Longest duration told apart, in µs.
const DURATION_MICROS_MAX: u64 = 60_000_000;

/// One route, by its id; lives on when tables change.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) id: Arc<str>,
    pub(crate) metrics: RouteMetrics,
    pub(crate) inflight: Gauge,
    pub(crate) live: LiveDurations,
    pub(crate) traces: Traces,
    pub(crate) samples: Mutex<Samples>,
    /// Held by the comparing thread while it compares.
    pub(crate) comparing: Mutex<Comparing>,
    parity: Mutex<Parity>,
    /// Drops that `parity` was not told yet: who drops never waits for it.
    untold: [AtomicU64; Dropped::ALL.len()],
}

/// What comparisons of one route go by.
#[derive(Debug, Default)]
pub(crate) struct Comparing {
    pub(crate) rules: Rules,
    pub(crate) bijections: Bijections,
    pub(crate) builds: Builds,
    /// Legacy may be asked a second time, by the newest table that something was compared by.
    pub(crate) has_references: bool,
    /// Parity was kept by an earlier process, whose rules may have been others.
    is_resumed: bool,
}

/// How long the live side took lately.
#[derive(Debug)]
pub(crate) struct LiveDurations(Mutex<Durations>);

#[derive(Debug)]
struct Durations {
    /// The last [`DURATIONS_MAX`] to twice that many: half of it is thrown away at a time.
    older: Histogram<u32>,
    newer: Histogram<u32>,
    percentile_99: Option<Duration>,
    /// Durations until `percentile_99` is reckoned anew: it takes some microseconds.
    stale_in: u64,
}

// === impl Route ===

impl Route {
    pub(crate) fn new(id: &str, metrics: &ShadowMetrics, tracer: &CopyTracer, now: u64) -> Route {
        Route {
            id: id.into(),
            metrics: metrics.of_route(id),
            inflight: metrics.inflight.clone(),
            live: LiveDurations::default(),
            traces: Traces::new(tracer.clone()),
            samples: Mutex::default(),
            comparing: Mutex::default(),
            parity: Mutex::new(Parity::new(Basis::default(), now)),
            untold: Default::default(),
        }
    }

    /// Counts a copy that was given up.
    pub(crate) fn dropped(&self, reason: Dropped) {
        // In this order, so that a parity read after its count has it.
        self.untold[reason as usize].fetch_add(1, Ordering::Release);
        self.metrics.dropped(reason);
    }

    /// Goes on from what an earlier process kept; says whether all of that holds.
    pub(crate) fn resume(&self, kept: Snapshot, now: u64) -> bool {
        // In the order in which the comparing thread takes both.
        let mut comparing = self.comparing.lock();
        let holds = self.with_parity(|parity| parity.resume(kept, now));
        if holds {
            comparing.resume(&self.with_parity(|parity| parity.snapshot().basis.clone()));
        }
        holds
    }

    /// Takes in what parity rests on; says why counters began anew, if they did.
    pub(crate) fn adopt(&self, basis: &Basis, now: u64) -> Option<Cause> {
        let cause = self.with_parity(|parity| parity.adopt(basis, now))?;
        let mut samples = self.samples.lock();
        samples.begin_anew();
        if cause != Cause::Build {
            samples.forget_noise();
        }
        Some(cause)
    }

    /// Works on the parity, which knows of all drops so far. Not for the data plane's threads.
    pub(crate) fn with_parity<T>(&self, work: impl FnOnce(&mut Parity) -> T) -> T {
        let mut parity = self.parity.lock();
        for reason in Dropped::ALL {
            let untold = &self.untold[reason as usize];
            if untold.load(Ordering::Relaxed) > 0 {
                for _ in 0..untold.swap(0, Ordering::Acquire) {
                    parity.drop_one(reason);
                }
            }
        }
        work(&mut parity)
    }
}

// === impl Comparing ===

impl Comparing {
    /// Whether the next comparison goes by the same rules as those counted so far.
    pub(crate) fn goes_by(&self, rules: &Rules) -> bool {
        self.rules == *rules && !self.is_resumed
    }

    /// What was counted so far went by the rules that `basis` names.
    pub(crate) fn resume(&mut self, basis: &Basis) {
        self.is_resumed = !basis.rules.is_empty();
    }

    /// Goes by other rules from now on; what was learnt by the old ones is forgotten.
    pub(crate) fn adopt(&mut self, rules: &Rules) {
        self.is_resumed = false;
        self.rules = rules.clone();
        self.bijections = Bijections::default();
    }

    /// What parity rests on, as far as it is known here: the rules, by a hash of them.
    pub(crate) fn basis(&self) -> Basis {
        let rules = format!("{:016x}", xxh3_64(format!("{:?}", self.rules).as_bytes()));
        Basis { rules: rules.into(), ..Basis::default() }
    }
}

// === impl LiveDurations ===

impl LiveDurations {
    /// Takes one in and says how long a copy may take: twice what 99 % of live requests took,
    /// within `min` and `max`; `max` while little is known.
    pub(crate) fn deadline(&self, duration: Duration, min: Duration, max: Duration) -> Duration {
        let mut durations = self.0.lock();
        durations.record(duration);
        match durations.percentile_99 {
            Some(p99) => (2 * p99).min(max).max(min),
            None => max,
        }
    }
}

impl Default for LiveDurations {
    fn default() -> LiveDurations {
        let empty = || {
            Histogram::new_with_bounds(1, DURATION_MICROS_MAX, 2)
                .expect("the bounds are in order and two digits are allowed")
        };
        LiveDurations(Mutex::new(Durations {
            older: empty(),
            newer: empty(),
            percentile_99: None,
            stale_in: DURATIONS_MIN,
        }))
    }
}

// === impl Durations ===

impl Durations {
    fn record(&mut self, duration: Duration) {
        if self.newer.len() >= DURATIONS_MAX {
            std::mem::swap(&mut self.older, &mut self.newer);
            self.newer.reset();
        }
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.newer.saturating_record(micros.max(1));
        self.stale_in -= 1;
        if self.stale_in == 0 {
            self.stale_in = DURATIONS_MIN;
            // The larger of both halves: a deadline should rather be too long.
            let known = [&self.older, &self.newer].into_iter();
            let known = known.filter(|half| half.len() >= DURATIONS_MIN);
            self.percentile_99 =
                known.map(|half| Duration::from_micros(half.value_at_quantile(0.99))).max();
        }
    }
}

#[cfg(test)]
mod tests;
