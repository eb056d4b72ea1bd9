//! Live numbers of every route: cumulative counters in, rates and percentiles of the last ten
//! seconds out.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use cutover_domain::{Side, slo::Tally};

use crate::journeys::JourneyCounters;

/// Source of the live counters; implemented by wiring over the data plane.
pub trait LiveCounters: Send + Sync + 'static {
    /// Every route's counters since the process started. Cheap: called once a second.
    fn snapshot(&self) -> Vec<RouteCounters>;

    /// How many requests of `route` new was chosen for, since the process started; `None`: there is
    /// no such route. Cheaper than a snapshot of all: called every few milliseconds while somebody
    /// waits for the last of them.
    fn of_new(&self, route: &str) -> Option<u64>;

    /// Every journey's counters.
    fn journeys(&self) -> Vec<JourneyCounters>;

    /// Upper bounds of the buckets of how long journeys took, in seconds, rising, without infinity.
    fn journey_bounds_seconds(&self) -> &[f64];
}

/// Counters of one route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteCounters {
    /// Its id.
    pub route: String,
    /// Upper bounds of the buckets of [`SideCounters::latency`], in seconds, rising, without
    /// infinity. Where they change, its counts begin anew.
    pub bounds_seconds: Arc<[f64]>,
    /// Requests that legacy was chosen for.
    pub legacy: SideCounters,
    /// Requests that new was chosen for.
    pub new: SideCounters,
    /// Requests in `canary` that named no subject, so that legacy was chosen whatever its share.
    pub no_subject: u64,
}

/// Counters of one side of a route; all but present values rise from 0 at the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideCounters {
    /// Answered below 400.
    pub ok: u64,
    /// Answered 4xx: the client's doing.
    pub client_error: u64,
    /// Answered 5xx, or failed.
    pub error: u64,
    /// Not answered in time.
    pub timeout: u64,
    /// Refused by the proxy itself.
    pub rejected: u64,
    /// Answered by legacy because new failed: good for the user, bad for new.
    pub fallback: u64,
    /// Requests by latency: one per bound, not cumulative over buckets, and one for what is above
    /// the last bound.
    pub latency: Vec<u64>,
    /// Answered well, but not as fast as the route's objective asks for.
    pub slow: u64,
    /// Good answers in `canary` and `live` by latency, one count for each of
    /// [`BUCKETS`](cutover_domain::gate::latency::BUCKETS); empty: there were none.
    pub answer_latency: Arc<[u64]>,
    /// Failures, at most one per subject and minute.
    pub bad_trials: u64,
    /// Present value: subjects served in `canary` or `live` within the last minute or so.
    pub active_subjects: u64,
    /// Present value: failures since the side last answered well.
    pub failures_in_row: u64,
    /// Present value: different subjects among those failures, counted up to 8.
    pub failing_subjects: u64,
}

/// What a route's last ten seconds were like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveNumbers {
    /// Requests per second, both sides.
    pub requests_per_second: f64,
    /// Of legacy.
    pub legacy: SideNumbers,
    /// Of new.
    pub new: SideNumbers,
    /// Fraction in `0..=1` of the requests that named no subject; `None` with less than
    /// [`SUBJECTS_MIN`] requests.
    pub no_subject: Option<f64>,
}

/// One side of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SideNumbers {
    /// Requests per second.
    pub requests_per_second: f64,
    /// Fraction in `0..=1` of its requests that it answered, 4xx included; `None` without any.
    pub success: Option<f64>,
    /// 95th percentile of the latency in ms, interpolated within its bucket; the last bound where
    /// it lies above; `None` without requests.
    pub latency_ms_p95: Option<f64>,
}

/// Length of the window.
pub const WINDOW_MS: u64 = 10_000;

/// Fewer requests say nothing about how many of a route's name a subject.
pub(crate) const SUBJECTS_MIN: u64 = 20;

/// A sliding window over counters. Time is an argument.
#[derive(Debug, Default)]
pub struct Window {
    samples: VecDeque<Sample>,
}

#[derive(Debug)]
struct Sample {
    at_ms: u64,
    routes: HashMap<String, RouteCounters>,
}

// === impl Window ===

impl Window {
    /// Adds the counters as of `at_ms`, which must not fall; forgets what is not needed.
    pub fn push(&mut self, at_ms: u64, routes: Vec<RouteCounters>) {
        let routes = routes.into_iter().map(|route| (route.route.clone(), route.slim())).collect();
        self.samples.push_back(Sample { at_ms, routes });
        // The newest sample that is at least a window old stays: it is where the window begins.
        while self.samples.get(1).is_some_and(|next| next.at_ms + WINDOW_MS <= at_ms) {
            self.samples.pop_front();
        }
    }

