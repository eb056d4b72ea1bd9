//! Journeys: what users were promised across requests, and whether they got it.
//!
//! A journey begins with an accepted change and ends when a reader is shown it: *command accepted →
//! device state readable within 2 s*. A request is told to a journey as a [`Sighting`], which
//! names the entity (its *place*) and the state that the answer shows by hashes. [`Journey`]
//! matches them, one open start a place, and gives each start exactly one [`Ended`].
//!
//! A verdict needs proof. Nobody knows when a state became readable, only what those were shown
//! who looked, so:
//!
//! | result | proof |
//! |---|---|
//! | good | an answer within `within` showed it |
//! | late | no good, and it was shown later: to somebody who had asked in time, or after somebody who asked later had not been shown it |
//! | lost | somebody who asked after `within` was not shown it, and nobody was until `lost_after`, or until it was overwritten |
//! | unseen | none of these: nobody looked when it counted |
//!
//! *Unseen* is no part of the indicator: counted good it would hide a broken read side behind idle
//! users, counted bad it would page at night. It is told beside the others, so that everybody
//! sees how much the indicator rests on.
//!
//! Refused: telling the order of states by their tags (they are opaque, RFC 9110 §8.8.3). So
//! every route that changes a state must be among the journey's starts: a change that passes by
//! them looks like a loss. Moments are those of one monotonic clock, as time since any fixed one.

mod spec;
mod table;

use std::time::Duration;

use smallvec::SmallVec;

pub use self::{
    spec::{BadSource, JourneySpec, Role, Source, hash, tag},
    table::{Full, Journey, OPEN_MAX},
};
use crate::phase::Side;

/// One request of a route that takes part, once its answer has begun. Small, and without a value
/// of anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Hash of what names the entity; see [`hash`].
    pub place: u64,
    /// When its head came.
    pub asked: Duration,
    /// When its answer's head left; not before `asked`.
    pub answered: Duration,
    /// What it was.
    pub what: What,
}

/// What a request tells of an entity's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A change was accepted.
    Started {
        /// Hash of the state's name.
        state: u64,
        /// The side that the decision chose.
        side: Side,
    },
    /// There may have been a change that cannot be followed: its answer names no state, or failed,
    /// or a tester chose the side.
    Touched,
    /// Somebody looked.
    Read {
        /// Hash of the state's name; `None`: what was shown is certainly another, or nothing.
        shows: Option<u64>,
    },
}

/// A start that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What became of it.
    pub result: JourneyResult,
    /// The side that accepted it.
    pub side: Side,
    /// When it was accepted.
    pub accepted: Duration,
    /// From there until it was first shown, an upper bound: it may have been readable before.
    /// `Some` for good and late ones.
    pub took: Option<Duration>,
}

/// What became of a start. Closed, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JourneyResult {
    /// Shown in time.
    Good,
    /// Shown, but not in time.
    Late,
    /// Looked for, and not shown.
    Lost,
    /// Nobody looked when it counted.
    Unseen,
}

/// What one sighting ends: at most the start that was open at its place, and itself.
pub type Endings = SmallVec<[Ended; 2]>;

// === impl JourneyResult ===

impl JourneyResult {
    /// Every result.
    pub const ALL: [JourneyResult; 4] =
        [JourneyResult::Good, JourneyResult::Late, JourneyResult::Lost, JourneyResult::Unseen];

    /// The name used in metrics and by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            JourneyResult::Good => "good",
            JourneyResult::Late => "late",
            JourneyResult::Lost => "lost",
            JourneyResult::Unseen => "unseen",
        }
    }
}

#[cfg(test)]
mod tests;
