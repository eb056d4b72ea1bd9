use super::*;
use crate::parity::tests::{place, value};

#[test]
fn each_cause_begins_its_own_share_anew() {
    // Kept: pairs and evidence, noise, coverage.
    for (cause, evidence, noise) in [
        (Cause::Profile, true, true),
        (Cause::Build, false, true),
        (Cause::Rules, false, false),
        (Cause::Legacy, false, false),
    ] {
        let mut parity = used();
        parity.reset(cause, 50);
        let state = parity.snapshot();
        assert_eq!((state.counters.eligible(), state.since), (0, 50), "{cause:?}");
        assert_eq!((state.pairs > 0, !state.paths.is_empty()), (evidence, evidence), "{cause:?}");
        assert_eq!(!state.noise.paths.is_empty(), noise, "{cause:?}");
        assert_eq!(state.shapes.coverage(50).share(), Some(f64::from(u8::from(evidence))));
        let epoch = state.history.back().unwrap();
        assert_eq!((epoch.cause, epoch.until, epoch.counters.matches), (cause, 50, 4));
    }
}

#[test]
fn a_changed_basis_resets_by_what_changed() {
    let basis = |build: &str, rules: &str, legacy: &str| Basis {
        build: build.into(),
        rules: rules.into(),
        legacy: legacy.into(),
    };
    for (new, cause) in [
        (basis("1", "a", "x"), None),
        (basis("", "", ""), None),
        (basis("2", "a", "x"), Some(Cause::Build)),
        (basis("2", "b", "x"), Some(Cause::Rules)),
        (basis("1", "a", "y"), Some(Cause::Legacy)),
        (basis("2", "", "y"), Some(Cause::Legacy)),
    ] {
        let mut parity = used();
        parity.state.basis = basis("1", "a", "x");
        assert_eq!(parity.adopt(&new, 50), cause, "{new:?}");
        assert_eq!(parity.snapshot().counters.matches, if cause.is_some() { 0 } else { 4 });
        assert_eq!(parity.adopt(&new, 51), None, "adopted once");
        if cause.is_some() {
            assert_eq!(parity.snapshot().history[0].basis, basis("1", "a", "x"));
        }
    }
}

#[test]
fn a_fresh_route_adopts_without_history() {
    let mut parity = Parity::default();
    let basis = Basis { build: "1".into(), ..Basis::default() };
    assert_eq!(parity.adopt(&basis, 5), None);
    assert_eq!((&parity.snapshot().basis, parity.snapshot().history.len()), (&basis, 0));
}

#[test]
fn history_is_bounded_and_drops_the_oldest() {
    let mut parity = Parity::default();
    (0..40).for_each(|now| parity.reset(Cause::Build, now));
    let history = &parity.snapshot().history;
    assert_eq!((history.len(), history[0].until, history[15].until), (HISTORY_MAX, 24, 39));
}

#[test]
fn learning_bit_by_bit_is_one_epoch() {
    let mut parity = Parity::default();
    parity.judge_simple(&[], false);
    parity.reset(Cause::Build, 1);
    for now in 2..10 {
        parity.judge_simple(&[], false);
        parity.reset(Cause::Profile, now);
    }
    parity.judge_simple(&[], false);
    parity.reset(Cause::Build, 10);
    let epochs = parity.snapshot().history.iter();
    let epochs: Vec<_> =
        epochs.map(|epoch| (epoch.since, epoch.until, epoch.counters.matches)).collect();
    assert_eq!(epochs, [(0, 1, 1), (1, 9, 8), (9, 10, 1)]);
}

#[test]
fn an_epoch_names_its_regressions() {
    let mut parity = Parity::default();
    let broken = [value("body.b", true, Some(false)), value("body.c", false, Some(true))];
    (0..20).for_each(|_| _ = parity.judge_simple(&broken, true));
    parity.reset(Cause::Build, 1);
    assert_eq!(parity.snapshot().history.back().unwrap().regressions, [place("body.b")]);
}

/// 4 matches, of which 3 made noise known; then counted back to 4 matches.
fn used() -> Parity {
    let mut parity = Parity::default();
    (0..3).for_each(|_| _ = parity.judge_simple(&[value("body.at", false, Some(true))], true));
    parity.state.history.clear();
    (0..4).for_each(|_| _ = parity.judge_simple(&[], true));
    parity
}
