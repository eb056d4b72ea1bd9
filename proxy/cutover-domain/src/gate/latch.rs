//! When a latch may be opened again.

use crate::Held;

/// For how long automatic rollbacks are remembered, in ms.
pub const REMEMBERED_MS: u64 = 24 * 60 * 60_000;
/// From so many within that time on, two persons must agree.
const ROLLBACKS_MAX: usize = 2;

/// A latch with its history, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latch {
    /// The latch.
    pub held: Held,
    /// Who set it.
    pub by: LatchedBy,
    /// When, in ms since the Unix epoch.
    pub since_ms: u64,
    /// When the route was rolled back by itself, this time included, in ms since the Unix epoch.
    pub rollbacks_ms: Vec<u64>,
    /// Who has asked for its release since.
    pub asked: Vec<String>,
}

/// Who set a latch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatchedBy {
    /// A person, or the off switch: who released may do so at any time.
    Person,
    /// Gates.
    Gates,
}

/// What comes of asking for a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The latch is taken away.
    Opens,
    /// Not before this moment, in ms since the Unix epoch.
    NotBefore(u64),
    /// A second person must ask, too: it rolled back by itself twice within 24 hours.
    NeedsSecond,
    /// The candidate's build is the one that failed, or either is unknown.
    SameBuild,
}

// === impl Latch ===

impl Latch {
    /// `actor` asks for a release at `now_ms`.
    pub fn ask(&self, actor: &str, now_ms: u64, cool_down_ms: u64) -> Opening {
        if let Some(early) = self.early(now_ms, cool_down_ms) {
            return early;
        }
        let is_second = self.asked.iter().any(|earlier| earlier != actor);
        if self.needs_second(now_ms) && !is_second {
            return Opening::NeedsSecond;
        }
        Opening::Opens
    }

    /// The candidate's build is `build` at `now_ms`. A person's latch opens by a person only.
    pub fn meet(&self, build: Option<&str>, now_ms: u64, cool_down_ms: u64) -> Opening {
        let is_other = match (self.held.build.as_deref(), build) {
            (Some(failed), Some(build)) => failed != build,
            _ => false,
        };
        if self.by == LatchedBy::Person || !is_other {
            return Opening::SameBuild;
        }
        if let Some(early) = self.early(now_ms, cool_down_ms) {
            return early;
        }
        if self.needs_second(now_ms) { Opening::NeedsSecond } else { Opening::Opens }
    }

    fn early(&self, now_ms: u64, cool_down_ms: u64) -> Option<Opening> {
        let from_ms = self.since_ms.saturating_add(cool_down_ms);
        (self.by == LatchedBy::Gates && now_ms < from_ms).then_some(Opening::NotBefore(from_ms))
    }

    fn needs_second(&self, now_ms: u64) -> bool {
        let recent = |at: &&u64| now_ms.saturating_sub(**at) < REMEMBERED_MS;
        self.by == LatchedBy::Gates
            && self.rollbacks_ms.iter().filter(recent).count() >= ROLLBACKS_MAX
    }
}

#[cfg(test)]
mod tests;
