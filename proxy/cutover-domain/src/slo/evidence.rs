//! How sure it is that more is bad than the budget allows: evidence for every look.
//!
//! With b bad and g good requests and the budget p₀, the evidence is the likelihood of "the share
//! of bad ones is anywhere in p₀..1, each as likely" over that of p₀:
//!
//! E = ∫ from p₀ to 1 of θᵇ(1−θ)ᵍ dθ / ((1−p₀) p₀ᵇ (1−p₀)ᵍ)
//!   = P[Bin(n+1, p₀) ≤ b] / ((1−p₀) (n+1) P[Bin(n, p₀) = b]), n = b + g
//!
//! since the integral is B(b+1, g+1) times the regularised incomplete beta function, and that is a
//! tail of a binomial. Herbert Robbins, *Statistical methods related to the law of the iterated
//! logarithm* (1970), method of mixtures. While the share is p₀ or less, E is a supermartingale
//! that starts at 1, so it ever reaches 1/α with probability at most α (Ville), however often it
//! is looked at. A fixed-sample test looked at every second has no such bound.

use crate::binomial::{ln_at_most, ln_exactly};

/// Evidence that is enough: at most one in a thousand that stay within their budget ever has it.
pub const EVIDENCE_MIN: f64 = 1000.0;

/// ln E of `bad` and `good` requests for more than a share of `budget` (above 0, below 1) being
/// bad. 0 without a request.
pub fn ln_evidence(bad: u64, good: u64, budget: f64) -> f64 {
    let (n, rest) = (bad + good, 1.0 - budget);
    ln_at_most(bad, n + 1, budget, rest)
        - (-budget).ln_1p()
        - ((n + 1) as f64).ln()
        - ln_exactly(bad, n, budget, rest)
}

#[cfg(test)]
mod tests;
