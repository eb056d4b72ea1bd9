use proptest::prelude::*;

use super::*;

#[test]
fn none_before_the_first() {
    assert_eq!(PairedLatency::default().percentiles(), None);
}

#[test]
fn percentiles_by_rank() {
    let mut latency = PairedLatency::default();
    (-49..=50).for_each(|micros| latency.record(micros.clamp(-31, 31)));
    let expected = LatencyPercentiles { count: 100, p50_micros: 0, p95_micros: 31, p99_micros: 31 };
    assert_eq!(latency.percentiles(), Some(expected));
}

#[test]
fn one_slow_answer_of_a_hundred_is_seen_above_p99_only() {
    let mut latency = PairedLatency::default();
    (0..99).for_each(|_| latency.record(-5));
    latency.record(2_000_000);
    let percentiles = latency.percentiles().unwrap();
    assert_eq!((percentiles.p95_micros, percentiles.p99_micros), (-5, -5));
    latency.record(2_000_000);
    let p99 = latency.percentiles().unwrap().p99_micros;
    assert!((1_968_000..=2_032_000).contains(&p99), "{p99}");
}

#[test]
fn extremes_stay_in_the_last_buckets() {
    let mut latency = PairedLatency::default();
    for micros in [i64::MIN, i64::MAX, MICROS_MAX as i64, 0] {
        latency.record(micros);
    }
    assert_eq!(latency.buckets.into_iter().collect::<Vec<_>>(), [(-895, 1), (0, 1), (895, 2)]);
}

#[test]
fn a_foreign_bucket_does_no_harm() {
    let mut latency = PairedLatency::default();
    latency.buckets.extend([(i16::MIN, 1), (i16::MAX, 1)]);
    assert!(latency.percentiles().is_some());
}

proptest! {
    #[test]
    fn middles_are_within_their_precision(micros in -(MICROS_MAX as i64)..=MICROS_MAX as i64) {
        let error = (middle(bucket(micros)) - micros).unsigned_abs();
        prop_assert!(error * 62 <= micros.unsigned_abs(), "{} off", error);
        prop_assert_eq!(bucket(middle(bucket(micros))), bucket(micros));
    }

    #[test]
    fn buckets_keep_the_order(a in any::<i32>(), b in any::<i32>()) {
        prop_assert!(a > b || bucket(a.into()) <= bucket(b.into()));
    }
}
