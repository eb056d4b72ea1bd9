use proptest::prelude::*;

use super::*;

#[test]
fn no_observation_is_no_evidence() {
    assert_eq!(evidence(0, 0), 0.0);
}

/// 2^(n+1) · P[Bin(n+1, ½) ≤ b] / ((n+1) · C(n, b)) in whole numbers.
#[test]
fn agrees_with_the_exact_fraction() {
    for b in 0..=40u32 {
        for c in 0..=40u32 {
            let n = b + c;
            let sum: u128 = (0..=b).map(|k| choose(n + 1, k)).sum();
            let exact = sum as f64 / (f64::from(n + 1) * choose(n, b) as f64);
            let computed = evidence(b.into(), c.into());
            assert!((computed - exact.ln()).abs() < 1e-12, "b {b} c {c}: {computed}, {exact}");
        }
    }
}

#[test]
fn one_sided_runs_that_suffice() {
    for (paths, threshold_expected, run) in
        [(1, 1_000.0, 13), (10, 1_000.0, 13), (50, 5_000.0, 16), (200, 20_000.0, 18)]
    {
        let threshold = threshold(paths);
        assert!((threshold.exp() - threshold_expected).abs() < 1e-6);
        assert!(evidence(run, 0) >= threshold, "{run} with {paths} paths");
        assert!(evidence(run - 1, 0) < threshold, "{} with {paths} paths", run - 1);
    }
}

#[test]
fn a_run_becomes_a_regression_once() {
    let mut path = PathEvidence::default();
    let at: Vec<u64> =
        (1..=40).filter(|pair| path.count_only_candidate(*pair, threshold(1))).collect();
    assert_eq!(at, [13]);
    assert_eq!(path.regressed_after, Some(13));
    assert_eq!(path.only_candidate, 40);
}

/// The chance that a candidate as noisy as legacy is ever called a regression, looked at after
/// each of 1,620 discordances (10,000 pairs at 10 % noise): exact, by the ways that lead there.
#[test]
fn a_healthy_path_is_flagged_less_often_than_promised() {
    for paths in [1, 20, 200] {
        let threshold = threshold(paths);
        // Share of the ways to b of n that never reached the threshold; M grows with b.
        let (mut ways, mut flagged, mut reached_at) = (vec![1.0], 0.0, 1);
        for n in 1..=1_620u64 {
            let mut next = vec![0.0; ways.len() + 1];
            for (b, share) in ways.iter().enumerate() {
                next[b] += 0.5 * share;
                next[b + 1] += 0.5 * share;
            }
            while reached_at <= n && evidence(reached_at, n - reached_at) < threshold {
                reached_at += 1;
            }
            flagged += next.drain((reached_at.min(n + 1)) as usize..).sum::<f64>();
            ways = next;
        }
        let promised = (-threshold).exp();
        assert!(flagged <= promised, "{paths} paths: {flagged}");
        assert!(flagged >= 0.5 * promised, "{paths} paths: {flagged}, far too timid");
    }
}

proptest! {
    /// With θ = ½ the next evidence is on average this one: what Ville's inequality rests on.
    #[test]
    fn is_a_martingale_at_one_half(b in 0u64..100_000, c in 0u64..100_000) {
        let now = evidence(b, c);
        let (candidate, reference) = (evidence(b + 1, c), evidence(b, c + 1));
        let next = 0.5 * ((candidate - now).exp() + (reference - now).exp());
        prop_assert!((next - 1.0).abs() < 1e-9, "{} on average", next);
    }

    /// What lets the test be left out where the candidate is not ahead.
    #[test]
    fn is_at_most_one_unless_the_candidate_is_ahead(b in 0u64..1_000_000, more in 0u64..1_000_000) {
        prop_assert!(evidence(b, b + more) <= 1e-9);
    }

    #[test]
    fn grows_with_the_candidate_and_falls_with_legacy(b in 0u64..10_000, c in 0u64..10_000) {
        prop_assert!(evidence(b + 1, c) > evidence(b, c));
        prop_assert!(evidence(b, c + 1) < evidence(b, c));
    }
}

fn choose(n: u32, k: u32) -> u128 {
    (1..=k).fold(1, |c, i| c * u128::from(n - k + i) / u128::from(i))
}
