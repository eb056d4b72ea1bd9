use std::collections::BTreeSet;

use super::*;

/// Subjects admitted when each of `subjects` asks once, evenly over a second, for `seconds`.
fn admitted(rate: &Rate, subjects: u64, seconds: u64, max: u32) -> Vec<BTreeSet<u64>> {
    let start = Instant::now();
    let at = |second: u64, subject: u64| {
        start + Duration::from_secs(second) + Duration::from_nanos(999_999_999 / subjects * subject)
    };
    let in_second = |second| {
        (0..subjects).filter(|subject| rate.admits(at(second, *subject), *subject, max)).collect()
    };
    (0..seconds).map(in_second).collect()
}

#[test]
fn all_pass_below_the_limit() {
    let seconds = admitted(&Rate::default(), 50, 3, 50);
    assert!(seconds.iter().all(|second| second.len() == 50), "{seconds:?}");
}

#[test]
fn no_second_has_more_than_the_limit() {
    let seconds = admitted(&Rate::default(), 1_000, 5, 50);
    assert!(seconds.iter().all(|second| second.len() <= 50));
    assert_eq!(seconds[0].len(), 50);
}

#[test]
fn above_the_limit_whole_subjects_are_thinned_out() {
    let seconds = admitted(&Rate::default(), 1_000, 5, 100);
    // The first second knows nothing of what is to come; then the same subjects pass each time.
    assert!(seconds[2].len() > 60, "{}", seconds[2].len());
    assert_eq!(seconds[2], seconds[3]);
    assert_eq!(seconds[3], seconds[4]);
}

#[test]
fn who_is_in_at_a_smaller_limit_is_in_at_a_larger() {
    let few = admitted(&Rate::default(), 2_000, 3, 50);
    let many = admitted(&Rate::default(), 2_000, 3, 200);
    // Who came when the larger limit was reached is left out whatever the hash.
    let last = many[2].last().unwrap();
    let missing: Vec<_> = few[2].difference(&many[2]).filter(|subject| *subject < last).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(few[2].len() > 30 && many[2].len() > 150);
}

#[test]
fn a_limit_of_none_admits_none() {
    assert!(admitted(&Rate::default(), 10, 3, 0).iter().all(BTreeSet::is_empty));
}
