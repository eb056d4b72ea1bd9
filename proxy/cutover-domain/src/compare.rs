//! Whether a new service answers as legacy does: two answers, path by path.
//!
//! [`compare`] holds the candidate's answer against legacy's, and legacy's second answer to the
//! same request, where there is one, against its first: what differs there too is noise. What
//! differs is named by its [`Path`] and its [`Kind`], once for each request; a caller counts by
//! these two and never needs the values.
//!
//! - Objects are compared by key, lists by index. A list that only gained or lost neighbours
//!   differs in its length, one with the same elements in another order in its order.
//! - Numbers are compared as exact decimals. `null` is not the same as absent.
//! - Both failing with 5xx agree. Otherwise an answer with another status differs in nothing but
//!   its status. Bodies of errors, and headers that describe them, are left out.
//! - Headers of the [`VOLATILE`] list are left out, or only their values are. Several fields of one
//!   name are one list; `vary`, `allow`, `cache-control` and the like are sets; of cookies, the
//!   names and attributes are compared.
//! - [`Rules`] say what else may differ, where, why and until when.
//!
//! Refused here: parsing (a parser makes [`Body`] of bytes), decompression, clocks (the caller
//! gives `now`) and any float.

use self::{rules::InForce, seen::Seen};

mod bijections;
mod canonical;
mod decimal;
mod fields;
mod format;
mod found;
mod kind;
mod moment;
mod normal;
mod path;
mod pattern;
mod rules;
mod seen;
mod stand_ins;
mod treatment;
mod value;
mod volatile;
mod walk;

pub use self::{
    bijections::{Bijections, PAIRS_MAX},
    decimal::{BadDecimal, Decimal},
    format::{BadFormat, Format, Formats},
    kind::{BadKind, Kind, Kinds},
    moment::{day, day_start},
    normal::{BadNormal, Normal},
    path::{KEYS_MAX, Path, is_id},
    pattern::{BadPattern, Pattern},
    rules::{Action, BadRule, GUARDED_SECONDS_DEFAULT, Rule, Rules, Tolerance},
    stand_ins::{Judged, StandIns, compare_stand_ins},
    value::{Map, Value},
    volatile::{VOLATILE, Volatile, VolatilePart},
};

/// One answer, its body parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code, 200 to 599.
    pub status: u16,
    /// Fields in their order, names in lower case; a name may occur more than once.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// As `headers`.
    pub trailers: Vec<(Box<str>, Box<str>)>,
    /// The body, its content coding undone.
    pub body: Body,
}

/// A body, by how it can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// No byte.
    Empty,
    /// JSON.
    Value(Value),
    /// Form, text, XML: compared but for white space.
    Text(String),
    /// Messages of a gRPC stream.
    Frames(Vec<Frame>),
    /// Anything else.
    Opaque {
        /// Bytes.
        length: u64,
        /// A hash of them; both answers use the same.
        hash: u64,
    },
}

/// One message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One that could be read.
    Value(Value),
    /// One that could not.
    Opaque {
        /// Bytes.
        length: u64,
        /// A hash of them.
        hash: u64,
    },
}

/// How much of a body is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most values inside each other; a scalar is 1.
    pub depth: usize,
    /// Most values in one body: scalars, lists and maps.
    pub nodes: usize,
}

/// On what terms answers are compared.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// What may differ.
    pub rules: &'t Rules,
    /// How much is looked at.
    pub limits: &'t Limits,
    /// Seconds since 1970, for the expiry of rules.
    pub now: u64,
}

/// One way in which answers to one request differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// The candidate's answer differs here from legacy's. If not, `reference` is `Some(true)`.
    pub candidate: bool,
    /// Legacy's second answer differs here from its first. `None`: it cannot be said, since there
    /// was no second answer, or one that has nothing at this place to be compared.
    pub reference: Option<bool>,
    /// How the values look, never what they are: `integer→text`. Few different words.
    pub shape: Box<str>,
}

