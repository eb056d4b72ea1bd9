//! The store is away: fail static, cautious things only, and nothing is forgotten.

use super::*;

/// A machine whose store has just gone.
fn gone(files: &str) -> Sim {
    let mut sim = Sim::new(files);
    sim.store.fault = Some(FaultKind::Gone);
    sim
}

#[test]
fn forward_is_refused_and_back_is_obeyed() {
    let mut sim = gone("read live\n part canary 5\n held live");
    let refused = sim.promote("part").unwrap_err();
    assert_eq!(refused.code().as_str(), "store_unreachable");
    assert!(refused.to_string().contains("cutover.db"), "{refused}");
    assert_eq!(sim.reconnects, 1);

    let done = sim.rollback("read").unwrap();
    assert!(!done.recorded);
    assert_eq!(done.revision, 2);
    sim.hold("held").unwrap();
    assert_eq!(sim.at(), "read=legacy part=canary 5 % held=live (held)");
    assert_eq!(code(&sim.release("held")), "store_unreachable", "taking a latch off is forward");
    assert_eq!(sim.reconnects, 1, "one is under way already");
}

#[test]
fn a_rollback_that_finds_the_store_gone_still_happens() {
    let mut sim = gone("read live");
    let done = sim.rollback("read").unwrap();
    assert_eq!((done.recorded, sim.at().as_str()), (false, "read=legacy"));
}

#[test]
fn what_happened_meanwhile_is_recorded_with_who_and_why() {
    let mut sim = gone("read live\n list canary 5");
    sim.rollback("read").unwrap();
    sim.hold("list").unwrap();
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.at(), "read=legacy list=canary 5 % (held)");
    let told: Vec<_> =
        sim.store.revisions[1..].iter().map(|new| (new.actor.as_str(), new.trigger)).collect();
    assert_eq!(told, [("ann", Trigger::Operator); 2]);
    assert!(sim.facts.contains(&Fact::StoreBack { recovered: 2 }));
    assert_eq!(code(&sim.promote("read")), "ok");
}

#[test]
fn the_journal_outlives_the_process() {
    let mut sim = gone("read live");
    sim.rollback("read").unwrap();
    let sim = sim.restart("read live");
    assert_eq!(sim.at(), "read=legacy", "by the last good state");
    assert!(sim.machine.truth().down.is_some());
    let mut sim = sim;
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.store.snapshot.routes["read"].state.phase, Phase::Legacy);
}

#[test]
fn files_step_back_at_once_and_forward_when_the_store_is_back() {
    let mut sim = gone("read shadow\n list live");
    sim.load("read canary 5\n list shadow\n fresh live").unwrap();
    assert_eq!(sim.at(), "read=shadow list=shadow fresh=legacy");
    assert_eq!(sim.blocked(), "read:store_unreachable fresh:store_unreachable");
    sim.store_back();
    assert_eq!(sim.at(), "read=canary 5 % list=shadow fresh=live");
    assert_eq!(sim.blocked(), "");
    sim.assert_in_step();
}

#[test]
fn legacy_all_works_without_the_store() {
    let mut sim = gone("read live");
    sim.ask(Ask::LegacyAll(true)).unwrap();
    assert_eq!(sim.at(), "read=legacy (held)");
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.store.revisions.last().unwrap().trigger, Trigger::KillSwitch);
}

#[test]
fn an_empty_store_gets_back_what_this_node_knows() {
    let mut sim = Sim::new("read canary 5\n list live");
    put(&mut sim, "ann", "admin");
    sim.rollback("list").unwrap();
    let before = sim.at();
    sim.store.fault = Some(FaultKind::Gone);
    assert_eq!(code(&sim.promote("read")), "store_unreachable");
    sim.store = Memory::empty("two");
    sim.store_comes();
    sim.assert_in_step();
    assert_eq!(sim.at(), before);
    assert_eq!(sim.store.revisions[0].trigger, Trigger::Recovery);
    assert!(sim.head() > 2, "numbers never fall");
    assert_eq!(sim.machine.truth().tokens[0].name, "ann");
}

#[test]
fn a_restored_backup_does_not_undo_what_was_done_since() {
    let mut sim = Sim::new("read live\n list shadow");
    let backup = sim.store.snapshot.clone();
    sim.rollback("read").unwrap();
    sim.store.snapshot = backup;
    let sim = sim.restart("read live\n list shadow");
    assert_eq!(sim.at(), "read=legacy list=shadow");
    sim.assert_in_step();
    assert!(sim.head() > 2);
}

