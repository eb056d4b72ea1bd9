//! Others write to the same store.

use super::*;

fn followed(sim: &Sim) -> usize {
    sim.facts.iter().filter(|fact| matches!(fact, Fact::Followed { .. })).count()
}

#[test]
fn what_another_does_is_in_force_after_a_look() {
    let mut sim = Sim::new("read shadow\n list shadow");
    sim.store.moved_by_another("read", "canary 5");
    let published = sim.published;
    sim.look();
    assert_eq!(sim.at(), "read=canary 5 % list=shadow");
    assert_eq!((sim.published, followed(&sim)), (published + 1, 1));
    sim.assert_in_step();
    sim.look();
    assert_eq!((sim.published, followed(&sim)), (published + 1, 1), "nothing new");
}

#[test]
fn tokens_made_and_removed_elsewhere_are_followed() {
    let mut sim = Sim::new("read shadow");
    sim.store.snapshot.tokens = vec![tokens::token("ann", "admin", None)];
    sim.look();
    sim.assert_in_step();
    sim.store.snapshot.tokens.clear();
    sim.look();
    sim.assert_in_step();
}

#[test]
fn a_look_that_meets_something_under_way_or_no_store_changes_nothing() {
    let mut sim = Sim::new("read shadow");
    let ask = Ask::Move(by("read", Role::Operator, Action::Hold));
    let recording = sim.machine.apply(Event::Ask(None, ask), 1);
    let head = Head { revision: 9, tokens: Vec::new() };
    assert!(sim.machine.apply(Event::Seen(head.clone()), 1).is_empty());
    for effect in recording {
        if let Some(event) = sim.perform(effect) {
            sim.happens(event);
        }
    }
    sim.assert_in_step();
    sim.happens(Event::ProbeFailed(fault(FaultKind::Gone)));
    assert!(sim.machine.apply(Event::Seen(head), 1).is_empty());
}

#[test]
fn a_move_is_judged_by_what_the_store_knows() {
    let mut sim = Sim::new("read shadow\n list live");
    sim.store.moved_by_another("read", "canary 5");
    assert_eq!(sim.promote("read").unwrap().moved[0].to.to_string(), "canary 25 %");
    sim.store.moved_by_another("read", "legacy");
    assert_eq!(code(&sim.promote_to("read", "canary 50")), "skips_phase");
    sim.store.moved_by_another("read", "live");
    assert_eq!(sim.rollback("read").unwrap().moved[0].to.to_string(), "shadow");
    sim.store.moved_by_another("list", "legacy");
    assert_eq!(
        sim.promote("list").unwrap().moved[0].to.to_string(),
        "shadow",
        "it was `live` here"
    );
    sim.store.moved_by_another("read", "canary 5");
    assert_eq!(sim.rollback("read").unwrap().moved.len(), 1, "it was in its safe phase here");
    sim.assert_in_step();
}

#[test]
fn whoever_names_a_revision_is_not_judged_by_another() {
    let mut sim = Sim::new("read shadow");
    sim.store.moved_by_another("read", "canary 5");
    let action = Action::Rollback { to: None };
    let mut at = |expect| {
        sim.ask(Ask::Move(MoveAsk {
            expect: Some(expect),
            ..by("read", Role::Operator, action.clone())
        }))
    };
    let Err(Refused::Stale { expected: 1, found: 2, .. }) = at(1) else { panic!("not stale") };
    sim.store.moved_by_another("read", "canary 50");
    let mut at = |expect| {
        sim.ask(Ask::Move(MoveAsk {
            expect: Some(expect),
            ..by("read", Role::Operator, action.clone())
        }))
    };
    assert_eq!(code(&at(3)), "ok", "seen elsewhere, where it is known already");
    sim.assert_in_step();
}

#[test]
fn files_are_judged_again_by_themselves() {
    let mut sim = Sim::new("read shadow\n list shadow");
    sim.store.moved_by_another("list", "canary 5");
    sim.load("read shadow\n list canary 25").unwrap();
    assert_eq!(sim.at(), "read=shadow list=canary 25 %");
    sim.assert_in_step();
}

#[test]
fn a_store_that_fails_while_it_is_read_anew_is_away() {
    let mut sim = Sim::new("read live");
    sim.store.fault = Some(FaultKind::Gone);
    sim.happens(Event::Seen(Head { revision: 9, tokens: Vec::new() }));
    assert_eq!((sim.machine.truth().down.is_some(), sim.reconnects), (true, 1));
    assert_eq!(code(&sim.rollback("read")), "ok");
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.at(), "read=legacy");
}

/// Two processes, one store: the first has the old files, the second the new ones.
fn handed_over(old: &str, new: &str) -> (Sim, Sim) {
    let first = Sim::new(old);
    let mut second = Sim::on(Memory::of(&first.store), reread(first.machine.truth()));
    second.store_comes();
    second.load(new).unwrap();
    (first, second)
}

/// `to` meets the store as `from` left it.
fn see(from: &Sim, to: &mut Sim) {
    to.store = Memory::of(&from.store);
    to.look();
}

#[test]
fn outdated_files_do_not_undo_newer_ones() {
    let (mut first, mut second) = handed_over("read shadow", "read canary 5");
    see(&second, &mut first);
    assert_eq!(first.at(), "read=canary 5 %");
    first.hold("read").unwrap();
    first.release("read").unwrap();
    assert_eq!(first.at(), "read=canary 5 %", "the old file's `shadow` is no later word");
    first.rollback("read").unwrap();
    see(&first, &mut second);
    assert_eq!(second.at(), "read=shadow", "the operator's is");
    second.assert_in_step();

    see(&second, &mut first);
    first.happens(Event::ProbeFailed(fault(FaultKind::Busy)));
    second.load("read canary 50").unwrap();
    first.store = Memory::of(&second.store);
    first.store_back();
    assert_eq!(first.at(), "read=canary 50 %", "nor after the store was away");
    first.assert_in_step();
}
