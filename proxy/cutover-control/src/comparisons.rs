//! What control asks of whoever compares sides. Implemented by wiring, since control cannot see
//! who that is: what passes here are the domain's types, and plain data.

use std::collections::BTreeMap;

use cutover_domain::{
    compare::{Kind, Path, Rule},
    exchange::{Dropped, TraceIds},
    parity::{Counters, Parity},
};

/// What is known of how candidates answer.
pub trait Comparisons: Send + Sync + 'static {
    /// The counters of a route's parity; `None`: no copies were ever taken for it. Cheap: every
    /// `status` asks for every route.
    fn counters(&self, route: &str) -> Option<Counters>;

    /// All that is known of a route; `None`: no copies were ever taken for it.
    fn seen(&self, route: &str) -> Option<Seen>;
}

/// All that is known of one route.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What became of its copies since the process started.
    pub accounting: Accounting,
    /// How its candidate answers.
    pub parity: Parity,
    /// Its mismatches, in any order.
    pub clusters: Vec<Cluster>,
    /// Rules that evidence speaks for, at most one a path.
    pub suggestions: Vec<Suggestion>,
}

/// What became of the requests of one route that were to be copied, since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// They were to be copied.
    pub eligible: u64,
    /// Compared: the candidate answered as legacy.
    pub matches: u64,
    /// Compared: it did not.
    pub mismatches: u64,
    /// Compared: it did not, and nor does legacy.
    pub noisy: u64,
    /// Compared in vain.
    pub incomparable: u64,
    /// Not compared, by reason.
    pub dropped: BTreeMap<Dropped, u64>,
}

/// Mismatches that look alike.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Where.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// How the values look: `integer→text`.
    pub values: Box<str>,
    /// Mismatches.
    pub count: u64,
    /// Samples that are kept, oldest first.
    pub samples: Vec<SampleName>,
}

/// A sample by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleName {
    /// Names it within its route.
    pub id: String,
    /// When the live request came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The live request's trace.
    pub live_trace: TraceIds,
    /// The copy's trace.
    pub copy_trace: TraceIds,
    /// The request's shape.
    pub shape: String,
}

/// A rule that evidence speaks for.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The rule.
    pub rule: Rule,
    /// What speaks for it, for whoever decides.
    pub why: String,
}

// === impl Accounting ===

impl Accounting {
    /// Requests that were compared, in vain or not.
    pub fn compared(&self) -> u64 {
        self.matches + self.mismatches + self.noisy + self.incomparable
    }

    /// Requests under way: neither compared nor dropped yet.
    pub fn open(&self) -> u64 {
        self.eligible.saturating_sub(self.compared() + self.dropped.values().sum::<u64>())
    }
}
