use crate::{
    compare::Incomparable,
    exchange::Dropped,
    parity::{
        Basis, Cause, Counters, HISTORY_MAX, Observation, Parity, Snapshot,
        tests::{place, shape, value},
    },
};

/// A route that knows noise, has a regression and some history.
fn kept() -> Snapshot {
    let mut parity = Parity::new(Basis { rules: "r1".into(), ..Basis::default() }, 100);
    (0..3).for_each(|_| _ = parity.judge_simple(&[value("body.at", true, Some(true))], true));
    (0..20).for_each(|_| _ = parity.judge_simple(&[value("body.b", true, Some(false))], true));
    (0..5).for_each(|_| _ = parity.judge_simple(&[], false));
    parity.drop_one(Dropped::Rate);
    parity.snapshot().clone()
}

fn eligible(parity: &Parity) -> u64 {
    let state = parity.snapshot();
    let before = state.history.iter().map(|epoch| epoch.counters.eligible());
    before.sum::<u64>() + state.counters.eligible()
}

#[test]
fn a_process_that_compared_nothing_goes_on_where_the_one_before_was() {
    let mut parity = Parity::new(Basis::default(), 500);
    assert!(parity.resume(kept(), 501));
    assert_eq!(*parity.snapshot(), kept());

    let mut parity = Parity::new(Basis::default(), 500);
    (0..4).for_each(|_| parity.drop_one(Dropped::Shutdown));
    parity.drop_one(Dropped::Rate);
    assert!(parity.resume(kept(), 501));
    let mut expected = kept();
    expected.counters.dropped.insert(Dropped::Shutdown, 4);
    expected.counters.dropped.insert(Dropped::Rate, 2);
    assert_eq!(*parity.snapshot(), expected);
}

#[test]
fn rules_that_changed_meanwhile_begin_counters_anew() {
    let mut parity = Parity::new(Basis::default(), 500);
    parity.adopt(&Basis { rules: "r2".into(), ..Basis::default() }, 500);
    assert!(parity.resume(kept(), 501));
    let state = parity.snapshot();
    assert_eq!((&*state.basis.rules, state.counters.eligible()), ("r2", 0));
    assert_eq!(state.history.back().unwrap().cause, Cause::Rules);
}

#[test]
fn what_comes_after_verdicts_becomes_history_and_no_count_is_lost() {
    let mut parity = Parity::new(Basis::default(), 500);
    (0..7).for_each(|_| _ = parity.judge_simple(&[], true));
    parity.drop_one(Dropped::Breaker);
    let here = parity.snapshot().clone();
    let before = Parity::restore(kept());
    let expected = eligible(&parity) + eligible(&before);
    assert!(!parity.resume(kept(), 501));

    let state = parity.snapshot();
    assert_eq!(eligible(&parity), expected);
    assert_eq!((&state.counters, state.pairs), (&here.counters, 7));
    let last = state.history.back().unwrap();
    assert_eq!((last.cause, last.since, last.until), (Cause::Store, 0, 500));
    assert_eq!(last.counters, kept().counters);
    assert_eq!(last.regressions, [place("body.b")]);
    assert!(state.noise.version > kept().noise.version);
    assert!(state.noise.paths.is_empty(), "verdicts here did not go by it");
    assert_eq!(state.pace.hours.back().unwrap().1, 7 + 25, "pace is of both");
    // And so on, however often.
    (0..2 * HISTORY_MAX).for_each(|_| _ = parity.resume(kept(), 501));
    assert_eq!(parity.snapshot().history.len(), HISTORY_MAX);
}

#[test]
fn an_incomparable_request_is_a_verdict_too() {
    let mut parity = Parity::new(Basis::default(), 500);
    parity.judge(&Observation {
        compared: Err(Incomparable::Limit),
        paired: false,
        shape: &shape(),
        latency_micros: None,
        now: 500,
    });
    assert!(!parity.resume(kept(), 501));
    assert_eq!(parity.snapshot().counters.incomparable[&Incomparable::Limit], 1);
}

#[test]
fn nothing_kept_leaves_no_trace() {
    let mut parity = Parity::new(Basis::default(), 500);
    parity.judge_simple(&[], true);
    let here = parity.snapshot().clone();
    assert!(!parity.resume(Snapshot::default(), 501));
    assert_eq!(parity.snapshot().history.len(), 0);
    assert_eq!(parity.snapshot().counters, here.counters);
    assert_ne!(parity.snapshot().counters, Counters::default());
}
