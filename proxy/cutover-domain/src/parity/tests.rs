use proptest::prelude::*;

use super::*;
use crate::compare::Kind;

#[test]
fn every_request_ends_in_one_counter() {
    let mut parity = Parity::new(Basis::default(), 7);
    parity.judge_simple(&[], false);
    parity.judge_simple(&[value("body.a", true, None)], false);
    parity.judge_simple(&[value("body.a", true, Some(true))], true);
    let judgement = parity.judge(&Observation {
        compared: Err(Incomparable::DuplicateKey),
        paired: false,
        shape: &shape(),
        latency_micros: Some(3),
        now: 9,
    });
    assert_eq!(judgement.verdict, Verdict::Incomparable(Incomparable::DuplicateKey));
    parity.drop_one(Dropped::Breaker);
    let Snapshot { counters, pairs, since, .. } = parity.snapshot();
    assert_eq!((counters.matches, counters.mismatches, counters.noisy), (1, 1, 1));
    assert_eq!((counters.compared(), counters.eligible()), (4, 5));
    assert_eq!((*pairs, *since), (1, 7));
}

#[test]
fn a_verdict_goes_by_what_was_known_before() {
    let mut parity = Parity::default();
    let noisy = [value("body.at", false, Some(true))];
    let suspect = [value("body.at", true, None)];
    (0..2).for_each(|_| _ = parity.judge_simple(&noisy, true));
    assert_eq!(parity.judge_simple(&suspect, false).verdict, Verdict::Mismatch);
    let third = parity.judge_simple(&noisy, true);
    assert_eq!((third.verdict, third.learnt), (Verdict::Match, Some(1)));
    assert_eq!(parity.judge_simple(&suspect, false).verdict, Verdict::Noisy);
}

#[test]
fn learning_counts_verdicts_anew_and_keeps_the_evidence() {
    let mut parity = Parity::default();
    (0..5).for_each(|_| _ = parity.judge_simple(&[value("body.b", true, Some(false))], true));
    (0..3).for_each(|_| _ = parity.judge_simple(&[value("body.at", true, Some(true))], true));
    let state = parity.snapshot();
    assert_eq!(state.counters, Counters::default());
    assert_eq!((state.pairs, state.paths[&place("body.b")].only_candidate), (8, 5));
    assert_eq!(state.history.len(), 1);
    let Epoch { cause, counters, pairs, .. } = &state.history[0];
    assert_eq!((*cause, counters.mismatches, counters.noisy, *pairs), (Cause::Profile, 5, 3, 8));
}

#[test]
fn a_break_without_noise_is_found_at_thirteen_pairs() {
    let mut parity = Parity::default();
    let broken = [value("body.b", true, Some(false))];
    for pair in 1..=12 {
        assert_eq!(parity.judge_simple(&broken, true).regressed, [], "pair {pair}");
    }
    assert_eq!(parity.judge_simple(&broken, true).regressed, [place("body.b")]);
    assert_eq!(parity.judge_simple(&broken, true).regressed, [], "told once");
    let report = parity.report(0.995, 0);
    assert_eq!(report.regressions.len(), 1);
    assert_eq!(report.regressions[0].counted.regressed_after, Some(13));
}

#[test]
fn without_a_second_answer_there_is_no_evidence() {
    let mut parity = Parity::default();
    (0..100).for_each(|_| _ = parity.judge_simple(&[value("body.b", true, None)], false));
    assert_eq!(parity.report(0.995, 0).regressions, []);
    assert_eq!(parity.snapshot().counters.mismatches, 100);
    assert_eq!(parity.snapshot().paths[&place("body.b")].unpaired, 100);
}

#[test]
fn a_regression_at_a_known_noisy_path_is_found() {
    let mut parity = Parity::default();
    (0..3).for_each(|_| _ = parity.judge_simple(&[value("body.at", false, Some(true))], true));
    let broken = [value("body.at", true, Some(false))];
    let pairs = (1..100).find(|_| !parity.judge_simple(&broken, true).regressed.is_empty());
    assert!(pairs.is_some_and(|pairs| pairs > 13), "{pairs:?}");
    assert_eq!(parity.snapshot().counters.mismatches, 0);
}

