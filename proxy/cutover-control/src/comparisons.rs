//! What control asks of whoever compares sides. Implemented by wiring, since control cannot see
//! who that is: what passes here are the domain's types, rows of the API, and plain data.

use std::collections::BTreeMap;

use bytes::Bytes;
use cutover_domain::{
    compare::{Kind, Path, Rule, Rules},
    exchange::{Dropped, TraceIds},
    parity::{Counters, Parity, Report},
};
use http::{HeaderMap, StatusCode};

use crate::api::{
    ClusterName, DifferenceRow, NotReplayableRow, RejudgedRow, ReplayAnswer, RequestRow,
};

/// What is known of how candidates answer.
pub trait Comparisons: Send + Sync + 'static {
    /// The counters of a route's parity; `None`: no copies were ever taken for it. Cheap: every
    /// `status` asks for every route.
    fn counters(&self, route: &str) -> Option<Counters>;

    /// All that is known of a route; `None`: no copies were ever taken for it.
    fn seen(&self, route: &str) -> Option<Seen>;

    /// What gates ask about a route at `now` in seconds since 1970, with the outlook for a bound of
    /// `target`; `None`: no copies were ever taken for it. Cheap: asked for every route at every
    /// look.
    fn evidence(&self, route: &str, target: f64, now: u64) -> Option<Evidence>;

    /// Every sample of a route, of this path if one is given, newest first, older ones last.
    /// Empty: there is none, or no copies were taken.
    fn samples(&self, route: &str, path: Option<&str>) -> Vec<SampleName>;

    /// One sample, whole; `None`: there is none of this id, or no more.
    fn sample(&self, route: &str, id: &str) -> Option<Sample>;

    /// Judges the stored mismatches of a route by other rules, at `now` in seconds since 1970.
    /// Takes its time; not to be called where others wait.
    fn rejudge(&self, route: &str, rules: &Rules, now: u64) -> Rejudged;

    /// Holds an answer to the request of a sample against legacy's by these rules, and forgets it.
    fn judge_answer(
        &self,
        route: &str,
        sample: &str,
        answer: &Answer,
        rules: &Rules,
        now: u64,
    ) -> Result<ReplayAnswer, NotJudged>;
}

/// What gates know of how a candidate answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Its parity.
    pub report: Report,
    /// Its build, as it names itself; `None`: it does not.
    pub build: Option<String>,
}

/// One mismatch, without a value of anybody's.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it is known by.
    pub name: SampleName,
    /// The clusters that it is kept for.
    pub clusters: Vec<ClusterName>,
    /// The request, or why it cannot be sent again.
    pub request: Result<RequestRow, NotReplayableRow>,
    /// All that is kept of it.
    pub document: serde_json::Value,
}

/// What the mismatches of a route would be by other rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejudged {
    /// Every cluster.
    pub clusters: Vec<RejudgedRow>,
    /// Differences that no cluster is about, each once.
    pub appears: Vec<DifferenceRow>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body, in the content coding that the fields name.
    pub body: Bytes,
    /// Fields after the body.
    pub trailers: HeaderMap,
}

/// Why an answer cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJudged {
    /// There is no such sample, or no more.
    NoSample,
    /// The sample is of a key that is gone, or of another release: nothing can be compared with it.
    Unusable,
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
    /// Mismatches since parity's counters began; 0: none, its samples are older.
    pub count: u64,
    /// Samples that are kept, newest first, older ones last.
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
    /// It was kept before parity's counters began: by other rules, or of another build.
    pub is_older: bool,
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
