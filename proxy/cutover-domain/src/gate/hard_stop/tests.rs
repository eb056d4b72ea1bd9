use super::*;
use crate::slo::Meter;

fn tally(requests: u64, bad: u64) -> Tally {
    Tally { requests, bad, slow: 0 }
}

/// New served `before` and then, within the last 10 s, `served` since the step began.
fn check(served: Tally, failures: u64, subjects: u64, before: u64, legacy: Tally) -> Outcome {
    let mut meters = [Meter::new(1.0, 0), Meter::new(1.0, 0)];
    meters[1].add(&tally(before, 0), 100_000);
    meters[0].add(&legacy, 109_000);
    meters[1].add(&served, 109_000);
    let [legacy, new] = &meters;
    let streak = Streak { failures, subjects };
    answer(&Objectives::default(), streak, &served, Meters { legacy, new }).outcome
}

#[test]
fn it_stops_when_new_answers_nobody() {
    const HEALTHY: Tally = Tally { requests: 1_000, bad: 0, slow: 0 };
    for (served, failures, subjects, before, stops) in [
        (tally(20, 20), 20, 3, 50, true),
        (tally(20, 19), 19, 3, 50, false),
        (tally(20, 20), 20, 2, 50, false),
        (tally(13, 13), 13, 3, 50, true),
        (tally(12, 12), 12, 3, 0, false),
        (tally(13, 12), 12, 3, 0, false),
        (tally(100, 20), 20, 9, 0, true),
        (tally(100, 19), 19, 9, 0, false),
    ] {
        let outcome = check(served, failures, subjects, before, HEALTHY);
        let found = outcome.reaction() == Some(Reaction::SafePhase);
        assert_eq!(found, stops, "{served:?}, {failures} in a row of {subjects}: {outcome}");
    }
}

#[test]
fn failures_from_before_the_step_do_not_count() {
    let outcome = check(tally(5, 5), 300, 9, 0, Tally::default());
    assert_eq!(outcome, Outcome::Pass);
}

#[test]
fn it_waits_while_legacy_fails_as_well() {
    let outcome = check(tally(50, 50), 50, 9, 0, tally(1_000, 700));
    assert!(matches!(outcome, Outcome::Inconclusive { reason: Reason::Shared, .. }), "{outcome}");
    let outcome = check(tally(50, 50), 50, 9, 0, tally(1_000, 300));
    assert_eq!(outcome.reaction(), Some(Reaction::SafePhase), "not comparable: {outcome}");
}
