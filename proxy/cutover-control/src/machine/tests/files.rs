//! Who owns the phase: routing.md §4.

use super::*;

#[test]
fn a_route_first_seen_starts_where_its_file_says() {
    let sim = Sim::new("read canary 5\n seen live\n quiet legacy\n copied shadow");
    assert_eq!(sim.at(), "read=canary 5 % seen=live quiet=legacy copied=shadow");
    assert_eq!(sim.head(), 1, "one revision for all of them");
    let first = &sim.store.revisions[0];
    assert_eq!((first.actor.as_str(), first.trigger), ("file", Trigger::File));
    assert_eq!(first.config_hash.as_deref(), Some(&*arc_hash(&sim)));
    assert!(record(&sim, "copied").state.shadowed && !record(&sim, "read").state.shadowed);
    sim.assert_in_step();
}

#[test]
fn the_same_files_again_are_no_revision() {
    let mut sim = Sim::new("read canary 5");
    assert_eq!(sim.load("read canary 5").unwrap().revision, 1);
    let sim = sim.restart("read canary 5");
    assert_eq!(sim.head(), 1);
    assert_eq!(sim.at(), "read=canary 5 %");
    sim.assert_in_step();
}

#[test]
fn an_unchanged_file_never_undoes_a_move() {
    let mut sim = Sim::new("read canary 5\n other legacy");
    sim.rollback("read").unwrap();
    sim.load("read canary 5\n other shadow").unwrap();
    assert_eq!(sim.at(), "read=legacy other=shadow");
    let sim = sim.restart("read canary 5\n other shadow");
    assert_eq!(sim.at(), "read=legacy other=shadow");
    assert_eq!(sim.blocked(), "", "the operator's word was later than the file's");
}

#[test]
fn a_changed_file_moves_its_route_and_only_that() {
    let mut sim = Sim::new("read shadow\n other shadow");
    sim.promote_to("other", "canary 50").unwrap();
    let done = sim.load("read canary 5\n other shadow").unwrap();
    assert_eq!(sim.at(), "read=canary 5 % other=canary 50 %");
    assert_eq!(done.moved.len(), 1);
    sim.load("read legacy\n other shadow").unwrap();
    assert_eq!(sim.at(), "read=legacy other=canary 50 %");
}

#[test]
fn a_file_that_says_where_the_route_already_is_takes_the_word() {
    let mut sim = Sim::new("read shadow");
    sim.promote("read").unwrap();
    sim.load("read canary 1").unwrap();
    assert_eq!(sim.at(), "read=canary 1 %");
    assert_eq!(record(&sim, "read").declared, Some(target("canary 1")));
    sim.assert_in_step();
}

#[test]
fn what_a_file_may_not_have_waits_and_says_why() {
    for (start, held, asked, code) in [
        ("read legacy", false, "read live", "skips_phase"),
        ("read legacy", false, "read canary 5", "skips_phase"),
        ("read shadow", true, "read canary 5", "held"),
        ("read live", false, "read retired", "needs_approver"),
        ("read retired", false, "read legacy", "retired"),
        ("read legacy no-new", false, "read shadow no-new", "no_new"),
        ("read legacy post", false, "read shadow post", "no_write_class"),
        (
            "read shadow writes=unsafe post",
            false,
            "read canary 5 writes=unsafe post",
            "writes_stay",
        ),
    ] {
        let mut sim = Sim::new(start);
        let before = sim.machine.truth().state("read").target();
        if held {
            sim.hold("read").unwrap();
        }
        sim.load(asked).unwrap();
        assert_eq!(sim.blocked(), format!("read:{code}"), "{start} → {asked}");
        assert_eq!(sim.machine.truth().state("read").target(), before, "{start} → {asked}");
        let sim = sim.restart(asked);
        assert_eq!(sim.blocked(), format!("read:{code}"), "after a restart: {start} → {asked}");
    }
}