#[test]
fn another_store_is_believed() {
    let sim = Sim::new("read live");
    let mut other = Sim::new("read shadow");
    other.store.snapshot.store_id = "another".into();
    let mut moved = Sim::on(other.store, reread(sim.machine.truth()));
    moved.store_comes();
    moved.load("read shadow").unwrap();
    assert_eq!(moved.at(), "read=shadow");
}

#[test]
fn of_two_words_the_more_cautious_holds() {
    // Another node went on while this one rolled back: the rollback holds.
    let mut sim = gone("read canary 5");
    sim.rollback("read").unwrap();
    sim.store.fault = None;
    sim.store.moved_by_another("read", "canary 50");
    sim.store_comes();
    assert_eq!(sim.at(), "read=legacy");
    sim.assert_in_step();

    // Another node went back further than this one: that holds.
    let mut sim = gone("read live");
    sim.act("read", Role::Operator, Action::Rollback { to: Some(target("canary 5")) }).unwrap();
    sim.store.fault = None;
    sim.store.moved_by_another("read", "legacy");
    sim.store_comes();
    assert_eq!(sim.at(), "read=legacy");
    sim.assert_in_step();
}

#[test]
fn a_store_that_fails_again_while_being_told_loses_nothing() {
    let mut sim = gone("read live\n list live");
    sim.rollback("read").unwrap();
    sim.rollback("list").unwrap();
    let opened = Event::StoreOpened(sim.store.snapshot.clone());
    sim.happens(opened); // It answers the opening, and fails at the first revision.
    assert!(sim.machine.truth().down.is_some());
    assert_eq!(sim.machine.truth().journal.len(), 2);
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.at(), "read=legacy list=legacy");
}

#[test]
fn a_store_that_is_away_at_start_is_waited_for_behind_the_last_good_state() {
    let mut sim = Sim::new("read canary 5");
    sim.store.fault = Some(FaultKind::Unwritable);
    let mut sim = sim.restart("read canary 5");
    assert_eq!(sim.at(), "read=canary 5 %");
    assert_eq!(code(&sim.promote("read")), "store_unreachable");
    sim.store_back();
    assert_eq!(code(&sim.promote("read")), "ok");
}

#[test]
fn files_changed_while_the_process_was_down_count_as_changed() {
    let sim = Sim::new("read shadow");
    let sim = sim.restart("read canary 5");
    assert_eq!(sim.at(), "read=canary 5 %");
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_out() {
    let mut sim = Sim::new("read shadow");
    sim.store.mute = true;
    let refused = sim.promote("read").unwrap_err();
    assert!(refused.to_string().contains("may or may not have happened"), "{refused}");
    assert_eq!(sim.at(), "read=shadow", "not in force before it is known");
    sim.store_back();
    assert_eq!(sim.at(), "read=canary 1 %");
    let found_out = |fact: &Fact| matches!(fact, Fact::Moved { trigger: Trigger::Recovery, .. });
    assert!(sim.facts.iter().any(found_out));
    sim.assert_in_step();

    sim.store.mute = true;
    assert!(!sim.rollback("read").unwrap().recorded);
    let revisions = sim.store.revisions.len();
    sim.store_back();
    assert_eq!((sim.at().as_str(), sim.store.revisions.len()), ("read=shadow", revisions));
    sim.assert_in_step();
}

#[test]
fn a_store_that_is_gone_is_noticed_while_nobody_moves() {
    let mut sim = Sim::new("read shadow");
    sim.happens(Event::ProbeFailed(fault(FaultKind::Gone)));
    assert_eq!(sim.machine.truth().down.as_ref().unwrap().code, "store_gone");
    sim.happens(Event::ProbeFailed(fault(FaultKind::Gone)));
    assert_eq!(sim.reconnects, 1);
    sim.store_back();
    sim.assert_in_step();
}

#[test]
fn the_journal_is_bounded_and_final_states_survive_it() {
    let mut sim = gone("read live");
    for _ in 0..2_100 {
        sim.hold("read").unwrap();
        let by_bob = MoveAsk {
            author: Author::token("bob", Role::Operator),
            ..by("read", Role::Operator, Action::Hold)
        };
        sim.ask(Ask::Move(by_bob)).unwrap();
    }
    sim.rollback("read").unwrap();
    assert_eq!(sim.machine.truth().journal.len(), 4_096);
    sim.store_back();
    assert_eq!(sim.at(), "read=legacy (held)");
}

fn put(sim: &mut Sim, name: &str, role: &str) {
    let edit = TokenEdit::Put(tokens::token(name, role, None));
    sim.ask(Ask::PutToken { edit, bootstrap: false }).unwrap();
}
