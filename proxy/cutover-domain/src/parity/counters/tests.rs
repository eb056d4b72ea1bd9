use super::*;

#[test]
fn every_request_is_in_one_sum() {
    let mut counters = Counters::default();
    assert_eq!((counters.parity(), counters.inconclusive()), (None, None));
    let verdicts = [
        (Verdict::Match, 90),
        (Verdict::Mismatch, 2),
        (Verdict::Noisy, 5),
        (Verdict::Incomparable(Incomparable::Malformed), 3),
    ];
    for (verdict, times) in verdicts {
        (0..times).for_each(|_| counters.count(verdict));
    }
    counters.dropped.insert(Dropped::QueueFull, 10);
    assert_eq!((counters.compared(), counters.eligible()), (100, 110));
    assert_eq!((counters.judged(), counters.parity()), (92, Some(90.0 / 92.0)));
}

#[test]
fn inconclusive_above_five_percent_of_eligible() {
    let of = |matches, malformed, dropped, reason| {
        let mut counters = Counters { matches, ..Counters::default() };
        counters.incomparable.insert(Incomparable::Malformed, malformed);
        counters.dropped.insert(reason, dropped);
        counters.inconclusive().map(|found| (found.unjudged, found.eligible))
    };
    assert_eq!(of(95, 5, 0, Dropped::Breaker), None);
    assert_eq!(of(94, 6, 0, Dropped::Breaker), Some((6, 100)));
    assert_eq!(of(94, 0, 6, Dropped::Breaker), Some((6, 100)));
    assert_eq!(of(94, 3, 3, Dropped::Breaker), Some((6, 100)));
    // Shed for reasons of ours alone: fewer comparisons, not worse ones.
    assert_eq!(of(10, 0, 90, Dropped::QueueFull), None);
    assert_eq!(of(0, 1, 0, Dropped::Breaker), Some((1, 1)));
}

#[test]
fn pace_of_the_last_day() {
    let mut pace = Pace::default();
    assert_eq!(pace.per_second(1_000), 0.0);
    (0..100).for_each(|i| pace.count(1_000 + i));
    assert_eq!(pace.per_second(1_000), 0.0, "no time has passed");
    assert_eq!(pace.per_second(1_200), 0.5);
    let day = 24 * 3600;
    assert_eq!(pace.per_second(10 * day), 0.0, "nothing in the last day");
    (0..48).for_each(|hour| pace.count(10 * day + hour * 3600));
    assert_eq!(pace.hours.len(), 24);
    // 24 in the hours since 11 days, of which the last has just begun.
    assert_eq!(pace.per_second(10 * day + 47 * 3600), 24.0 / (23.0 * 3600.0));
    pace.count(0);
    assert_eq!(pace.hours.back().map(|(_, count)| *count), Some(2), "a clock set back");
}
