use super::*;

#[test]
fn buckets_hold_what_lies_between_their_ends() {
    for bucket in 0..BUCKETS {
        let (start, end) = (bucket.checked_sub(1).map_or(0.0, end_micros), end_micros(bucket));
        assert_eq!(bucket_of(start.ceil() as u64), bucket, "start of {bucket}");
        if end.is_finite() {
            assert_eq!(bucket_of(end.ceil() as u64 - 1), bucket, "end of {bucket}");
            assert!(bucket == 0 || end / start <= 1.0625, "width of {bucket}");
        }
    }
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    assert_eq!(end_micros(0), 256.0);
}

/// Requests of so many ms each.
fn counts(requests: &[(u64, f64)]) -> Counts {
    let mut buckets = vec![0; BUCKETS];
    for (count, millis) in requests {
        buckets[bucket_of((millis * 1000.0) as u64)] += count;
    }
    Counts::between(&[], &buckets).unwrap()
}

fn check(legacy: &[(u64, f64)], new: &[(u64, f64)]) -> String {
    let counts = Some([counts(legacy), counts(new)]);
    answer(counts, false, &Settings::default()).outcome.to_string()
}

#[test]
fn the_limit_is_the_stricter_of_factor_and_distance() {
    let limit = |millis: f64| Settings::default().limit_micros(millis * 1000.0) / 1000.0;
    assert!((limit(10.0) - 12.0).abs() < 1e-9);
    assert!((limit(100.0) - 105.0).abs() < 1e-9);
}

#[test]
fn a_slower_tail_is_found() {
    let legacy = [(9_400, 10.0), (600, 20.0)];
    assert_eq!(check(&legacy, &legacy), "pass");
    assert_eq!(check(&legacy, &[(9_400, 10.0), (600, 21.0)]), "pass");
    let slower = check(&legacy, &[(9_200, 10.0), (800, 31.0)]);
    assert!(slower.starts_with("fail: p95 of new is 3"), "{slower}");
    let tail = check(&legacy, &[(9_400, 10.0), (400, 20.0), (200, 90.0)]);
    assert!(tail.starts_with("fail: p99 of new is "), "{tail}");
}

#[test]
fn what_may_be_chance_is_not_acted_upon() {
    let legacy = [(9_400, 10.0), (600, 20.0)];
    let unproven = check(&legacy, &[(392, 10.0), (8, 31.0)]);
    assert!(unproven.starts_with("inconclusive (unproven)"), "{unproven}");
    let few = check(&legacy, &[(250, 90.0)]);
    assert_eq!(few, "inconclusive (few_requests): 50 more requests");
}

#[test]
fn counters_that_fell_began_anew() {
    let mut before = vec![0; BUCKETS];
    before[3] = 10;
    let mut now = before.clone();
    now[4] = 2;
    assert_eq!(Counts::between(&before, &now).unwrap().total, 2);
    now[3] = 1;
    assert_eq!(Counts::between(&before, &now).unwrap().total, 3);
    assert_eq!(Counts::between(&before, &[1, 2]), None);
}

#[test]
fn percentiles_lie_within_their_buckets() {
    let counts = counts(&[(90, 5.0), (10, 50.0)]);
    for (q, millis) in [(0.5, 5.0), (0.9, 5.0), (0.95, 50.0), (0.99, 50.0)] {
        let found = counts.at(q) / 1000.0;
        assert!((found / millis - 1.0).abs() < 0.0625, "{q}: {found} ms");
    }
    assert_eq!(Counts::between(&[], &vec![0; BUCKETS]).unwrap().at(0.95), 0.0);
}

#[test]
fn without_latencies_it_cannot_say() {
    let outcome = answer(None, false, &Settings::default()).outcome;
    assert!(matches!(outcome, Outcome::Inconclusive { reason: Reason::NoData, .. }));
}
