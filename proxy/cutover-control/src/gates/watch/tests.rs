use cutover_domain::{
    RouteState, RouteTable, Target,
    gate::{SideTraffic, Signals, Source, Streak, Traffic, Trouble},
    slo::Tally,
};

use super::*;
use crate::fixtures::{declaration, target};

/// A route in `canary 5`, and what is seen of it.
struct Rig {
    declaration: Declaration,
    route: Route,
    watch: Watch,
    traffic: Traffic,
    trouble: Option<Trouble>,
    now_ms: u64,
}

impl Rig {
    fn new(file: &str) -> Rig {
        let declaration = declaration(file);
        let state = RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1);
        let state = state.at(target("canary 5"), 2);
        let table = RouteTable::build(&declaration, 2, |_| state.clone()).unwrap();
        let route = table.routes[0].clone();
        let watch = Watch::new(&route, &declaration, 0);
        let (traffic, trouble) = (Traffic::default(), None);
        Rig { declaration, route, watch, traffic, trouble, now_ms: 1_000_000 }
    }

    /// A second passes, with these answers of new.
    fn look(&mut self, good: u64, bad: u64) -> (Assessment, Found) {
        self.now_ms += 1_000;
        let side = |before: &SideTraffic, good: u64, bad: u64| SideTraffic {
            tally: Tally {
                requests: before.tally.requests + good + bad,
                bad: before.tally.bad + bad,
                slow: 0,
            },
            trials: before.trials + bad,
            subjects: 100,
            ..SideTraffic::default()
        };
        let failures = if good > 0 { 0 } else { self.traffic.streak.failures + bad };
        self.traffic = Traffic {
            legacy: side(&self.traffic.legacy, 900, 0),
            new: side(&self.traffic.new, good, bad),
            streak: Streak { failures, subjects: failures.min(8) },
        };
        let signals = Signals { objectives: true, traces: true, dashboards: true };
        let trouble = self.trouble.as_ref();
        let seen = Observation {
            now_ms: self.now_ms,
            state: &self.route.state,
            latch: None,
            stepped_back_ms: &[],
            build: Some("b1"),
            traffic: trouble.map_or(Ok(&self.traffic), Err),
            parity: trouble.map_or(Ok(None), Err),
            signals: trouble.map_or(Ok(signals), Err),
            approved: None,
            further: &[],
        };
        self.watch.look(&seen)
    }
}

#[test]
fn a_route_that_asks_nothing_is_not_watched() {
    assert!(!Rig::new("read canary 5").watch.is_watching());
    assert!(Rig::new("read canary 5 promised").watch.is_watching());
    assert!(Rig::new("read canary 5 gated").watch.is_watching());
}

#[test]
fn a_change_is_told_once_and_figures_are_no_change() {
    let mut rig = Rig::new("read canary 5 promised");
    assert!(rig.look(5, 0).1.tells, "what was believed at the start, since new serves");
    // Until enough requests came for every gate to say all it can.
    for _ in 0..100 {
        rig.look(5, 0);
    }
    for _ in 0..30 {
        let found = rig.look(5, 0).1;
        assert_eq!((found.changed.is_empty(), found.tells, found.acts), (true, false, false));
    }
    let mut told = Vec::new();
    for _ in 0..10 {
        let (_, found) = rig.look(0, 10);
        told.extend(found.tells.then_some(found.changed));
    }
    let changes: Vec<_> = told.concat();
    let mut once = changes.clone();
    once.dedup();
    assert!(changes.contains(&"hard_stop") && changes == once, "{told:?}");
}

#[test]
fn a_step_is_asked_for_until_it_is_answered() {
    let mut rig = Rig::new("read canary 5 promised");
    rig.look(5, 0);
    let first = (0..10).find_map(|_| {
        let (assessment, found) = rig.look(0, 20);
        found.acts.then_some(assessment)
    });
    let step = first.expect("100 % failing is acted upon").proposal.unwrap().step;
    assert_eq!(step.as_str(), "safe_phase");
    rig.watch.is_asking = true;
    assert!(!rig.look(0, 20).1.acts, "it is under way");
    rig.watch.is_asking = false;
    assert!(rig.look(0, 20).1.acts, "it was refused");
    assert!(rig.watch.was_refused(step, "stale_revision"));
    assert!(!rig.watch.was_refused(step, "stale_revision"), "told once");
    assert!(rig.watch.was_refused(step, "store_unreachable"));
}

#[test]
fn trouble_is_told_and_nothing_is_done() {
    let mut rig = Rig::new("read canary 5 promised");
    rig.look(5, 0);
    rig.trouble = Some(Trouble { asked: Source::Store, what: "it is gone".into() });
    let found = rig.look(0, 100).1;
    assert!(found.tells && found.changed.contains(&"burn") && !found.acts, "{found:?}");
    for _ in 0..100 {
        let (assessment, found) = rig.look(0, 100);
        assert!(!found.acts && !found.tells, "{assessment:?}");
    }
}

#[test]
fn gates_that_waver_do_not_fill_the_disk() {
    let mut rig = Rig::new("read canary 5 promised");
    let mut told = 0;
    for at in 0..1_000 {
        let what = "it is gone".into();
        rig.trouble = (at % 2 == 0).then_some(Trouble { asked: Source::Store, what });
        told += u32::from(rig.look(5, 0).1.tells);
    }
    assert!((RECORDS_AN_HOUR..=2 * RECORDS_AN_HOUR).contains(&told), "{told}");
}

#[test]
fn other_objectives_begin_anew_and_the_same_do_not() {
    let mut rig = Rig::new("read canary 5 promised");
    rig.look(5, 0);
    let before = rig.watch.basis.clone();
    rig.watch.follow(&rig.route, &rig.declaration, 0);
    assert_eq!(rig.watch.basis, before);
    rig.declaration.gates.windows_scale = 60.0;
    rig.watch.follow(&rig.route, &rig.declaration, 0);
    assert_ne!(rig.watch.basis, before);
}
