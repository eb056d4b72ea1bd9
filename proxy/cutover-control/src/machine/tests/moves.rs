//! What people ask for.

use super::*;

#[test]
fn promotion_climbs_one_step_at_a_time() {
    let mut sim = Sim::new("read legacy");
    let mut seen = Vec::new();
    while let Ok(done) = sim.promote("read") {
        seen.push(done.moved[0].to.to_string());
    }
    let steps = ["shadow", "canary 1 %", "canary 5 %", "canary 25 %", "canary 50 %"];
    assert_eq!(seen, [&steps[..], &["canary 100 %", "live"]].concat());
    assert_eq!(code(&sim.promote("read")), "needs_approver", "into `retired`");
    assert_eq!(code(&sim.promote_to("read", "retired")), "ok");
    sim.assert_in_step();
}

#[test]
fn promotion_climbs_the_routes_own_ladder_and_ends_with_it() {
    let mut sim = Sim::new("read shadow gated steps=10,50");
    for expected in ["read=canary 10 %", "read=canary 50 %"] {
        sim.promote("read").unwrap();
        assert_eq!(sim.at(), expected);
    }
    assert_eq!(code(&sim.promote("read")), "ladder_ends");
    assert_eq!(code(&sim.promote_to("read", "canary 100")), "ok", "by name it may go on");
    sim.promote("read").unwrap();
    assert_eq!(sim.at(), "read=live", "everybody met new");
    let mut sim = Sim::new("read shadow gated steps=1,5");
    sim.promote_to("read", "canary").unwrap();
    sim.promote_to("read", "canary").unwrap();
    assert_eq!(code(&sim.promote_to("read", "canary")), "ladder_ends");
    assert_eq!(code(&sim.promote_to("read", "live")), "ok");
}

#[test]
fn a_group_climbs_the_ladder_of_its_route_that_has_come_least_far() {
    let mut sim = Sim::new("read shadow gated steps=10,50\n list canary 1");
    sim.promote("group:devices").unwrap();
    assert_eq!(sim.at(), "read=canary 10 % list=canary 10 %");
}

#[test]
fn promotion_goes_where_it_is_told_or_says_why_not() {
    for (start, to, expected) in [
        ("read shadow", "canary 12.5", "ok"),
        ("read canary 5", "canary 50", "ok"),
        ("read canary 5", "live", "ok"),
        ("read canary 5", "canary 5", "ok"),
        ("read canary 5", "canary 1", "not_forward"),
        ("read live", "shadow", "not_forward"),
        ("read legacy", "canary 5", "skips_phase"),
        ("read legacy", "live", "skips_phase"),
        ("read shadow", "shadow 5", "bad_percent"),
        ("read retired", "live", "retired"),
        ("read legacy no-new", "shadow", "no_new"),
        ("write shadow post writes=unsafe", "canary 5", "writes_stay"),
        ("write legacy post", "shadow", "no_write_class"),
        ("write shadow post writes=unsafe group=shared", "canary 5", "ok"),
    ] {
        let mut sim = Sim::new(start);
        let before = sim.at();
        let id = start.split(' ').next().unwrap();
        let result = sim.promote_to(id, to);
        assert_eq!(code(&result), expected, "{start} → {to}");
        if result.is_err() {
            assert_eq!(sim.at(), before);
        }
    }
}

#[test]
fn skipping_is_for_approvers_who_say_so_and_is_recorded() {
    let to_live = |force| Action::Promote { to: Some(Phase::Live), percent: None, force };
    let mut sim = Sim::new("read legacy");
    assert_eq!(code(&sim.act("read", Role::Approver, to_live(false))), "skips_phase");
    assert_eq!(code(&sim.act("read", Role::Migrator, to_live(true))), "needs_approver");
    assert_eq!(code(&sim.act("read", Role::Approver, to_live(true))), "ok");
    assert!(sim.store.revisions.last().unwrap().forced);
    let mut sim = Sim::new("read canary 5");
    sim.act("read", Role::Approver, to_live(true)).unwrap();
    assert!(!sim.store.revisions.last().unwrap().forced, "nothing was skipped");
}

#[test]
fn rollback_goes_to_the_safe_phase_and_may_be_repeated() {
    for (files, expected) in [
        ("read legacy", "read=legacy"),
        ("read shadow", "read=shadow"),
        ("read canary 5", "read=legacy"),
        ("read live", "read=legacy"),
    ] {
        let mut sim = Sim::new(files);
        for _ in 0..2 {
            assert_eq!(code(&sim.rollback("read")), "ok");
            assert_eq!(sim.at(), expected, "{files}");
        }
    }
    let mut sim = Sim::new("read shadow");
    sim.promote("read").unwrap();
    sim.rollback("read").unwrap();
    assert_eq!(sim.at(), "read=shadow", "it has been in shadow");
}