#[test]
fn what_waits_happens_as_soon_as_it_may() {
    let mut sim = Sim::new("read shadow");
    sim.hold("read").unwrap();
    sim.load("read canary 5").unwrap();
    assert_eq!(sim.at(), "read=shadow (held)");
    sim.release("read").unwrap();
    assert_eq!(sim.at(), "read=canary 5 %");
    assert_eq!(sim.blocked(), "");
    let last = sim.store.revisions.last().unwrap();
    assert_eq!((last.actor.as_str(), last.trigger), ("file", Trigger::File));
    sim.assert_in_step();
}

#[test]
fn what_waits_is_dropped_by_a_later_move() {
    let mut sim = Sim::new("read canary 5");
    sim.hold("read").unwrap();
    sim.load("read canary 50").unwrap();
    assert_eq!(sim.blocked(), "read:held");
    sim.rollback("read").unwrap();
    assert_eq!(sim.blocked(), "");
    sim.release("read").unwrap();
    assert_eq!(sim.at(), "read=legacy");
}

#[test]
fn a_file_steps_back_even_where_a_latch_is_on() {
    let mut sim = Sim::new("read live");
    sim.hold("read").unwrap();
    sim.load("read shadow").unwrap();
    assert_eq!(sim.at(), "read=shadow (held)");
}

#[test]
fn a_first_value_that_may_not_be_waits_in_legacy() {
    let mut sim = Sim::new("write canary 5 post writes=unsafe");
    assert_eq!(sim.at(), "write=legacy");
    assert_eq!(sim.blocked(), "write:writes_stay");
    // Once it may be, this still is its first sight.
    sim.load("write canary 5 post writes=unsafe group=shared").unwrap();
    assert_eq!(sim.at(), "write=canary 5 %");
}

#[test]
fn a_new_name_is_no_way_around_a_step() {
    let mut sim = Sim::new("read legacy");
    sim.load("get live path=read").unwrap();
    assert_eq!((sim.at(), sim.blocked()), ("get=legacy".into(), "get:skips_phase".into()));
    sim.load("get live path=read").unwrap();
    assert_eq!((sim.at(), sim.blocked()), ("get=legacy".into(), "get:skips_phase".into()));
    sim.load("get shadow path=read").unwrap();
    assert_eq!(sim.at(), "get=shadow");
    sim.assert_in_step();
}

#[test]
fn a_new_name_is_no_way_around_a_latch() {
    let mut sim = Sim::new("read shadow");
    sim.hold("read").unwrap();
    sim.load("get canary 5 path=read").unwrap();
    assert_eq!((sim.at(), sim.blocked()), ("get=shadow (held)".into(), "get:held".into()));
    sim.assert_in_step();
}

#[test]
fn a_route_that_goes_keeps_its_past() {
    let mut sim = Sim::new("read live\n other legacy");
    sim.rollback("read").unwrap();
    sim.load("other legacy").unwrap();
    assert_eq!(sim.at(), "other=legacy");
    assert!(sim.machine.truth().routes.contains_key("read"));
    sim.load("read live\n other legacy").unwrap();
    assert_eq!(sim.at(), "read=legacy other=legacy", "its file's value is not new");
    assert_eq!(code(&sim.promote("gone")), "unknown_route");
}

#[test]
fn files_that_make_no_table_change_nothing() {
    let mut sim = Sim::new("read shadow");
    let mut twice = arc("read shadow").as_ref().clone();
    let twin =
        cutover_domain::RouteSpec { id: "twin".into(), ..twice.declaration.routes[0].clone() };
    twice.declaration.routes.push(twin);
    let (author, reason) = (Author::files(), String::new());
    let ask = Ask::Load { loaded: Arc::new(twice), author, reason, expect: None };
    let refused = sim.ask(ask).unwrap_err();
    assert_eq!(refused.code().as_str(), "invalid_config");
    assert!(refused.to_string().contains("`twin`"), "{refused}");
    assert_eq!((sim.at().as_str(), sim.head()), ("read=shadow", 1));
}

