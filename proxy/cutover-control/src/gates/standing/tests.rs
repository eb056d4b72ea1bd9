use cutover_domain::{RouteState, RouteTable, gate::Dwelt};

use super::*;
use crate::fixtures::{declaration, target};

const EVERY_MS: u64 = 15_000;

/// The only route of `file`, at `place` since revision 7.
fn route(file: &str, place: &str) -> Route {
    let state = RouteState::INITIAL.at(target(place), 7);
    let table = RouteTable::build(&declaration(file), 7, |_| state.clone()).unwrap();
    table.routes[0].clone()
}

/// What a look at `route` found at 1,000,000 ms: nothing stands in its way.
fn passed(route: &Route, settings: Settings) -> Standings {
    let assessment = Assessment {
        answers: Vec::new(),
        next: None,
        obstacles: Vec::new(),
        dwelt: Dwelt::default(),
        error_since_ms: None,
        is_blind: false,
        proposal: None,
    };
    let (at_ms, revision) = (1_000_000, route.state.revision);
    let basis = Arc::new(Basis::of(&route.spec, settings));
    let standing = Standing { at_ms, revision, assessment, basis, build: None, spent: Vec::new() };
    let routes = [(route.spec.id.clone(), Arc::new(standing))].into();
    Standings { at_ms, every_ms: EVERY_MS, routes }
}

#[test]
fn what_passed_counts_for_a_while() {
    let (route, settings) = (route("read shadow gated", "shadow"), Settings::default());
    let standings = passed(&route, settings);
    let closed = |after_ms| standings.closed(&route, &settings, 1_000_000 + after_ms);
    assert_eq!(closed(LOOKS_MISSED * EVERY_MS), None);
    assert_eq!(closed(LOOKS_MISSED * EVERY_MS + 1), Some(Closed::Unseen));
}

#[test]
fn what_passed_at_one_step_does_not_open_the_next() {
    let (before, settings) = (route("read shadow gated", "canary 5"), Settings::default());
    let standings = passed(&before, settings);
    let mut moved = before.clone();
    moved.state = before.state.at(target("canary 25"), 8);
    assert_eq!(standings.closed(&before, &settings, 1_000_000), None);
    assert_eq!(standings.closed(&moved, &settings, 1_000_000), Some(Closed::Outdated));
}

#[test]
fn what_passed_says_nothing_of_what_is_asked_since() {
    let settings = Settings::default();
    let standings = passed(&route("read shadow gated", "shadow"), settings);
    let closed = |file: &str, settings: &Settings| {
        standings.closed(&route(file, "shadow"), settings, 1_000_000)
    };
    assert_eq!(closed("read shadow gated promised", &settings), Some(Closed::Outdated));
    assert_eq!(closed("read shadow gated steps=5,50", &settings), Some(Closed::Outdated));
    let strict = Settings { parity_min: 0.999, ..settings };
    assert_eq!(closed("read shadow gated", &strict), Some(Closed::Outdated));
    assert_eq!(closed("read canary 5 gated", &settings), None, "that is not asked of gates");
    assert_eq!(closed("read shadow", &settings), None, "it asks nothing of them");
}
