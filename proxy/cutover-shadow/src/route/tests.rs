use super::*;

const MIN: Duration = Duration::from_millis(250);
const MAX: Duration = Duration::from_secs(5);

fn after(durations_ms: impl IntoIterator<Item = u64>) -> Duration {
    let live = LiveDurations::default();
    let deadlines =
        durations_ms.into_iter().map(|ms| live.deadline(Duration::from_millis(ms), MIN, MAX));
    deadlines.last().unwrap()
}

#[test]
fn a_copy_has_twice_what_the_live_side_takes() {
    let deadline = after(std::iter::repeat_n(500, 20));
    assert!((990..=1_010).contains(&deadline.as_millis()), "{deadline:?}");
}

#[test]
fn little_is_known_of_few_live_requests() {
    assert_eq!(after(std::iter::repeat_n(500, 19)), MAX);
}

#[test]
fn deadlines_stay_within_their_bounds() {
    assert_eq!(after(std::iter::repeat_n(1, 20)), MIN);
    assert_eq!(after(std::iter::repeat_n(60_000, 20)), MAX);
    assert_eq!(after(std::iter::repeat_n(u64::MAX / 2_000, 20)), MAX);
}

#[test]
fn old_durations_are_forgotten() {
    let slow_then_fast = std::iter::repeat_n(2_000, 100).chain(std::iter::repeat_n(10, 5_000));
    assert_eq!(after(slow_then_fast), MIN);
}
