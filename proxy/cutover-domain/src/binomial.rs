//! Binomial probabilities in logs, exact to about 1e-13 for counts up to 10^12.
//!
//! Catherine Loader, *Fast and Accurate Computation of Binomial Probabilities* (2000), as R's
//! `dbinom` computes them: deviances instead of differences of large logarithms, which would
//! cancel. Tails are summed term by term from their largest term, whose ratios are exact, so
//! there is no continued fraction that has to converge.

use std::f64::consts::TAU;

/// ln P[Bin(`trials`, `p`) ≤ `k`]; `q` is 1 − `p`, given apart because either may be tiny.
pub(crate) fn ln_at_most(k: u64, trials: u64, p: f64, q: f64) -> f64 {
    if k >= trials {
        return 0.0;
    }
    if k as f64 <= trials as f64 * p {
        return ln_lower_tail(k, trials, p, q);
    }
    // Above the mean the other tail is the small one.
    (-ln_lower_tail(trials - k - 1, trials, q, p).exp()).ln_1p()
}

/// ln P[Bin(`trials`, `p`) = `k`], `k` ≤ `trials`.
pub(crate) fn ln_exactly(k: u64, trials: u64, p: f64, q: f64) -> f64 {
    let (hits, misses, n) = (k as f64, (trials - k) as f64, trials as f64);
    if k == 0 {
        return n * if p < 0.5 { (-p).ln_1p() } else { q.ln() };
    }
    if k == trials {
        return n * if q < 0.5 { (-q).ln_1p() } else { p.ln() };
    }
    let correction = stirling_error(trials) - stirling_error(k) - stirling_error(trials - k);
    let spread = TAU.ln() + hits.ln() + (misses / n).ln();
    correction - deviance(hits, n * p) - deviance(misses, n * q) - 0.5 * spread
}

/// `ln_at_most` for `k` not above the mean, where terms shrink from `k` downwards.
fn ln_lower_tail(k: u64, trials: u64, p: f64, q: f64) -> f64 {
    let odds_against = q / p;
    let (mut sum, mut term) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (trials - i + 1) as f64 * odds_against;
        sum += term;
        if term < sum * f64::EPSILON / 16.0 {
            break;
        }
    }
    ln_exactly(k, trials, p, q) + sum.ln()
}

/// ln n! − ln(√(2πn) (n/e)ⁿ), `n` ≥ 1.
fn stirling_error(n: u64) -> f64 {
    let x = n as f64;
    if n <= 15 {
        // 15! is below 2^53, hence exact.
        let factorial: f64 = (1..=n).map(|i| i as f64).product();
        return factorial.ln() - (0.5 * (TAU * x).ln() + x * x.ln() - x);
    }
    let square = x * x;
    let series = 1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - series / square) / square) / x
}

/// x ln(x/mean) + mean − x, without cancellation where `x` is near `mean`; both above 0.
fn deviance(x: f64, mean: f64) -> f64 {
    let distance = x - mean;
    if distance.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - distance;
    }
    let v = distance / (x + mean);
    let (mut sum, mut power) = (distance * v, 2.0 * x * v);
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests;
