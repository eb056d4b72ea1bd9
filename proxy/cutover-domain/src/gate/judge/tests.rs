use super::*;
use crate::gate::{Observation, Reaction, Signals, Source, Trouble};

const NO_COUNTERS: &Trouble = &Trouble { asked: Source::Counters, what: String::new() };

/// A look at a route in `phase` of which nothing is known but what `change` says.
fn look_at<'a>(
    judge: &mut Judge,
    now_ms: u64,
    state: &'a RouteState,
    change: impl FnOnce(&mut Observation<'a>),
) -> Assessment {
    let mut observation = Observation {
        now_ms,
        state,
        latch: None,
        build: None,
        traffic: Err(NO_COUNTERS),
        parity: Ok(None),
        signals: Ok(Signals::default()),
        approved: None,
        further: &[],
    };
    change(&mut observation);
    judge.observe(&observation)
}

#[test]
fn a_route_that_declares_nothing_is_left_alone() {
    let mut judge = Judge::new(Objectives::default(), None, Settings::default());
    let assessment = look_at(&mut judge, 1_000, &RouteState::INITIAL, |_| {});
    assert!(!judge.is_watching());
    assert_eq!((assessment.obstacles, assessment.proposal), (vec![], None));
}

#[test]
fn a_gate_that_is_judged_elsewhere_freezes_as_any_other() {
    let spec = GateSpec { required: [Gate::Data].into(), ..GateSpec::default() };
    let mut judge = Judge::new(Objectives::default(), Some(spec), Settings::default());
    let state = RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1);
    let silent = look_at(&mut judge, 1_000, &state, |_| {});
    assert_eq!(silent.obstacles, [Obstacle::Silent(Gate::HardStop), Obstacle::Silent(Gate::Data)]);
    let fail = Outcome::fail(Reaction::Freeze, "12 changes are pending".into());
    let fail = Answer::new(Gate::Data, fail, vec![]);
    let frozen = look_at(&mut judge, 2_000, &state, |o| o.further = std::slice::from_ref(&fail));
    assert_eq!(frozen.unmet().map(|answer| answer.gate), Some(Gate::Data));
    assert_eq!(frozen.proposal.map(|proposal| proposal.step.as_str()), Some("freeze"));
}
