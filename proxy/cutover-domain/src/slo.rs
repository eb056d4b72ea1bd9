//! What users may expect of a route, and how fast the budget for the rest burns.
//!
//! An [`Objective`] leaves a budget: 99.9 % leaves 0.1 %. The burn rate is the share of bad
//! requests over that budget: at 1 the budget of 30 days lasts 30 days, at 14.4 two. Each of
//! [`RULES`] looks at it over a long window, so that little noise does not count, and over a short
//! one, so that what is over stops counting (Google, *The Site Reliability Workbook*, chapter 5).
//!
//! Refused here: objectives of 100 %, which leave no budget; a factor that no share of bad
//! requests can reach, which would be an alert that never fires.

mod evidence;
mod meter;

pub use evidence::{EVIDENCE_MIN, ln_evidence};
pub use meter::Meter;
pub(crate) use meter::{MINUTE_MS, MOMENT_MS};

/// What users may expect of a route; measured at the proxy, for each side apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objectives {
    /// Share of requests answered, not with 5xx, not cut off. `None`: nobody promised anything.
    pub availability: Option<Objective>,
    /// Share of requests answered so and fast enough.
    pub latency: Option<LatencyObjective>,
    /// A page about the route takes it back to its safe phase.
    pub rollback_on_page: bool,
}

/// A share of requests that is to be good: above 0 and below 100 %.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Objective {
    percent: f64,
}

/// A share of requests that is to be answered well and in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyObjective {
    /// The share.
    pub objective: Objective,
    /// What is in time, in milliseconds.
    pub under_ms: u32,
}

/// What makes a request good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    /// Good: answered, not with 5xx, not cut off, not by the other side.
    Availability,
    /// Good: the same, and in time. What was not answered has no honest latency and is bad.
    Latency,
}

/// Requests of one side over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them but those that the proxy itself refused.
    pub requests: u64,
    /// Answered with 5xx, cut off, timed out, or rescued by the other side.
    pub bad: u64,
    /// Answered well, but not within [`LatencyObjective::under_ms`].
    pub slow: u64,
}

/// One pair of windows and the burn rate that is too much over both of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnRule {
    /// Times the budget.
    pub factor: f64,
    /// The long window.
    pub long_ms: u64,
    /// The short window, a twelfth of it.
    pub short_ms: u64,
}

/// The time for which a budget is: 30 days.
pub const BUDGET_MS: u64 = 30 * 24 * HOUR_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// The pairs of windows, fastest first: they spend 2, 5, 10 and 10 % of the budget of 30 days.
pub const RULES: [BurnRule; 4] = [
    BurnRule { factor: 14.4, long_ms: HOUR_MS, short_ms: 5 * MINUTE_MS },
    BurnRule { factor: 6.0, long_ms: 6 * HOUR_MS, short_ms: 30 * MINUTE_MS },
    BurnRule { factor: 3.0, long_ms: 24 * HOUR_MS, short_ms: 2 * HOUR_MS },
    BurnRule { factor: 1.0, long_ms: 72 * HOUR_MS, short_ms: 6 * HOUR_MS },
];

// === impl Objectives ===

impl Objectives {
    /// Whether nothing is promised.
    pub fn is_empty(&self) -> bool {
        self.availability.is_none() && self.latency.is_none()
    }

    /// Each indicator that has an objective.
    pub fn each(&self) -> impl Iterator<Item = (Indicator, Objective)> {
        let availability = self.availability.map(|objective| (Indicator::Availability, objective));
        let latency = self.latency.map(|latency| (Indicator::Latency, latency.objective));
        availability.into_iter().chain(latency)
    }
}

// === impl Objective ===

impl Objective {
    /// `percent` of the requests; `None` unless above 0 and below 100.
    pub fn from_percent(percent: f64) -> Option<Objective> {
        (percent > 0.0 && percent < 100.0).then_some(Objective { percent })
    }

    /// In percent, as it was declared.
    pub fn percent(self) -> f64 {
        self.percent
    }

    /// The share that may be bad, above 0 and below 1.
    pub fn budget(self) -> f64 {
        (100.0 - self.percent) / 100.0
    }
}

// === impl Indicator ===

impl Indicator {
    /// The name used in metrics, logs and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Indicator::Availability => "availability",
            Indicator::Latency => "latency",
        }
    }
}

// === impl Tally ===

impl Tally {
    /// Those that are bad for `indicator`.
    pub fn bad_for(&self, indicator: Indicator) -> u64 {
        match indicator {
            Indicator::Availability => self.bad,
            Indicator::Latency => self.bad + self.slow,
        }
    }

    /// Those that are good. Counters are read one after the other, so for a moment there may be
    /// more bad requests than requests.
    pub fn good_for(&self, indicator: Indicator) -> u64 {
        self.requests.saturating_sub(self.bad_for(indicator))
    }

    /// The share of the bad ones, `0..=1`; 0 without any.
    pub fn bad_share(&self, indicator: Indicator) -> f64 {
        let (bad, good) = (self.bad_for(indicator), self.good_for(indicator));
        if bad == 0 { 0.0 } else { bad as f64 / (bad + good) as f64 }
    }

    /// What a counter that only rises gained since `before`: all of it if it fell, as then it
    /// began anew.
    pub fn since(&self, before: &Tally) -> Tally {
        let fell =
            self.requests < before.requests || self.bad < before.bad || self.slow < before.slow;
        if fell {
            return *self;
        }
        Tally {
            requests: self.requests - before.requests,
            bad: self.bad - before.bad,
            slow: self.slow - before.slow,
        }
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.bad += other.bad;
        self.slow += other.slow;
    }
}

// === impl BurnRule ===

impl BurnRule {
    /// Whether this much can burn at all: above `1 / budget` there is no share of bad requests.
    pub fn is_reachable(&self, objective: Objective) -> bool {
        self.factor * objective.budget() < 1.0
    }

    /// Requests in the long window with which a single bad one is not yet too much.
    pub fn requests_min(&self, objective: Objective) -> u64 {
        (1.0 / (self.factor * objective.budget())).ceil() as u64
    }
}

#[cfg(test)]
mod tests;
