//! What gates do to files' values and to routes.

use std::sync::Arc;

use cutover_domain::Held;

use super::*;
use crate::truth::judged::{Basis, Judged, Judgements};

const CLOSED: &str = "gate `parity` does not pass: inconclusive";

/// What gates say of every route that asks them, or that they would take back, where it is now.
fn judged(sim: &Sim, why: Option<&str>) -> Judgements {
    let truth = sim.machine.truth();
    let settings = truth.loaded.as_ref().unwrap().declaration.gates;
    let gated = truth.declared().iter().filter(|spec| spec.gates.is_some() || why.is_some());
    let judge = |spec: &cutover_domain::RouteSpec| Judged {
        revision: truth.state(&spec.id).revision,
        basis: Arc::new(Basis::of(spec, settings)),
        why: why.map(str::to_owned),
    };
    gated.map(|spec| (spec.id.clone(), judge(spec))).collect()
}

/// Gates look, and do not let anything pass for this reason; `None`: they do.
fn gates_say(sim: &mut Sim, why: Option<&str>) {
    let judged = judged(sim, why);
    sim.ask(Ask::Gates(judged)).unwrap();
}

fn blocked(sim: &Sim) -> Vec<(String, &'static str, String)> {
    let blocked = sim.machine.truth().blocked().into_iter();
    blocked.map(|(id, blocked)| (id, blocked.code, blocked.why)).collect()
}

fn at(sim: &Sim, id: &str) -> String {
    record(sim, id).state.target().to_string()
}

#[test]
fn a_file_waits_for_gates_where_they_can_judge_and_goes_on_when_they_pass() {
    let mut sim = Sim::new("read canary 5 gated");
    assert_eq!(at(&sim, "read"), "shadow");
    assert_eq!(blocked(&sim), [unheard("read")]);
    gates_say(&mut sim, Some(CLOSED));
    assert_eq!(blocked(&sim), [("read".to_owned(), "gate_closed", CLOSED.to_owned())]);
    assert_eq!(at(&sim, "read"), "shadow");
    gates_say(&mut sim, None);
    assert_eq!((at(&sim, "read").as_str(), blocked(&sim).len()), ("canary 5 %", 0));
}

fn unheard(route: &str) -> (String, &'static str, String) {
    (route.to_owned(), "gate_closed", "its gates have not been judged yet".to_owned())
}

#[test]
fn a_route_that_gates_did_not_see_yet_waits_for_their_look() {
    let mut sim = Sim::new("read shadow gated");
    gates_say(&mut sim, None);
    sim.load("read shadow gated\n list canary 25 gated").unwrap();
    assert_eq!((at(&sim, "list").as_str(), blocked(&sim)), ("shadow", vec![unheard("list")]));
    gates_say(&mut sim, None);
    assert_eq!((at(&sim, "list").as_str(), blocked(&sim).len()), ("canary 25 %", 0));
}

#[test]
fn gates_that_come_with_a_step_judge_it_first() {
    for before in ["read shadow", "read shadow gated", "read shadow gated steps=5,25"] {
        let mut sim = Sim::new(before);
        gates_say(&mut sim, None);
        sim.load("read canary 5 gated steps=5,50").unwrap();
        assert_eq!((at(&sim, "read").as_str(), blocked(&sim)), ("shadow", vec![unheard("read")]));
        gates_say(&mut sim, None);
        assert_eq!(at(&sim, "read"), "canary 5 %");
    }
}

#[test]
fn what_gates_said_of_one_step_is_not_said_of_the_next() {
    let mut sim = Sim::new("read legacy gated");
    gates_say(&mut sim, None);
    sim.promote("read").unwrap();
    sim.load("read canary 5 gated").unwrap();
    assert_eq!((at(&sim, "read").as_str(), blocked(&sim)), ("shadow", vec![unheard("read")]));
}

#[test]
fn a_file_goes_back_whatever_gates_say() {
    let mut sim = Sim::new("read canary 5 gated");
    gates_say(&mut sim, None);
    gates_say(&mut sim, Some(CLOSED));
    sim.load("read shadow gated").unwrap();
    assert_eq!(at(&sim, "read"), "shadow");
}

#[test]
fn routes_that_ask_nothing_of_gates_wait_only_where_they_would_be_taken_back() {
    let mut sim = Sim::new("read canary 5");
    assert_eq!(at(&sim, "read"), "canary 5 %", "nobody has to be heard");
    gates_say(&mut sim, None);
    sim.load("read canary 25").unwrap();
    assert_eq!(at(&sim, "read"), "canary 25 %");
    gates_say(&mut sim, Some(CLOSED));
    sim.load("read canary 50").unwrap();
    assert_eq!((at(&sim, "read").as_str(), blocked(&sim).len()), ("canary 25 %", 1));
}

#[test]
fn a_table_is_published_only_if_a_file_waits_for_what_gates_say() {
    let mut sim = Sim::new("read shadow gated");
    let published = sim.published;
    gates_say(&mut sim, Some(CLOSED));
    gates_say(&mut sim, None);
    assert_eq!(sim.published, published);
}

fn taken_back(sim: &Sim, to: &str, build: &str) -> MoveAsk {
    let held = Held { cause: "burn: too fast".into(), build: Some(build.into()) };
    MoveAsk {
        scope: Scope::Route("read".into()),
        action: Action::TakeBack { to: target(to), held },
        expect: Some(record(sim, "read").state.revision),
        reason: "burn: too fast".into(),
        author: Author::guard(),
        trigger: Trigger::Guard,
    }
}

#[test]
fn gates_take_back_and_latch_in_one_revision() {
    let mut sim = Sim::new("read canary 5");
    let head = sim.machine.truth().head;
    let done = sim.ask(Ask::Move(taken_back(&sim, "shadow", "b7"))).unwrap();
    assert_eq!(done.revision, head + 1);
    let state = record(&sim, "read").state;
    assert_eq!(state.target(), target("shadow"));
    assert_eq!(state.held.unwrap().build.as_deref(), Some("b7"));
    let again = sim.ask(Ask::Move(taken_back(&sim, "shadow", "b7"))).unwrap();
    assert!(again.moved.is_empty(), "it is there and latched: {again:?}");
    assert_eq!(code(&sim.promote("read")), "held");
}

#[test]
fn a_latch_of_gates_over_a_persons_waits_for_a_person() {
    let mut sim = Sim::new("read canary 5");
    sim.hold("read").unwrap();
    sim.ask(Ask::Move(taken_back(&sim, "shadow", "b7"))).unwrap();
    let held = Held::because("burn: too fast");
    assert_eq!(record(&sim, "read").state.held, Some(held), "no build releases it");
    let again = sim.ask(Ask::Move(taken_back(&sim, "shadow", "b7"))).unwrap();
    assert!(again.moved.is_empty(), "it is there and latched: {again:?}");
}

#[test]
fn a_step_of_gates_on_an_old_revision_changes_nothing() {
    let mut sim = Sim::new("read canary 5");
    let late = taken_back(&sim, "legacy", "b7");
    sim.hold("read").unwrap();
    assert_eq!(code(&sim.ask(Ask::Move(late))), "stale_revision");
    assert_eq!(at(&sim, "read"), "canary 5 %");
}