#[test]
fn rollback_only_goes_back() {
    let back = |to: &str| Action::Rollback { to: Some(target(to)) };
    let mut sim = Sim::new("read canary 25\n gone retired");
    for (to, expected) in [
        ("canary 50", "not_backward"),
        ("live", "not_backward"),
        ("canary", "bad_percent"),
        ("canary 5", "ok"),
        ("shadow", "ok"),
    ] {
        assert_eq!(code(&sim.act("read", Role::Operator, back(to))), expected, "{to}");
    }
    assert_eq!(code(&sim.rollback("gone")), "retired");
    let done = sim.rollback("*").unwrap();
    assert_eq!((done.skipped.len(), done.left_out[0].route.as_str()), (0, "gone"));
    let left = |fact: &&Fact| matches!(fact, Fact::LeftOut(_));
    assert_eq!(sim.facts.iter().filter(left).count(), 1, "and the log says so");
    assert_eq!(sim.at(), "read=shadow gone=retired");
}

#[test]
fn a_latch_stops_forward_moves_only() {
    let mut sim = Sim::new("read canary 5");
    sim.hold("read").unwrap();
    assert_eq!(record(&sim, "read").state.held.unwrap().cause, "ann: a test");
    assert_eq!(code(&sim.promote("read")), "held");
    assert_eq!(code(&sim.rollback("read")), "ok");
    assert_eq!(sim.at(), "read=legacy (held)");
    sim.release("read").unwrap();
    assert_eq!(code(&sim.promote("read")), "ok");
    let head = sim.head();
    sim.release("read").unwrap();
    assert_eq!(sim.head(), head, "nothing to release is nothing to record");
}

#[test]
fn a_group_moves_in_one_revision_or_not_at_all() {
    let mut sim = Sim::new("read shadow\n list shadow\n other legacy group=rest");
    let done = sim.promote("group:devices").unwrap();
    assert_eq!((done.moved.len(), sim.head()), (2, 2));
    assert_eq!(sim.at(), "read=canary 1 % list=canary 1 % other=legacy");

    let mut sim = Sim::new("read shadow\n write shadow post writes=unsafe");
    assert_eq!(code(&sim.promote("group:devices")), "writes_stay");
    assert_eq!((sim.at().as_str(), sim.head()), ("read=shadow write=shadow", 1));
    assert_eq!(code(&sim.promote("group:none")), "unknown_group");
}

#[test]
fn a_group_catches_up_with_its_foremost() {
    let mut sim = Sim::new("read shadow\n list canary 5");
    let done = sim.promote("group:devices").unwrap();
    assert_eq!(sim.at(), "read=canary 1 % list=canary 5 %");
    assert_eq!(done.skipped[0].route, "list");
    sim.rollback("group:devices").unwrap();
    assert_eq!(sim.at(), "read=shadow list=legacy");
}

#[test]
fn moves_name_the_revision_they_are_based_on() {
    let mut sim = Sim::new("read shadow\n list shadow");
    sim.promote("read").unwrap();
    let mut at = |id: &str, expect| {
        let action = Action::Rollback { to: None };
        sim.ask(Ask::Move(MoveAsk { expect: Some(expect), ..by(id, Role::Operator, action) }))
    };
    assert_eq!(code(&at("read", 1)), "stale_revision");
    assert_eq!(code(&at("list", 2)), "stale_revision");
    assert_eq!(code(&at("group:devices", 1)), "stale_revision");
    assert_eq!(code(&at("*", 1)), "stale_revision");
    let Err(Refused::Stale { expected: 1, found: 2, .. }) = at("read", 1) else { panic!() };
    assert_eq!(code(&at("read", 2)), "ok");
    assert_eq!(code(&at("list", 1)), "ok");
}

#[test]
fn reasons_are_asked_for_and_bounded() {
    let mut sim = Sim::new("read shadow");
    for (reason, expected) in [
        ("", "bad_reason"),
        ("  ", "bad_reason"),
        ("two\nlines", "bad_reason"),
        (&"x".repeat(501), "bad_reason"),
        (&"ä".repeat(500), "ok"),
    ] {
        let ask = MoveAsk { reason: reason.into(), ..by("read", Role::Operator, Action::Hold) };
        assert_eq!(code(&sim.ask(Ask::Move(ask))), expected, "{reason:?}");
    }
}

