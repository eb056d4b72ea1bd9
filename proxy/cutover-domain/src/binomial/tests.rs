use super::*;

/// Logs of exact rationals, computed apart with 50 digits: (k, trials, p, q, = k, ≤ k).
const KNOWN: [(u64, u64, f64, f64, f64, f64); 9] = [
    (3, 10, 0.5, 0.5, -2.143_980_062_817_407, -1.760_987_810_561_301),
    (450, 1000, 0.5, 0.5, -8.683_264_037_524_849, -7.052_471_223_325_102),
    (0, 299, 0.01, 0.99, -3.005_050_420_196_931, -3.005_050_420_196_931),
    (1, 473, 0.01, 0.99, -3.189_833_320_348_838_6, -2.999_789_717_460_973_7),
    (60, 100, 0.5, 0.5, -4.524_155_638_860_027, -0.017_756_823_491_597_704),
    (5, 1000, 0.125, 0.875, -113.519_673_751_092_64, -113.484_163_260_294_28),
    (900, 1_000_000, 1.0 / 1024.0, 1023.0 / 1024.0, -7.405_621_866_723_24, -4.976_279_617_816_48),
    (
        1050,
        1_000_000,
        1.0 / 1024.0,
        1023.0 / 1024.0,
        -7.093_989_905_463_262,
        -0.009_598_314_656_901_34,
    ),
    (
        3,
        1_000_000_000,
        1.0 / (1u64 << 30) as f64,
        1.0 - 1.0 / (1u64 << 30) as f64,
        -2.936_530_784_039_091,
        -0.015_177_571_400_392_184,
    ),
];

#[test]
fn known_values() {
    for (k, n, p, q, exactly, at_most) in KNOWN {
        assert_close(ln_exactly(k, n, p, q), exactly, &format!("P[Bin({n}, {p}) = {k}]"));
        assert_close(ln_at_most(k, n, p, q), at_most, &format!("P[Bin({n}, {p}) <= {k}]"));
    }
}

#[test]
fn small_cases_are_exact_fractions() {
    for n in 1..=60u64 {
        let mut at_most = 0.0;
        for k in 0..=n {
            let exactly = choose(n, k) / 2f64.powi(n as i32);
            at_most += exactly;
            let name = format!("n {n} k {k}");
            assert_close(ln_exactly(k, n, 0.5, 0.5), exactly.ln(), &name);
            assert_close(ln_at_most(k, n, 0.5, 0.5).exp(), at_most, &name);
        }
    }
}

#[test]
fn both_tails_sum_to_one() {
    for (n, p) in [(1, 0.3), (17, 0.9), (1_000, 0.001), (100_000, 0.25), (10_000_000, 1e-6)] {
        for k in (0..n).step_by(1 + n as usize / 50) {
            let lower = ln_at_most(k, n, p, 1.0 - p).exp();
            let upper = ln_at_most(n - k - 1, n, 1.0 - p, p).exp();
            assert!((lower + upper - 1.0).abs() < 1e-11, "n {n} p {p} k {k}: {lower} + {upper}");
        }
    }
}

#[test]
fn the_last_outcome_is_certain() {
    assert_eq!(ln_at_most(5, 5, 0.3, 0.7), 0.0);
    assert_eq!(ln_at_most(0, 0, 0.3, 0.7), 0.0);
}

fn choose(n: u64, k: u64) -> f64 {
    (1..=k).fold(1u128, |c, i| c * u128::from(n - k + i) / u128::from(i)) as f64
}

/// Logs of probabilities: an absolute difference is a relative one of the probability.
fn assert_close(computed: f64, expected: f64, name: &str) {
    let error = (computed - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-12, "{name}: {computed} instead of {expected}");
}
