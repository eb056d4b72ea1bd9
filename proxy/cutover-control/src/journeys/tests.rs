use std::time::Duration;

use super::*;

fn spec() -> JourneySpec {
    JourneySpec {
        name: "state".into(),
        starts: vec!["write".into()],
        ends: vec!["read".into()],
        correlate: vec!["path:id".parse().unwrap(), "answer:etag".parse().unwrap()],
        within: Duration::from_secs(2),
        lost_after: Duration::from_secs(30),
        target_percent: 99.0,
    }
}

#[test]
fn what_nobody_saw_is_no_part_of_the_share() {
    let new = JourneySideCounters {
        good: 97,
        late: 2,
        lost: 1,
        unseen: 900,
        open: 4,
        took: vec![90, 9, 0],
    };
    let skipped = [("no_key", 3), ("queue_full", 0)].into();
    let counters = JourneyCounters { new, skipped, ..JourneyCounters::default() };
    let row = journey_row(&spec(), Some(&counters), &[0.1, 0.2]);
    assert_eq!((row.new.kept, row.new.unseen, row.legacy.kept), (Some(0.97), 900, None));
    assert_eq!(row.skipped, [("no_key".to_owned(), 3)].into());
    let p95 = row.new.p95_ms.unwrap();
    assert!((100.0..=200.0).contains(&p95), "{p95}");
    assert_eq!(row.legacy.p50_ms, None);
}

#[test]
fn a_journey_that_has_not_begun_is_told_all_the_same() {
    let row = journey_row(&spec(), None, &[0.1]);
    assert_eq!((row.within_ms, row.lost_ms, row.target), (2_000, 30_000, 0.99));
    assert_eq!(row.correlate, ["path:id", "answer:etag"]);
    assert_eq!(row.new, JourneySideRow::default());
}
