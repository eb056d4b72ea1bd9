use super::*;

/// ln E by numerical integration with 60 digits, apart from the code: (bad, good, budget, ln E).
const KNOWN: [(u64, u64, f64, f64); 15] = [
    (0, 0, 0.001, 0.0),
    (1, 0, 0.001, 6.215_607_598_755_275),
    (10, 0, 0.001, 66.680_658_017_356_58),
    (3, 100, 0.001, 4.096_858_377_327_122),
    (10, 490, 0.001, 16.401_099_403_488_335),
    (0, 5_000, 0.001, -8.517_393_171_418_904),
    (5, 4_995, 0.001, -7.261_447_940_681_039),
    (60, 9_940, 0.001, 51.385_953_391_248_89),
    (1_000, 999_000, 0.001, -10.118_604_939_294_74),
    (1_300, 998_700, 0.001, 31.807_494_289_578_16),
    (20, 300, 0.05, -2.980_110_178_133_930_5),
    (80, 920, 0.05, 4.290_868_213_427_929),
    (2, 8, 0.3, -1.748_919_310_551_562_8),
    (700, 300, 0.5, 79.660_076_696_815_27),
    (50_000, 950_000, 0.05, -8.151_988_592_291_714),
];

#[test]
fn the_evidence_is_that_of_the_integral() {
    for (bad, good, budget, expected) in KNOWN {
        let found = ln_evidence(bad, good, budget);
        let close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(close, "{bad} bad, {good} good, budget {budget}: {found}, not {expected}");
    }
}

#[test]
fn evidence_rises_with_bad_requests_and_falls_with_good_ones() {
    for bad in 1..50 {
        assert!(ln_evidence(bad, 1_000, 0.001) > ln_evidence(bad - 1, 1_000, 0.001), "{bad} bad");
        assert!(ln_evidence(bad, 1_000, 0.001) > ln_evidence(bad, 1_001, 0.001), "{bad} bad");
    }
}

/// Whatever the share within the budget, one more request does not raise the evidence on average.
#[test]
fn evidence_is_a_supermartingale_within_the_budget() {
    for (bad, good) in [(0, 0), (3, 40), (1, 1_000), (30, 9_970)] {
        for (budget, share) in [(0.001, 0.001), (0.001, 0.0002), (0.05, 0.05), (0.05, 0.01)] {
            let e = |bad, good| ln_evidence(bad, good, budget).exp();
            let mean = share * e(bad + 1, good) + (1.0 - share) * e(bad, good + 1);
            let now = e(bad, good);
            assert!(mean <= now * (1.0 + 1e-9), "{bad} bad, {good} good: {now} becomes {mean}");
        }
    }
}
