//! Which traces are recorded.
//!
//! Two questions, asked at two times. At the start: [`Sampler::head`] gives the
//! sampled flag that travels on. At the end, when it is known how a request
//! went, [`RouteSampling::decide`] says whether this process keeps its spans:
//! those of the head's choice always, others if they meet a rule. What only a
//! rule keeps is bounded by a [`RateCap`]. Upstreams that were told not to
//! record have no spans in such a trace.

mod cap;
mod route;

pub use self::cap::RateCap;
pub use self::route::{Outcome, RouteSampling};
use crate::closed_label;
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

/// Whether the spans of a request are kept, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They are not built at all.
    No,
    /// They are built and exported.
    Yes(Reason),
}

closed_label! {
    /// Why spans are kept: the value of `cutover.sampling.reason`.
    pub enum Reason {
        /// The route was taken back a few minutes ago.
        Rollback => "rollback",
        /// The copy was not answered as the live request was.
        Mismatch => "parity_mismatch",
        /// The live request's spans are kept, and name the copy's.
        Live => "live",
        /// The side that got the copy gave no answer.
        CandidateFailed => "candidate_failed",
        /// The answer was a 5xx, broke off, or there was none.
        Error => "error",
        /// A deadline of ours passed.
        Timeout => "timeout",
        /// The other side had to answer.
        Fallback => "fallback",
        /// It took longer than the route's objective allows.
        Slow => "slow",
        /// A trusted caller asked for it.
        Asked => "asked",
        /// An upstream records it.
        Upstream => "upstream",
        /// Nothing had been kept of this side of the route for a while.
        Floor => "floor",
        /// The trusted caller records the trace.
        Parent => "parent",
        /// The ratio chose this root.
        Ratio => "ratio",
    }
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

#[cfg(test)]
mod tests;
