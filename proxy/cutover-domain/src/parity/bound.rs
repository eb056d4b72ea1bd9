//! How sure parity is: its exact lower bound, and what is still needed to reach a target.
//!
//! Clopper and Pearson, *The Use of Confidence or Fiducial Limits Illustrated in the Case of the
//! Binomial* (Biometrika 26, 1934), one-sided. Exact for any count, where a normal approximation
//! is wrong just at the few mismatches that matter here.

use crate::binomial::ln_at_most;

/// Probability that the bound lies above the true parity, at most.
pub const BOUND_ERROR: f64 = 0.05;

/// Where parity stands on its way to a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// The bound is at the target or above.
    Reached,
    /// So far neither reached nor ruled out.
    Ahead {
        /// Comparisons still needed if none of them is a mismatch, at least 1.
        comparisons: u64,
        /// How long they take at today's rate; `None`: there were none today.
        seconds: Option<f64>,
    },
    /// With 95 % confidence parity is below the target: waiting does not help.
    Below,
}

/// The one-sided 95 % lower bound of parity, `0..=1`; 0 without a match.
///
/// The share of matches that would give this many matches or more with probability 5 %.
pub fn lower_bound(matches: u64, mismatches: u64) -> f64 {
    if matches == 0 { 0.0 } else { 1.0 - mismatch_share_max(matches, mismatches) }
}

/// The one-sided 95 % upper bound of parity, `0..=1`; 1 without a mismatch.
pub fn upper_bound(matches: u64, mismatches: u64) -> f64 {
    if mismatches == 0 { 1.0 } else { mismatch_share_max(mismatches, matches) }
}

/// How many comparisons (matches and mismatches together) bring the lower bound to `target`,
/// with `mismatches` among them. `None`: none do, as `target` is 1 or above.
pub fn needed(mismatches: u64, target: f64) -> Option<u64> {
    if target >= 1.0 {
        return None;
    }
    let (p, q) = (1.0 - target, target);
    let suffices = |n: u64| p >= 1.0 || ln_at_most(mismatches, n, p, q) <= BOUND_ERROR.ln();
    let mut high = mismatches + 1;
    while !suffices(high) {
        high = high.checked_mul(2)?;
    }
    let mut low = mismatches;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if suffices(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The outlook of these counts for `target`, at `per_second` comparisons a second.
pub fn outlook(matches: u64, mismatches: u64, target: f64, per_second: f64) -> Outlook {
    if upper_bound(matches, mismatches) < target {
        return Outlook::Below;
    }
    match needed(mismatches, target).map(|n| n.saturating_sub(matches + mismatches)) {
        Some(0) => Outlook::Reached,
        Some(comparisons) => {
            let seconds = (per_second > 0.0).then(|| comparisons as f64 / per_second);
            Outlook::Ahead { comparisons, seconds }
        }
        None => Outlook::Below,
    }
}

/// The share of mismatches that gives this few or fewer with probability 5 %.
fn mismatch_share_max(matches: u64, mismatches: u64) -> f64 {
    let n = matches + mismatches;
    if mismatches == 0 {
        return -(BOUND_ERROR.ln() / n as f64).exp_m1();
    }
    let (mut low, mut high) = (mismatches as f64 / n as f64, 1.0);
    // Bisection to the last bits, relative to a share that may be 1e-9.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if ln_at_most(mismatches, n, middle, 1.0 - middle) > BOUND_ERROR.ln() {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests;
