//! What became of every eligible request: exact counters.

use std::collections::{BTreeMap, VecDeque};

use super::{Verdict, bound::lower_bound};
use crate::{compare::Incomparable, exchange::Dropped};

/// Share of eligible requests that could not be judged above which the rest proves nothing: a
/// candidate that answers only what is easy would look healthy.
pub const UNJUDGED_MAX: f64 = 0.05;

/// Requests by what became of them. Every eligible request is in exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Compared, and equal after rules.
    pub matches: u64,
    /// Compared, with a difference that noise does not explain.
    pub mismatches: u64,
    /// Compared, with differences that noise explains; for parity they do not count.
    pub noisy: u64,
    /// Could not be compared, by reason.
    pub incomparable: BTreeMap<Incomparable, u64>,
    /// Eligible, but never sent or never finished, by reason.
    pub dropped: BTreeMap<Dropped, u64>,
}

/// Too much could not be judged; the gate waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inconclusive {
    /// Eligible requests.
    pub eligible: u64,
    /// Those of them that were incomparable or dropped by the breaker.
    pub unjudged: u64,
}

/// How many comparisons there are a day, by the hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// When counting began, in seconds since the Unix epoch; `None`: not yet.
    pub since: Option<u64>,
    /// (hour since the Unix epoch, matches and mismatches in it), the last 24 that had any.
    pub hours: VecDeque<(u64, u64)>,
}

// === impl Counters ===

impl Counters {
    /// Requests that were compared, with whatever verdict.
    pub fn compared(&self) -> u64 {
        let incomparable: u64 = self.incomparable.values().sum();
        self.matches + self.mismatches + self.noisy + incomparable
    }

    /// Requests that were compared or dropped.
    pub fn eligible(&self) -> u64 {
        self.compared() + self.dropped.values().sum::<u64>()
    }

    /// Matches and mismatches: the comparisons that parity is made of.
    pub fn judged(&self) -> u64 {
        self.matches + self.mismatches
    }

    /// Matches / (matches + mismatches), `0..=1`; `None` before the first of them.
    pub fn parity(&self) -> Option<f64> {
        let judged = self.judged();
        (judged > 0).then(|| self.matches as f64 / judged as f64)
    }

    /// The one-sided 95 % lower bound of parity, `0..=1`; 0 without a match.
    pub fn bound(&self) -> f64 {
        lower_bound(self.matches, self.mismatches)
    }

    /// `Some` if more than 5 % of the eligible requests were incomparable or dropped by the
    /// breaker.
    pub fn inconclusive(&self) -> Option<Inconclusive> {
        let breaker = self.dropped.get(&Dropped::Breaker).copied().unwrap_or(0);
        let unjudged = breaker + self.incomparable.values().sum::<u64>();
        let eligible = self.eligible();
        (unjudged as f64 > UNJUDGED_MAX * eligible as f64)
            .then_some(Inconclusive { eligible, unjudged })
    }

    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Match => self.matches += 1,
            Verdict::Mismatch => self.mismatches += 1,
            Verdict::Noisy => self.noisy += 1,
            Verdict::Incomparable(reason) => *self.incomparable.entry(reason).or_default() += 1,
        }
    }

    pub(crate) fn add(&mut self, other: &Counters) {
        self.matches += other.matches;
        self.mismatches += other.mismatches;
        self.noisy += other.noisy;
        for (reason, count) in &other.incomparable {
            *self.incomparable.entry(*reason).or_default() += count;
        }
        for (reason, count) in &other.dropped {
            *self.dropped.entry(*reason).or_default() += count;
        }
    }
}

// === impl Pace ===

impl Pace {
    pub(super) const HOURS: u64 = 24;

    pub(crate) fn count(&mut self, now: u64) {
        self.since.get_or_insert(now);
        let hour = now / 3600;
        match self.hours.back_mut() {
            // A clock set back counts into the last hour.
            Some((last, count)) if *last >= hour => *count += 1,
            _ => self.hours.push_back((hour, 1)),
        }
        if self.hours.len() as u64 > Pace::HOURS {
            self.hours.pop_front();
        }
    }

    /// Comparisons a second over the last 23 to 24 hours, or since counting began; 0 before.
    pub fn per_second(&self, now: u64) -> f64 {
        let first = (now / 3600).saturating_sub(Pace::HOURS - 1);
        let start = self.since.map_or(now, |since| since.max(first * 3600));
        let recent = self.hours.iter().filter(|(hour, _)| *hour >= first);
        let count: u64 = recent.map(|(_, count)| count).sum();
        let seconds = now.saturating_sub(start);
        if seconds == 0 { 0.0 } else { count as f64 / seconds as f64 }
    }
}

#[cfg(test)]
mod tests;