/// Why two answers cannot be compared. The set is closed: it is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Incomparable {
    /// A body passes the [`Limits`], or has too many places to look at.
    #[error("a body is too deep or has too many values")]
    Limit,
    /// An object has a key twice.
    #[error("an object has a key twice")]
    DuplicateKey,
    /// A body is not what its media type says.
    #[error("a body is not what its media type says")]
    Malformed,
    /// A content coding is unknown or broken.
    #[error("a content coding is unknown or broken")]
    Encoding,
    /// A body is longer than what is kept of it.
    #[error("a body is longer than what is kept of it")]
    OverCap,
    /// The client left before legacy's answer was complete.
    #[error("the client left before legacy's answer was complete")]
    ClientGone,
    /// Legacy gave no complete answer.
    #[error("legacy gave no complete answer")]
    LiveFailed,
}

/// What differs between legacy's answer and the candidate's, and between legacy's two answers,
/// sorted by path and kind; each pair of path and kind once. Empty: they match.
///
/// `bijections` learns the pairs of `renamed` rules, also from answers that differ elsewhere.
///
/// After 1,000 paths whose values are not the same, bodies are looked at no further; what was found
/// by then is all that is told.
///
/// # Errors
///
/// [`Incomparable::Limit`] if any of the bodies passes the limits; nothing is learnt then. Also if
/// rules excuse all of those 1,000 paths, and more would have to be looked at.
pub fn compare(
    live: &Answer,
    candidate: &Answer,
    reference: Option<&Answer>,
    terms: &Terms<'_>,
    bijections: &mut Bijections,
) -> Result<Vec<Difference>, Incomparable> {
    check_limits([Some(live), Some(candidate), reference], terms.limits)?;
    let rules = terms.rules.in_force(terms.now);
    differences(live, candidate, reference, &rules, bijections)
}

fn check_limits(answers: [Option<&Answer>; 3], limits: &Limits) -> Result<(), Incomparable> {
    let fits = answers.into_iter().flatten().all(|answer| answer.body.fits(limits));
    if fits { Ok(()) } else { Err(Incomparable::Limit) }
}

fn differences(
    live: &Answer,
    candidate: &Answer,
    reference: Option<&Answer>,
    rules: &InForce<'_>,
    bijections: &mut Bijections,
) -> Result<Vec<Difference>, Incomparable> {
    let mut seen = Seen::of(live, candidate, rules, true);
    seen.settle(bijections);
    let reference = reference.map(|reference| Seen::of(live, reference, rules, false));
    if seen.says_something() { Ok(seen::merged(seen, reference)) } else { Err(Incomparable::Limit) }
}

// === impl Body ===

impl Body {
    fn fits(&self, limits: &Limits) -> bool {
        let mut nodes_left = limits.nodes;
        match self {
            Body::Value(value) => value.fits(limits, &mut nodes_left),
            Body::Frames(frames) => frames.iter().all(|frame| match frame {
                Frame::Value(value) => value.fits(limits, &mut nodes_left),
                Frame::Opaque { .. } => {
                    nodes_left.checked_sub(1).map(|left| nodes_left = left).is_some()
                }
            }),
            _ => true,
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    /// Depth 64, 20,000 nodes.
    fn default() -> Limits {
        Limits { depth: 64, nodes: 20_000 }
    }
}

// === impl Incomparable ===

impl Incomparable {
    /// All of them, in their order.
    pub const ALL: [Incomparable; 7] = [
        Incomparable::Limit,
        Incomparable::DuplicateKey,
        Incomparable::Malformed,
        Incomparable::Encoding,
        Incomparable::OverCap,
        Incomparable::ClientGone,
        Incomparable::LiveFailed,
    ];

    /// Its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Incomparable::Limit => "limit",
            Incomparable::DuplicateKey => "duplicate_key",
            Incomparable::Malformed => "malformed",
            Incomparable::Encoding => "encoding",
            Incomparable::OverCap => "over_cap",
            Incomparable::ClientGone => "client_gone",
            Incomparable::LiveFailed => "live_failed",
        }
    }
}

#[cfg(test)]
mod tests;
