use super::*;
use crate::binomial::ln_exactly;

/// The table of the specification: comparisons needed with no mismatch and with one.
#[test]
fn comparisons_needed() {
    for (target, without, with_one) in
        [(0.99, 299, 473), (0.995, 598, 947), (0.999, 2_995, 4_742), (0.9999, 29_956, 47_437)]
    {
        assert_eq!(needed(0, target), Some(without), "{target}");
        assert_eq!(needed(1, target), Some(with_one), "{target}");
        for (mismatches, n) in [(0, without), (1, with_one)] {
            assert!(lower_bound(n - mismatches, mismatches) >= target, "{target} at {n}");
            assert!(lower_bound(n - mismatches - 1, mismatches) < target, "{target} below {n}");
        }
    }
}

/// Beta quantiles, computed apart from exact fractions.
#[test]
fn known_bounds() {
    for (matches, mismatches, bound) in [
        (10, 0, 0.741_134_449_106_947_7),
        (9, 1, 0.605_836_697_563_495_2),
        (1, 1, 0.025_320_565_519_103_61),
        (95, 5, 0.897_746_622_356_725_5),
        (999_999, 1, 0.999_995_256_144_361_8),
    ] {
        let computed = lower_bound(matches, mismatches);
        assert!((computed - bound).abs() < 1e-12, "{matches}, {mismatches}: {computed}");
    }
}

#[test]
fn nothing_proves_nothing() {
    assert_eq!(lower_bound(0, 0), 0.0);
    assert_eq!(lower_bound(0, 7), 0.0);
    assert_eq!(upper_bound(0, 0), 1.0);
    assert_eq!(upper_bound(7, 0), 1.0);
}

#[test]
fn stays_exact_for_large_counts() {
    // Without mismatches the bound is 0.05^(1/n).
    let n = 1_000_000_000;
    let expected = (0.05f64.ln() / n as f64).exp_m1();
    assert!((lower_bound(n, 0) - 1.0 - expected).abs() < 1e-15);
    // With many, it comes near to the normal approximation.
    let (matches, mismatches) = (999_000_000, 1_000_000);
    let sd = (0.001f64 * 0.999 / 1e9).sqrt();
    let normal = 0.999 - 1.644_853_6 * sd;
    assert!((lower_bound(matches, mismatches) - normal).abs() < 0.01 * sd);
}

/// For every true parity, the chance of a bound above it, summed exactly over all outcomes.
#[test]
fn is_above_the_truth_with_at_most_five_percent() {
    for n in [1u64, 2, 10, 59, 299, 1_000] {
        let bounds: Vec<f64> = (0..=n).map(|matches| lower_bound(matches, n - matches)).collect();
        for truth in [0.5, 0.9, 0.95, 0.99, 0.995, 0.999] {
            let wrong: f64 = (0..=n)
                .filter(|matches| bounds[*matches as usize] > truth)
                .map(|matches| ln_exactly(matches, n, truth, 1.0 - truth).exp())
                .sum();
            assert!(wrong <= BOUND_ERROR + 1e-9, "n {n} truth {truth}: {wrong}");
        }
    }
}

#[test]
fn upper_mirrors_lower() {
    for (matches, mismatches) in [(3, 4), (0, 9), (100, 1), (12_345, 678)] {
        let mirrored = 1.0 - lower_bound(mismatches, matches);
        assert!((upper_bound(matches, mismatches) - mirrored).abs() < 1e-12);
    }
}

#[test]
fn outlooks() {
    let ahead = |comparisons, seconds| Outlook::Ahead { comparisons, seconds };
    for (matches, mismatches, target, per_second, expected) in [
        (0, 0, 0.995, 0.0, ahead(598, None)),
        (0, 0, 0.995, 2.0, ahead(598, Some(299.0))),
        (597, 0, 0.995, 0.5, ahead(1, Some(2.0))),
        (598, 0, 0.995, 0.5, Outlook::Reached),
        (597, 1, 0.995, 0.0, ahead(947 - 598, None)),
        (946, 1, 0.995, 0.0, Outlook::Reached),
        // One of ten may still be chance, ten of a hundred cannot.
        (9, 1, 0.99, 0.0, ahead(463, None)),
        (90, 10, 0.99, 0.0, Outlook::Below),
        (1_000_000, 0, 1.0, 1.0, Outlook::Below),
    ] {
        let outlook = outlook(matches, mismatches, target, per_second);
        assert_eq!(outlook, expected, "{matches} {mismatches} {target}");
    }
}

#[test]
fn any_count_suffices_for_no_target() {
    assert_eq!(needed(0, 0.0), Some(1));
    assert_eq!(needed(0, 1.0), None);
}
