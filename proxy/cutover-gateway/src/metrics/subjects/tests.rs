use cutover_domain::exchange::subject_hash;

use super::*;

fn subject(number: u64) -> u64 {
    subject_hash(&format!("device-{number}"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A side, and the moment it began.
fn side() -> (Subjects, Instant) {
    let side = Subjects::new();
    let begin = side.begin;
    (side, begin)
}

#[test]
fn a_subject_that_retries_is_one_trial_a_minute() {
    let (side, begin) = side();
    for second in 0..180 {
        for _ in 0..100 {
            side.note(subject(1), Trial::Bad, begin + seconds(second));
        }
    }
    assert_eq!(side.counts_at(seconds(180)).bad_trials, 3);
    assert_eq!(side.counts_at(seconds(180)).failures_in_row, 18_000);
    assert_eq!(side.counts_at(seconds(180)).failing, 1);
}

#[test]
fn subjects_are_told_apart_until_there_are_many() {
    let (side, begin) = side();
    for number in 0..500 {
        for _ in 0..3 {
            side.note(subject(number), Trial::Bad, begin);
        }
    }
    assert_eq!(side.counts_at(seconds(0)).bad_trials, 500);
    assert_eq!(side.counts_at(seconds(0)).failing, SubjectCounts::FAILING_MAX);
}

#[test]
fn an_answer_ends_a_row_and_a_client_that_left_does_not() {
    let (side, begin) = side();
    for number in 0..3 {
        side.note(subject(number), Trial::Bad, begin);
        side.note(subject(9), Trial::Void, begin);
    }
    assert_eq!(side.counts_at(seconds(0)).failures_in_row, 3);
    assert_eq!(side.counts_at(seconds(0)).failing, 3);
    side.note(subject(1), Trial::Good, begin);
    side.note(subject(4), Trial::Bad, begin);
    let counts = side.counts_at(seconds(0));
    assert_eq!((counts.failures_in_row, counts.failing, counts.bad_trials), (1, 1, 4));
}

#[test]
fn active_subjects_are_estimated_within_some_percent() {
    for (many, percent) in [(1, 0), (20, 1), (1_000, 3), (10_000, 5), (100_000, 15), (900_000, 15)]
    {
        let (side, begin) = side();
        for number in 0..many {
            side.note(subject(number), Trial::Good, begin);
            side.note(subject(number), Trial::Good, begin);
        }
        let active = side.counts_at(seconds(1)).active;
        assert!(active.abs_diff(many) * 100 <= many * percent, "{active} for {many}");
    }
}

#[test]
fn who_was_not_served_for_a_minute_is_active_no_more() {
    let (side, begin) = side();
    for number in 0..100 {
        side.note(subject(number), Trial::Good, begin);
    }
    for at in [0, 30, 59] {
        assert!(side.counts_at(seconds(at)).active.abs_diff(100) <= 3, "at {at}");
    }
    assert_eq!(side.counts_at(seconds(80)).active, 0);
    side.note(subject(1), Trial::Good, begin + seconds(81));
    assert_eq!(side.counts_at(seconds(81)).active, 1);
}

#[test]
fn a_move_begins_anew_and_keeps_what_only_rises() {
    let (side, begin) = side();
    for number in 0..50 {
        side.note(subject(number), Trial::Bad, begin);
    }
    side.begin_anew();
    let counts = side.counts_at(seconds(1));
    let expected = SubjectCounts { bad_trials: 50, ..SubjectCounts::default() };
    assert_eq!(counts, expected);
    side.note(subject(7), Trial::Good, begin + seconds(1));
    assert_eq!(side.counts_at(seconds(1)).active, 1, "bits of before are gone");
}

#[test]
fn workers_that_count_at_once_lose_nothing_that_only_rises() {
    let (side, begin) = side();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let side = &side;
            scope.spawn(move || {
                for number in 0..100 {
                    side.note(subject(worker * 100 + number), Trial::Bad, begin);
                }
            });
        }
    });
    assert_eq!(side.counts_at(seconds(0)).bad_trials, 400);
    assert_eq!(side.counts_at(seconds(0)).failures_in_row, 400);
}