#[test]
fn the_second_call_is_wanted_always_then_by_hash() {
    let mut parity = Parity::default();
    let ten = Percent::from_basis_points(1_000).unwrap();
    (0..PAIRS_FULL - 1).for_each(|_| _ = parity.judge_simple(&[], true));
    (0..100).for_each(|_| _ = parity.judge_simple(&[], false));
    assert!(parity.wants_reference(u64::MAX, Percent::ZERO), "499 pairs");
    parity.judge_simple(&[], true);
    for (hash, sample, wanted) in [
        (0, Percent::ZERO, false),
        (u64::MAX, Percent::FULL, true),
        (u64::MAX / 10 - 1, ten, true),
        (u64::MAX / 10 + 1, ten, false),
    ] {
        assert_eq!(parity.wants_reference(hash, sample), wanted, "{hash} {sample:?}");
    }
    parity.reset(Cause::Build, 0);
    assert!(parity.wants_reference(u64::MAX, Percent::ZERO), "after a reset");
}

#[test]
fn a_snapshot_is_all_there_is() {
    let mut parity = Parity::new(Basis::default(), 0);
    (0..5).for_each(|_| _ = parity.judge_simple(&[value("body.at", true, Some(true))], true));
    let mut restored = Parity::restore(parity.snapshot().clone());
    assert_eq!(restored, parity);
    let next = [value("body.at", true, None)];
    assert_eq!(restored.judge_simple(&next, false), parity.judge_simple(&next, false));
    assert_eq!(restored.report(0.995, 3), parity.report(0.995, 3));
}

proptest! {
    /// Whatever comes in whatever order: no request is lost or counted twice, and what was flagged
    /// stays flagged until a reset.
    #[test]
    fn nothing_is_lost(steps in prop::collection::vec((0u8..20, any::<bool>(), any::<u8>()), 0..400)) {
        let mut parity = Parity::default();
        let (mut eligible, mut resets) = (0, 0);
        for (step, paired, marks) in steps {
            let before = parity.regressed();
            match step {
                0 if resets < 3 => {
                    parity.reset(Cause::Build, 0);
                    resets += 1;
                    continue;
                }
                0 | 1 => parity.drop_one(Dropped::Rate),
                step => {
                    let reference = paired.then_some(marks & 1 == 1);
                    let differs = marks & 2 == 2 || reference == Some(true);
                    let one = value(&format!("body.f{}", step % 4), marks & 2 == 2, reference);
                    parity.judge_simple(&[one][..usize::from(differs)], paired);
                }
            }
            eligible += 1;
            prop_assert!(parity.regressed() >= before);
        }
        let state = parity.snapshot();
        let history = state.history.iter().map(|epoch| epoch.counters.eligible());
        prop_assert_eq!(history.sum::<u64>() + state.counters.eligible(), eligible);
        prop_assert!(state.noise.pairs >= state.pairs);
    }
}

impl Parity {
    fn regressed(&self) -> usize {
        self.state.paths.values().filter(|path| path.regressed_after.is_some()).count()
    }

    pub(super) fn judge_simple(&mut self, differences: &[Difference], paired: bool) -> Judgement {
        self.judge(&Observation {
            compared: Ok(differences),
            paired,
            shape: &shape(),
            latency_micros: None,
            now: 0,
        })
    }
}

pub(super) fn value(path: &str, candidate: bool, reference: Option<bool>) -> Difference {
    let path = path.parse().unwrap();
    Difference { path, kind: Kind::Value, candidate, reference, shape: "".into() }
}

pub(super) fn place(path: &str) -> Place {
    Place::At(path.parse().unwrap())
}

pub(super) fn shape() -> Shape {
    Shape::from_text("GET /devices 2xx")
}