    /// The numbers of `route` between the oldest and the newest sample. Zeros and `None`s until
    /// there are two.
    pub fn numbers(&self, route: &str) -> LiveNumbers {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return LiveNumbers::default();
        };
        let Some(now) = last.routes.get(route).filter(|_| last.at_ms > first.at_ms) else {
            return LiveNumbers::default();
        };
        let nothing = RouteCounters::default();
        let then = first.routes.get(route).unwrap_or(&nothing);
        let seconds = (last.at_ms - first.at_ms) as f64 / 1_000.0;
        let [legacy, new] = Side::ALL.map(|side| now.since(then, side));
        let requests = legacy.total() + new.total();
        let [legacy, new] =
            [legacy, new].map(|side| SideNumbers::of(&side, seconds, &now.bounds_seconds));
        let requests_per_second = legacy.requests_per_second + new.requests_per_second;
        let no_subject = now.no_subject.checked_sub(then.no_subject).unwrap_or(now.no_subject);
        let no_subject = (requests >= SUBJECTS_MIN).then(|| no_subject as f64 / requests as f64);
        LiveNumbers { requests_per_second, legacy, new, no_subject }
    }
}

// === impl RouteCounters ===

impl RouteCounters {
    /// Without what only gates read.
    fn slim(mut self) -> RouteCounters {
        self.legacy.answer_latency = Arc::default();
        self.new.answer_latency = Arc::default();
        self
    }

    /// What came to a side since `then`. Buckets that end elsewhere count whole.
    fn since(&self, then: &RouteCounters, side: Side) -> SideCounters {
        let gained = self.side(side).since(then.side(side));
        match self.bounds_seconds == then.bounds_seconds {
            true => gained,
            false => SideCounters { latency: self.side(side).latency.clone(), ..gained },
        }
    }

    fn side(&self, side: Side) -> &SideCounters {
        match side {
            Side::Legacy => &self.legacy,
            Side::New => &self.new,
        }
    }
}

// === impl SideCounters ===

impl SideCounters {
    /// All requests.
    pub(crate) fn total(&self) -> u64 {
        [self.ok, self.client_error, self.error, self.timeout, self.rejected, self.fallback]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Requests that it failed.
    pub(crate) fn bad(&self) -> u64 {
        self.error.saturating_add(self.timeout).saturating_add(self.fallback)
    }

    /// What objectives are measured by: all but what the proxy itself refused.
    pub(crate) fn tally(&self) -> Tally {
        let requests = self.total().saturating_sub(self.rejected);
        Tally { requests, bad: self.bad(), slow: self.slow }
    }

    /// What came since `then`. A route that was removed and came back starts from 0 again, so a
    /// counter below its former self counts whole.
    fn since(&self, then: &SideCounters) -> SideCounters {
        let restarted = self.total() < then.total();
        let less = |now: u64, then: u64| if restarted { now } else { now.saturating_sub(then) };
        let latency = self.latency.iter().enumerate();
        let latency =
            latency.map(|(at, now)| less(*now, then.latency.get(at).copied().unwrap_or(0)));
        SideCounters {
            ok: less(self.ok, then.ok),
            client_error: less(self.client_error, then.client_error),
            error: less(self.error, then.error),
            timeout: less(self.timeout, then.timeout),
            rejected: less(self.rejected, then.rejected),
            fallback: less(self.fallback, then.fallback),
            latency: latency.collect(),
            slow: less(self.slow, then.slow),
            answer_latency: Arc::default(),
            bad_trials: less(self.bad_trials, then.bad_trials),
            active_subjects: self.active_subjects,
            failures_in_row: self.failures_in_row,
            failing_subjects: self.failing_subjects,
        }
    }
}

// === impl SideNumbers ===

impl SideNumbers {
    fn of(counters: &SideCounters, seconds: f64, bounds_seconds: &[f64]) -> SideNumbers {
        let total = counters.total();
        let good = counters.ok + counters.client_error;
        SideNumbers {
            requests_per_second: total as f64 / seconds,
            success: (total > 0).then(|| good as f64 / total as f64),
            latency_ms_p95: quantile(&counters.latency, bounds_seconds, 0.95)
                .map(|seconds| seconds * 1_000.0),
        }
    }
}

/// As Prometheus' `histogram_quantile`: linear within a bucket, the first from 0, and the last
/// bound for what is above it.
pub(crate) fn quantile(counts: &[u64], bounds: &[f64], q: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 || bounds.is_empty() {
        return None;
    }
    let rank = q * total as f64;
    let mut below = 0.0;
    for (at, count) in counts.iter().enumerate() {
        let count = *count as f64;
        if below + count >= rank {
            let Some(upper) = bounds.get(at) else { break };
            let lower = at.checked_sub(1).map_or(0.0, |at| bounds[at]);
            let within = if count > 0.0 { (rank - below) / count } else { 1.0 };
            return Some(lower + (upper - lower) * within);
        }
        below += count;
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests;
