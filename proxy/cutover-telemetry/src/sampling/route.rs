//! The decision at the end of a request, by the rules of its route.
//!
//! In this order, which is also that of the reasons told: the route was taken
//! back a few minutes ago; error, timeout, fallback; slower than the route's
//! objective; a trusted caller asked; an upstream records the trace; nothing was
//! kept of this side of the route for a while (the floor); the head's choice. A
//! mismatch of answers is found later and speaks for itself, see
//! [`crate::HeldRequest`].
//!
//! The rules share one cap a route. The floor has a bound of its own: an outage
//! of one side must not leave the other in the dark. After a rollback every
//! request meets the first rule; those that meet no other get half of the cap
//! only, so that the failures which it was about still find room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Keep, RateCap, Reason};

/// Traces of one route that the rules may keep in a second.
const KEPT_PER_SECOND_MAX: u32 = 50;
/// How long after a rollback the route's traces are kept.
const ROLLBACK: Duration = Duration::from_secs(5 * 60);
/// In each period of so many seconds at least one trace is kept, by route and side.
const FLOOR_SECONDS: u64 = 10;

/// How a request ended, as far as keeping its spans is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// When it ended.
    pub end: Instant,
    /// From the first byte of the request to the last of the answer.
    pub duration: Duration,
    /// Error, timeout or fallback, if it was one of these.
    pub failure: Option<Reason>,
    /// An upstream said that it records the trace.
    pub is_recorded_upstream: bool,
    /// The side that the decision chose: 0 or 1.
    pub side: usize,
}

/// What the traces of one route are kept for. Clones remember together what was
/// kept; their terms are their own.
#[derive(Clone, Debug)]
pub struct RouteSampling {
    /// What takes longer is kept. `None`: the route has no such objective.
    pub slow_after: Option<Duration>,
    /// When the route was last taken back. `None`: not as far as is known.
    pub rolled_back: Option<Instant>,
    kept: Arc<Kept>,
}

/// A rule that a request meets.
#[derive(Clone, Copy)]
struct Rule {
    reason: Reason,
    /// All requests of the route meet it now: this one tells nothing that others do not.
    is_common: bool,
}

/// What was kept of a route so far.
#[derive(Debug)]
struct Kept {
    since: Instant,
    cap: RateCap,
    /// By side: the latest period in which a trace was kept, counted from 1.
    periods: [AtomicU64; 2],
}

// === impl Outcome ===

impl Outcome {
    /// A good answer from side 0.
    #[must_use]
    pub fn good(end: Instant, duration: Duration) -> Self {
        Self { end, duration, failure: None, is_recorded_upstream: false, side: 0 }
    }
}

// === impl RouteSampling ===

impl RouteSampling {
    /// A route that nothing was kept of yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let cap = RateCap::new(KEPT_PER_SECOND_MAX, now);
        let kept = Kept { since: now, cap, periods: Default::default() };
        Self { slow_after: None, rolled_back: None, kept: Arc::new(kept) }
    }

    /// Whether spans are kept. `capped` is called if a rule would have kept them and
    /// had kept as many before as it may. `asked`: a trusted caller did.
    pub(crate) fn decide(
        &self,
        head: Keep,
        asked: bool,
        outcome: &Outcome,
        capped: impl FnOnce(),
    ) -> Keep {
        let rule = self.rule(asked, outcome);
        let reason = match (head, rule) {
            (Keep::Yes(head), None) => Some(head),
            (Keep::Yes(_), Some(rule)) => Some(rule.reason),
            (Keep::No, Some(rule)) if self.admits(rule, outcome.end) => Some(rule.reason),
            (Keep::No, _) => self.kept.is_dark(outcome).then_some(Reason::Floor),
        };
        if reason.is_some() {
            self.kept.note(outcome);
        } else if rule.is_some() {
            capped();
        }
        reason.map_or(Keep::No, Keep::Yes)
    }

    /// The first rule that it meets.
    fn rule(&self, asked: bool, outcome: &Outcome) -> Option<Rule> {
        let is_slow = self.slow_after.is_some_and(|limit| outcome.duration > limit);
        let of_its_own = outcome
            .failure
            .or_else(|| is_slow.then_some(Reason::Slow))
            .or_else(|| asked.then_some(Reason::Asked))
            .or_else(|| outcome.is_recorded_upstream.then_some(Reason::Upstream));
        let since = |at: Instant| outcome.end.saturating_duration_since(at);
        let rollback = self.rolled_back.is_some_and(|at| since(at) < ROLLBACK);
        let reason = if rollback { Some(Reason::Rollback) } else { of_its_own };
        reason.map(|reason| Rule { reason, is_common: of_its_own.is_none() })
    }

    fn admits(&self, rule: Rule, now: Instant) -> bool {
        match rule.is_common {
            true => self.kept.cap.admits_to_half(now),
            false => self.kept.cap.admits(now),
        }
    }
}

// === impl Kept ===

impl Kept {
    /// Whether nothing was kept of this side in the present period. Of several
    /// threads that ask at once, one is told so.
    fn is_dark(&self, outcome: &Outcome) -> bool {
        let period = self.period(outcome.end);
        let latest = &self.periods[outcome.side];
        // Nearly always false, and then nothing is written.
        latest.load(Ordering::Relaxed) < period
            && latest.fetch_max(period, Ordering::Relaxed) < period
    }

    fn note(&self, outcome: &Outcome) {
        let period = self.period(outcome.end);
        let latest = &self.periods[outcome.side];
        if latest.load(Ordering::Relaxed) < period {
            latest.fetch_max(period, Ordering::Relaxed);
        }
    }

    fn period(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_secs() / FLOOR_SECONDS + 1
    }
}

#[cfg(test)]
mod tests;
