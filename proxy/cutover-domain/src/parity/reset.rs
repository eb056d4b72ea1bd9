//! When counters begin anew, and what is kept of the old ones.

use super::{Counters, Parity, Place, Standing};

/// Most epochs kept of a route.
pub const HISTORY_MAX: usize = 16;
/// Most regressions named of one epoch.
const REGRESSIONS_MAX: usize = 16;

/// What counters rest on. Each text names a version of something and means nothing else; empty is
/// unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The candidate's build.
    pub build: Box<str>,
    /// The rules by which answers are compared.
    pub rules: Box<str>,
    /// Legacy's build.
    pub legacy: Box<str>,
}

/// Why counters began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The candidate has another build. What legacy's noise is stays known.
    Build,
    /// The rules changed, and with them what differs: noise is learnt anew too.
    Rules,
    /// Legacy changed: noise is learnt anew too.
    Legacy,
    /// Something became known as noise, which earlier verdicts did not go by. Verdicts are counted
    /// anew; evidence, pairs, latency and coverage never went by it and stay.
    Profile,
    /// What was kept came too late to go on from: the store was away when the process started, or
    /// the route had been gone.
    Store,
}

/// Counters of an earlier time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// What they rest on.
    pub basis: Basis,
    /// When they began, in seconds since the Unix epoch.
    pub since: u64,
    /// When they ended.
    pub until: u64,
    /// Why they ended.
    pub cause: Cause,
    /// What they were.
    pub counters: Counters,
    /// Requests with a second legacy answer since the last reset before.
    pub pairs: u64,
    /// Paths that were a regression at their end; of more than 16, those of most evidence.
    pub regressions: Vec<Place>,
}

// === impl Parity ===

impl Parity {
    /// Takes in what is compared with what from now on; counters begin anew if that changed.
    ///
    /// An empty text changes nothing: what was known before is taken to hold.
    pub fn adopt(&mut self, basis: &Basis, now: u64) -> Option<Cause> {
        let old = &self.state.basis;
        let new = Basis {
            build: known(&basis.build, &old.build),
            rules: known(&basis.rules, &old.rules),
            legacy: known(&basis.legacy, &old.legacy),
        };
        if new == *old {
            return None;
        }
        let cause = old.cause_of_change(&new);
        let fresh = self.state.counters.eligible() == 0 && self.state.noise.pairs == 0;
        if !fresh {
            self.reset(cause, now);
        }
        self.state.basis = new;
        (!fresh).then_some(cause)
    }

    /// Begins counters anew; the old ones become history.
    pub fn reset(&mut self, cause: Cause, now: u64) {
        self.keep_epoch(cause, now);
        self.state.counters = Counters::default();
        self.state.since = now;
        if cause == Cause::Profile {
            return;
        }
        self.state.pairs = 0;
        self.state.paths.clear();
        self.state.latency.buckets.clear();
        self.state.shapes.restart();
        if cause != Cause::Build {
            self.state.noise.clear();
        }
    }

    pub(super) fn keep_epoch(&mut self, cause: Cause, now: u64) {
        let mut epoch = self.epoch(cause, now);
        // A route learns its noise bit by bit; that must not push whole builds out of history.
        let again = |last: &mut Epoch| cause == Cause::Profile && last.cause == Cause::Profile;
        if let Some(last) = self.state.history.pop_back_if(again) {
            epoch.counters.add(&last.counters);
            epoch.since = last.since;
        }
        self.state.history.push_back(epoch);
        while self.state.history.len() > HISTORY_MAX {
            self.state.history.pop_front();
        }
    }

    fn epoch(&self, cause: Cause, now: u64) -> Epoch {
        let paths = self.paths().into_iter();
        let regressions = paths.filter(|path| path.standing == Standing::Regression);
        Epoch {
            basis: self.state.basis.clone(),
            since: self.state.since,
            until: now,
            cause,
            counters: self.state.counters.clone(),
            pairs: self.state.pairs,
            regressions: regressions.take(REGRESSIONS_MAX).map(|path| path.place).collect(),
        }
    }
}

// === impl Basis ===

impl Basis {
    /// The cause that begins most anew among those that apply.
    fn cause_of_change(&self, new: &Basis) -> Cause {
        if self.rules != new.rules {
            Cause::Rules
        } else if self.legacy != new.legacy {
            Cause::Legacy
        } else {
            Cause::Build
        }
    }
}

fn known(new: &str, old: &str) -> Box<str> {
    if new.is_empty() { old.into() } else { new.into() }
}

// === impl Cause ===

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 5] =
        [Cause::Build, Cause::Rules, Cause::Legacy, Cause::Profile, Cause::Store];

    /// The name used in logs and by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::Build => "build",
            Cause::Rules => "rules",
            Cause::Legacy => "legacy",
            Cause::Profile => "profile",
            Cause::Store => "store",
        }
    }
}

#[cfg(test)]
mod tests;
