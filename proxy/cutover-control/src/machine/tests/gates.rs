//! What gates do to files' values and to routes.

use cutover_domain::Held;

use super::*;

fn closed(route: &str) -> BTreeMap<String, String> {
    [(route.to_owned(), "gate `parity` does not pass: inconclusive".to_owned())].into()
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
    let unheard = "its gates have not been judged yet".to_owned();
    assert_eq!(blocked(&sim), [("read".to_owned(), "gate_closed", unheard)]);
    let why = "gate `parity` does not pass: inconclusive".to_owned();
    sim.ask(Ask::Gates(closed("read"))).unwrap();
    assert_eq!(blocked(&sim), [("read".to_owned(), "gate_closed", why)]);
    assert_eq!(at(&sim, "read"), "shadow");
    sim.ask(Ask::Gates(BTreeMap::new())).unwrap();
    assert_eq!((at(&sim, "read").as_str(), blocked(&sim).len()), ("canary 5 %", 0));
}

#[test]
fn a_file_goes_back_whatever_gates_say() {
    let mut sim = Sim::new("read canary 5 gated");
    sim.ask(Ask::Gates(BTreeMap::new())).unwrap();
    sim.ask(Ask::Gates(closed("read"))).unwrap();
    sim.load("read shadow gated").unwrap();
    assert_eq!(at(&sim, "read"), "shadow");
}

#[test]
fn routes_that_ask_nothing_of_gates_wait_only_where_they_would_be_taken_back() {
    let mut sim = Sim::new("read canary 5");
    assert_eq!(at(&sim, "read"), "canary 5 %", "nobody has to be heard");
    sim.ask(Ask::Gates(closed("other"))).unwrap();
    sim.load("read canary 25").unwrap();
    assert_eq!(at(&sim, "read"), "canary 25 %");
    sim.ask(Ask::Gates(closed("read"))).unwrap();
    sim.load("read canary 50").unwrap();
    assert_eq!((at(&sim, "read").as_str(), blocked(&sim).len()), ("canary 25 %", 1));
}

#[test]
fn a_table_is_published_only_if_a_file_waits_for_what_gates_say() {
    let mut sim = Sim::new("read shadow gated");
    let published = sim.published;
    sim.ask(Ask::Gates(closed("read"))).unwrap();
    sim.ask(Ask::Gates(BTreeMap::new())).unwrap();
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
fn a_step_of_gates_on_an_old_revision_changes_nothing() {
    let mut sim = Sim::new("read canary 5");
    let late = taken_back(&sim, "legacy", "b7");
    sim.hold("read").unwrap();
    assert_eq!(code(&sim.ask(Ask::Move(late))), "stale_revision");
    assert_eq!(at(&sim, "read"), "canary 5 %");
}
