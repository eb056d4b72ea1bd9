//! Which traces are recorded.
//!
//! Two questions, asked at two times. At the start: [`Sampler::head`] gives the
//! sampled flag that travels on. At the end: [`Sampler::decide`] sees the
//! [`Outcome`] too and says whether this process keeps its spans. Today the
//! second follows the first; rules that keep errors or slow requests belong
//! there and change nothing else. What is kept by a rule and not by the ratio
//! is bounded by a [`RateCap`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::context::{Flags, TraceId};

/// The share of root traces kept when nothing else is configured.
pub const RATIO_DEFAULT: f64 = 0.05;

/// Follows the parent; decides roots by a ratio over the trace id.
///
/// Every node and every restart decides the same for one trace id. The rule is
/// that of OpenTelemetry's consistent probability sampling (randomness ≥
/// threshold over the low 56 bits), so a collector with the same ratio agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    threshold: u64,
}

/// How a request ended, as far as keeping its spans is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The answer was 5xx or there was none.
    pub error: bool,
    /// A deadline of ours passed.
    pub timeout: bool,
    /// The other side had to answer.
    pub fallback: bool,
    /// From the first byte of the request to the last of the answer.
    pub duration: Duration,
}

/// Whether the spans of a request are kept, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They are not built at all.
    No,
    /// They are built and exported.
    Yes(Reason),
}

/// Why spans are kept: the value of `cutover.sampling.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The trusted caller records the trace.
    Parent,
    /// The ratio chose this root.
    Ratio,
    /// The copy was not answered as the live request was.
    Mismatch,
    /// The side that got the copy gave no answer.
    CandidateFailed,
}

/// So many a second and no more: keeps what is kept by a rule of its own from
/// flooding the receiver when everything meets the rule.
#[derive(Debug)]
pub struct RateCap {
    per_second: u32,
    since: Instant,
    /// Seconds after `since` in the upper half, how many in that second in the
    /// lower.
    taken: AtomicU64,
}

/// A ratio outside 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a sampling ratio lies between 0 and 1, {0} does not")]
pub struct RatioError(f64);

// === impl Sampler ===

impl Sampler {
    /// Keeps `ratio` of all root traces: 0 none, 1 all.
    ///
    /// # Errors
    /// [`RatioError`] when `ratio` is not within 0..=1.
    pub fn new(ratio: f64) -> Result<Self, RatioError> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(RatioError(ratio));
        }
        let threshold = ((1.0 - ratio) * (1_u64 << 56) as f64).round() as u64;
        Ok(Self { threshold })
    }

    /// The sampled flag of a trace: the trusted parent's if there is one, else
    /// the ratio's.
    #[must_use]
    pub fn head(&self, parent: Option<Flags>, trace_id: TraceId) -> Keep {
        match parent {
            Some(flags) if flags.is_sampled() => Keep::Yes(Reason::Parent),
            Some(_) => Keep::No,
            None if self.takes(trace_id) => Keep::Yes(Reason::Ratio),
            None => Keep::No,
        }
    }

    /// Whether the spans of a request that ended so are kept.
    #[must_use]
    pub fn decide(&self, head: Keep, _outcome: &Outcome) -> Keep {
        head
    }

    /// Whether the ratio chooses this trace id.
    #[must_use]
    pub fn takes(&self, trace_id: TraceId) -> bool {
        trace_id.randomness() >= self.threshold
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::new(RATIO_DEFAULT).expect("the default lies within 0..=1")
    }
}

// === impl Keep ===

impl Keep {
    /// Whether spans are kept.
    #[must_use]
    pub fn is_yes(self) -> bool {
        self != Self::No
    }
}

// === impl Reason ===

impl Reason {
    /// The attribute's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Ratio => "ratio",
            Self::Mismatch => "parity_mismatch",
            Self::CandidateFailed => "candidate_failed",
        }
    }
}

// === impl RateCap ===

impl RateCap {
    /// At most `per_second` in each second, counted from `now`.
    #[must_use]
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, since: now, taken: AtomicU64::new(0) }
    }

    /// Whether there is room for one more at `now`, which is then taken. Never
    /// blocks.
    pub fn admits(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.since).as_secs() << 32;
        let take = |taken: u64| {
            // A thread that is a little behind takes from the newest second.
            let taken = taken.max(second);
            ((taken as u32) < self.per_second).then_some(taken + 1)
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests;