#[test]
fn files_may_not_take_away_what_a_phase_needs() {
    for (start, asked, part) in [
        ("read live", "read live no-new", "no `new`"),
        ("read canary 5", "read live no-new", "no `new`"),
        (
            "write canary 5 post writes=unsafe group=shared",
            "write canary 5 post writes=unsafe",
            "shared_store",
        ),
        ("write live post writes=unsafe group=shared", "write live post group=shared", "class"),
        ("read canary 5", "read canary 5 group=rest", "salt"),
        ("read canary 5", "read canary 50 group=rest", "salt"),
        ("read live\n other legacy", "other legacy", "gone from the files"),
        ("read canary 5\n other legacy", "other legacy", "gone from the files"),
    ] {
        let mut sim = Sim::new(start);
        let before = sim.at();
        let refused = sim.load(asked).unwrap_err();
        assert_eq!(refused.code().as_str(), "invalid_config", "{start} → {asked}");
        assert!(refused.to_string().contains(part), "{refused}");
        assert_eq!((sim.at(), sim.head()), (before, 1));
    }
    for (start, asked, expected) in [
        ("read live", "read legacy no-new", "read=legacy"),
        ("read live", "read live group=rest", "read=live"),
        ("read shadow", "read canary 5 group=rest", "read=canary 5 %"),
        ("read shadow\n other legacy", "other legacy", "other=legacy"),
    ] {
        let mut sim = Sim::new(start);
        sim.load(asked).unwrap();
        assert_eq!(sim.at(), expected, "{start} → {asked}");
    }
}

#[test]
fn applying_files_names_the_head_it_was_planned_for() {
    let mut sim = Sim::new("read shadow");
    sim.promote("read").unwrap();
    assert_eq!(code(&sim.load_expecting("read live", Some(1))), "stale_revision");
    assert_eq!(sim.at(), "read=canary 1 %");
    assert_eq!(code(&sim.load_expecting("read live", Some(2))), "ok");
    assert_eq!(sim.at(), "read=live");
}

#[test]
fn only_other_settings_changed_is_a_revision_too() {
    let mut sim = Sim::new("read shadow");
    let done = sim.load("read shadow writes=safe").unwrap();
    assert_eq!((done.revision, done.moved.len()), (2, 0));
    assert_eq!(sim.machine.truth().generation, 2);
    sim.assert_in_step();
}

fn arc_hash(sim: &Sim) -> String {
    sim.machine.truth().loaded.as_ref().unwrap().hash.clone()
}

#[test]
fn retiring_needs_an_approver_at_first_sight_too() {
    let mut sim = Sim::on(Memory::empty("one"), Truth::unknown());
    sim.store_comes();
    let done = sim.load("read retired").unwrap();
    assert_eq!(done.moved[0].to.to_string(), "live", "where the same side serves it");
    assert_eq!(sim.blocked(), "read:needs_approver");
    let mut sim = sim.restart("read retired");
    assert_eq!((sim.at().as_str(), sim.blocked().as_str()), ("read=live", "read:needs_approver"));
    assert_eq!(code(&sim.promote("read")), "needs_approver", "a migrator is none");
    sim.promote_to("read", "retired").unwrap();
    assert_eq!((sim.at().as_str(), sim.blocked().as_str()), ("read=retired", ""));
    sim.assert_in_step();
}

#[test]
fn routes_that_come_and_go_are_named() {
    let mut sim = Sim::new("read shadow\n list shadow\n far legacy");
    assert_eq!(sim.store.revisions[0].listing, Listing::default(), "nothing is known before it");
    sim.load("far legacy\n fresh legacy").unwrap();
    let expected =
        Listing { added: vec!["fresh".into()], removed: vec!["list".into(), "read".into()] };
    assert_eq!(sim.store.revisions.last().unwrap().listing, expected);
    let told =
        |fact: &Fact| matches!(fact, Fact::ConfigAccepted { listing, .. } if *listing == expected);
    assert!(sim.facts.iter().any(told));
}
