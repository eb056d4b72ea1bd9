//! How many subjects one side of a route serves, and how many it fails.
//!
//! Gates judge by subjects, since one device that retries makes thousands of failures. Nothing
//! here takes a lock or knows a subject but by its hash; memory is bounded and taken at first use.
//! Workers may race where a period begins: then a subject is missed or counted twice, once.

mod active;
mod failing;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use self::{active::Active, failing::Failing};

/// The subjects of one side of a route.
#[derive(Debug)]
pub(super) struct Subjects {
    begin: Instant,
    active: OnceLock<Box<Active>>,
    failing: Failing,
}

/// What is known of the subjects of one side of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubjectCounts {
    /// Failures since the process started, at most one per subject and minute.
    pub bad_trials: u64,
    /// Subjects that were served within the last 60 to 80 seconds, or since the route last moved:
    /// an estimate, exact within some percent up to a million.
    pub active: u64,
    /// Failures since the side last answered well, or since the route last moved.
    pub failures_in_row: u64,
    /// Different subjects among those failures, counted up to [`SubjectCounts::FAILING_MAX`].
    pub failing: u64,
}

/// How a request ended, for its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// The side answered.
    Good,
    /// The side failed.
    Bad,
    /// It says nothing about the side: the client left before an answer, or we refused.
    Void,
}

// === impl Subjects ===

impl Subjects {
    pub(super) fn new() -> Subjects {
        Subjects { begin: Instant::now(), active: OnceLock::new(), failing: Failing::default() }
    }

    /// Counts a request of `subject` that ended at `end`.
    pub(super) fn note(&self, subject: u64, trial: Trial, end: Instant) {
        let at = end.saturating_duration_since(self.begin);
        self.active.get_or_init(Box::default).note(subject, at);
        match trial {
            Trial::Good => self.failing.end_row(),
            Trial::Bad => self.failing.note(subject, at),
            Trial::Void => {}
        }
    }

    /// The route moved: other subjects are served here from now on.
    pub(super) fn begin_anew(&self) {
        if let Some(active) = self.active.get() {
            active.clear();
        }
        self.failing.end_row();
    }

    pub(super) fn counts(&self) -> SubjectCounts {
        self.counts_at(self.begin.elapsed())
    }

    fn counts_at(&self, at: Duration) -> SubjectCounts {
        SubjectCounts {
            bad_trials: self.failing.trials(),
            active: self.active.get().map_or(0, |active| active.estimate(at)),
            failures_in_row: self.failing.in_row(),
            failing: self.failing.subjects(),
        }
    }
}

// === impl SubjectCounts ===

impl SubjectCounts {
    /// Where counting [`SubjectCounts::failing`] ends.
    pub const FAILING_MAX: u64 = failing::SUBJECTS_MAX as u64;
}

#[cfg(test)]
mod tests;