#[test]
fn of_two_who_saw_the_same_exactly_one_moves() {
    let mut sim = Sim::new("read shadow");
    let seen = Some(record(&sim, "read").state.revision);
    let ask = |action| Ask::Move(MoveAsk { expect: seen, ..by("read", Role::Migrator, action) });
    let promote = ask(Action::Promote { to: None, percent: None, force: false });
    // Both arrive before either is recorded.
    let mut waiting = VecDeque::new();
    for (ticket, ask) in [(1, promote.clone()), (2, promote)] {
        waiting.extend(sim.machine.apply(Event::Ask(Some(ticket), ask), 1));
    }
    let records = waiting.iter().filter(|effect| matches!(effect, Effect::Record { .. })).count();
    assert_eq!(records, 1, "one at a time");
    while let Some(effect) = waiting.pop_front() {
        if let Some(event) = sim.perform(effect) {
            waiting.extend(sim.machine.apply(event, 1));
        }
    }
    let codes: Vec<_> = sim.answers.values().map(code).collect();
    assert_eq!(codes, ["ok", "stale_revision"]);
    assert_eq!(sim.at(), "read=canary 1 %");
}

#[test]
fn legacy_all_is_one_revision_with_a_latch() {
    let mut sim = Sim::new("read live\n copied shadow\n part canary 5\n gone retired");
    sim.promote_to("copied", "canary 5").unwrap();
    let head = sim.head();
    sim.ask(Ask::LegacyAll(true)).unwrap();
    let safe = "read=legacy (held) copied=shadow (held) part=legacy (held) gone=retired";
    assert_eq!((sim.at().as_str(), sim.head()), (safe, head + 1));
    let last = sim.store.revisions.last().unwrap();
    assert_eq!((last.trigger, last.actor.as_str()), (Trigger::KillSwitch, "legacy-all"));
    assert_eq!(code(&sim.promote("part")), "legacy_all");

    sim.load("read live\n copied live\n part canary 5\n gone retired\n fresh live").unwrap();
    assert_eq!(sim.at(), format!("{safe} fresh=legacy (held)"), "files do not get around it");
    sim.ask(Ask::LegacyAll(false)).unwrap();
    assert_eq!(sim.at(), format!("{safe} fresh=legacy (held)"), "the latch stays");
    assert_eq!(code(&sim.promote("part")), "held");
    sim.release("part").unwrap();
    assert_eq!(code(&sim.promote("part")), "ok");
    sim.assert_in_step();
}

#[test]
fn legacy_all_does_not_wait_in_line() {
    let mut sim = Sim::new("read canary 5");
    let promote = Action::Promote { to: None, percent: None, force: false };
    let ask = Ask::Move(by("read", Role::Migrator, promote));
    let recording = sim.machine.apply(Event::Ask(Some(1), ask), 1);
    assert!(matches!(recording[..], [Effect::Record { .. }]));
    let effects = sim.machine.apply(Event::Ask(Some(2), Ask::LegacyAll(true)), 1);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Publish)));
    assert_eq!(sim.at(), "read=legacy (held)", "in force while the promotion is being recorded");
}

#[test]
fn nothing_to_do_is_a_success_for_every_mover() {
    let mut sim = Sim::new("read shadow\n list shadow\n gone retired\n far legacy group=rest");
    sim.promote_to("far", "shadow").unwrap();
    let home = Action::Rollback { to: Some(target("legacy")) };
    sim.act("far", Role::Operator, home.clone()).unwrap();
    let (head, before) = (sim.head(), sim.at());
    let promote = |to| Action::Promote { to: Some(to), percent: None, force: false };
    for (id, action) in [
        ("read", Action::Rollback { to: None }),
        ("far", Action::Rollback { to: None }),
        ("far", home),
        ("*", Action::Rollback { to: None }),
        ("group:rest", Action::Rollback { to: None }),
        ("read", promote(Phase::Shadow)),
        ("group:devices", promote(Phase::Shadow)),
        ("gone", promote(Phase::Retired)),
        ("read", Action::Release),
    ] {
        let done = sim.act(id, Role::Approver, action.clone()).unwrap();
        assert_eq!((done.moved.len(), done.revision), (0, head), "{id} {action:?}");
    }
    assert_eq!((sim.at(), sim.head()), (before, head));
    sim.ask(Ask::LegacyAll(true)).unwrap();
    assert_eq!(sim.machine.truth().state("far").target(), target("legacy"), "never forward");
    assert_eq!(code(&sim.act("read", Role::Migrator, promote(Phase::Shadow))), "ok");
    assert_eq!(code(&sim.act("far", Role::Migrator, promote(Phase::Shadow))), "legacy_all");
}

#[test]
fn a_latch_is_told_in_words() {
    let mut sim = Sim::new("read canary 5");
    sim.hold("read").unwrap();
    let refused = sim.promote("read").unwrap_err();
    assert_eq!(refused.to_string(), "route `read` is held by ann: a test");
    sim.load("read live").unwrap();
    assert_eq!(sim.machine.truth().blocked()[0].1.why, "it is held by ann: a test");
}
