use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{declaration::Timeouts, endpoint::EndpointMatch};

fn spec(writes: Option<WriteClass>, new: bool) -> RouteSpec {
    RouteSpec {
        id: "r".into(),
        group: "g".into(),
        endpoint: EndpointMatch {
            methods: vec![],
            host: None,
            path: "/".parse().unwrap(),
            headers: vec![],
        },
        legacy: "monolith".into(),
        new: new.then(|| "registry".into()),
        writes,
        target: Target::phase(Phase::Legacy),
        timeouts: Timeouts::default(),
        shadow: None,
        rules: Default::default(),
        objectives: Default::default(),
        gates: None,
    }
}

fn target(phase: Phase, percent: u16) -> Target {
    Target { phase, percent: Percent::from_basis_points(percent * 100).unwrap() }
}

fn go(from: Target, to: Target) -> Result<RouteState, MoveRefused> {
    let wanted = Move { target: to, force: false, approver: false };
    let safe = spec(Some(WriteClass::Safe), true);
    RouteState::INITIAL.at(from, 1).moved(&safe, &Group::default(), wanted, 2)
}

fn check(from: Target, to: Target, expected: Expect) {
    let actual = match go(from, to) {
        Ok(state) => format!("{} r{}", state.target(), state.revision),
        Err(refused) => format!("refused: {refused}"),
    };
    expected.assert_eq(&actual);
}

#[test]
fn forwards_one_phase_at_a_time_backwards_in_one_step() {
    use Phase::*;
    check(target(Legacy, 0), target(Shadow, 0), expect!["shadow r2"]);
    check(
        target(Legacy, 0),
        target(Canary, 5),
        expect!["refused: from `legacy` the next phase is `shadow`, not `canary`"],
    );
    check(target(Canary, 5), target(Canary, 50), expect!["canary 50 % r2"]);
    check(target(Canary, 5), target(Live, 0), expect!["live r2"]);
    check(target(Live, 0), target(Legacy, 0), expect!["legacy r2"]);
    check(target(Live, 0), target(Canary, 5), expect!["canary 5 % r2"]);
    check(
        target(Live, 0),
        target(Retired, 0),
        expect!["refused: entering `retired` needs an approver"],
    );
    check(
        target(Retired, 0),
        target(Live, 0),
        expect!["refused: `retired` has no way back: legacy is no longer called"],
    );
    check(target(Live, 0), target(Live, 0), expect!["refused: it is in `live` already"]);
    check(
        target(Shadow, 0),
        target(Canary, 0),
        expect!["refused: `canary` needs a percentage above 0"],
    );
    check(target(Shadow, 0), target(Live, 5), expect!["refused: only `canary` takes a percentage"]);
}

#[test]
fn force_skips_phases_but_only_for_an_approver() {
    let safe = spec(Some(WriteClass::Safe), true);
    let go = |approver| {
        let wanted = Move { target: target(Phase::Live, 0), force: true, approver };
        RouteState::INITIAL.moved(&safe, &Group::default(), wanted, 2)
    };
    assert_eq!(go(false), Err(MoveRefused::NeedsApprover("skipping a phase")));
    assert_eq!(go(true).map(|state| state.phase), Ok(Phase::Live));
}

#[test]
fn a_latch_stops_the_way_forward_only() {
    let safe = spec(Some(WriteClass::Safe), true);
    let mut state = RouteState::INITIAL.at(target(Phase::Canary, 5), 1);
    state.held = Some(Held::because("bad build"));
    let go = |to| {
        let wanted = Move { target: to, force: false, approver: true };
        state.moved(&safe, &Group::default(), wanted, 2)
    };
    assert_eq!(go(target(Phase::Live, 0)), Err(MoveRefused::Held("bad build".into())));
    let back = go(target(Phase::Shadow, 0)).unwrap();
    assert_eq!((back.phase, back.held.is_some()), (Phase::Shadow, true));
}

#[test]
fn a_route_that_writes_stays_behind_shadow_without_sync() {
    let go = |writes, group: &Group, to| {
        let wanted = Move { target: to, force: false, approver: true };
        let state = RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1);
        state.moved(&spec(writes, true), group, wanted, 2).map(|state| state.phase)
    };
    let (apart, shared) = (Group::default(), Group { shared_store: true, ..Group::default() });
    let canary = target(Phase::Canary, 5);
    assert_eq!(go(Some(WriteClass::Idempotent), &apart, canary), Err(MoveRefused::WritesStay));
    assert_eq!(go(Some(WriteClass::Idempotent), &shared, canary), Ok(Phase::Canary));
    assert_eq!(go(None, &shared, canary), Err(MoveRefused::NoWriteClass));
}

#[test]
fn without_new_a_route_stays() {
    let wanted = Move { target: target(Phase::Shadow, 0), force: true, approver: true };
    let safe = spec(Some(WriteClass::Safe), false);
    assert_eq!(
        RouteState::INITIAL.moved(&safe, &Group::default(), wanted, 2),
        Err(MoveRefused::NoNew)
    );
}

fn any_target() -> impl Strategy<Value = Target> {
    (0usize..5, 1u16..=100).prop_map(|(phase, percent)| {
        let phase = Phase::ALL[phase];
        target(phase, if phase == Phase::Canary { percent } else { 0 })
    })
}

proptest! {
    /// From anywhere but `retired`, the safe phase is one allowed step away, and there legacy
    /// serves everyone.
    #[test]
    fn there_is_always_a_way_back(from in any_target(), held in any::<bool>(), shadowed in any::<bool>()) {
        let mut state = RouteState { shadowed, ..RouteState::INITIAL }.at(from, 1);
        state.held = held.then(|| Held::because("x"));
        let safe = state.safe_phase();
        prop_assert!(safe <= Phase::Shadow);
        let wanted = Move { target: Target::phase(safe), force: false, approver: false };
        let moved = state.moved(&spec(None, true), &Group::default(), wanted, 2);
        match from.phase {
            Phase::Retired => prop_assert_eq!(moved, Err(MoveRefused::Retired)),
            _ if from == wanted.target => prop_assert_eq!(moved, Err(MoveRefused::NoChange(from))),
            Phase::Legacy if shadowed => {}
            _ => prop_assert_eq!(moved.map(|state| state.phase), Ok(safe)),
        }
    }
}
