//! The test for a regression: evidence that may be looked at after every request.
//!
//! Over requests with a second legacy answer, *b* counts those in which only the candidate
//! differed from legacy's first answer, *c* those in which only legacy's second did. A candidate
//! no noisier than legacy makes b at most Bin(b + c, ½). The evidence is the likelihood ratio of
//! "the share θ of b is anywhere in ½..1, each as likely" against ½:
//!
//! M(b, c) = ∫ from ½ to 1 of 2 (2θ)ᵇ (2(1−θ))ᶜ dθ
//!         = 2^(n+1) · P[Bin(n+1, ½) ≤ b] / ((n+1) · C(n, b)), n = b + c
//!
//! It is a non-negative supermartingale that starts at 1, so by Ville's inequality (Jean Ville,
//! 1939; Ramdas et al., *Game-theoretic statistics and safe anytime-valid inference*, 2023) it
//! ever reaches 1/α with probability at most α, however often it is looked at. A fixed-sample
//! test looked at after each request has no such bound.

use std::f64::consts::LN_2;

use crate::binomial::{ln_at_most, ln_exactly};

/// Evidence at which a path is a regression, however few paths the route has.
pub const EVIDENCE_MIN: f64 = 1000.0;
/// Evidence for each path of the route: 1 % false regressions over all of them together.
pub const EVIDENCE_PER_PATH: f64 = 100.0;

/// What was counted at one path over requests with a second legacy answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathEvidence {
    /// b: only the candidate differed.
    pub only_candidate: u64,
    /// c: only legacy's second answer differed.
    pub only_reference: u64,
    /// Candidate and second legacy answer both differed: evidence of nothing.
    pub both: u64,
    /// Candidate differed where there was no second legacy answer: not part of the test.
    pub unpaired: u64,
    /// `Some`: the path became a regression after so many pairs of the route. Stays until the
    /// next reset, as "was ever above the threshold" is what the bound speaks of.
    pub regressed_after: Option<u64>,
}

/// ln M(b, c): 0 without observations, above `threshold` a regression.
pub fn evidence(only_candidate: u64, only_reference: u64) -> f64 {
    let n = only_candidate + only_reference;
    LN_2 + ln_at_most(only_candidate, n + 1, 0.5, 0.5)
        - ((n + 1) as f64).ln()
        - ln_exactly(only_candidate, n, 0.5, 0.5)
}

/// ln of the evidence that makes a path a regression, with `paths` paths seen on the route:
/// max(1000, 100 · `paths`).
pub fn threshold(paths: usize) -> f64 {
    EVIDENCE_MIN.max(EVIDENCE_PER_PATH * paths as f64).ln()
}

// === impl PathEvidence ===

impl PathEvidence {
    /// ln M of what was counted.
    pub fn ln_evidence(&self) -> f64 {
        evidence(self.only_candidate, self.only_reference)
    }

    /// Counts a pair in which only the candidate differed; true if this made it a regression.
    pub(crate) fn count_only_candidate(&mut self, pairs: u64, threshold: f64) -> bool {
        self.only_candidate += 1;
        // With b ≤ c the integrand is at most 1, so M is; and only a larger b raises M.
        let may = self.regressed_after.is_none() && self.only_candidate > self.only_reference;
        let regressed = may && self.ln_evidence() >= threshold;
        if regressed {
            self.regressed_after = Some(pairs);
        }
        regressed
    }
}

#[cfg(test)]
mod tests;
