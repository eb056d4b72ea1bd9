use super::*;
use crate::{
    Held,
    gate::{
        Approval, Dwell, Latch, LatchedBy, Proposal, Reaction, Reason, SideTraffic, Signals,
        Source, Step, Streak,
    },
    slo::{Objective, Tally},
};

mod properties;

const SECOND_MS: u64 = 1_000;
const SEEN: Signals = Signals { objectives: true, traces: true, dashboards: true };

/// A route in canary whose only gates are burn rates and what its tests say; steps take 10 s.
struct Rig {
    judge: Judge,
    state: RouteState,
    now_ms: u64,
    traffic: Result<Traffic, Trouble>,
    latch: Option<Latch>,
    build: Option<&'static str>,
    approved: Option<Target>,
    stepped_back_ms: Vec<u64>,
    further: Vec<Answer>,
}

fn spec() -> GateSpec {
    GateSpec {
        automatic: true,
        required: [Gate::Burn, Gate::Data].into(),
        dwell: Dwell { ms: 10 * SECOND_MS, requests: 100 },
        ..GateSpec::default()
    }
}

fn promise() -> Objectives {
    Objectives { availability: Objective::from_percent(99.9), ..Objectives::default() }
}

fn canary(percent: f64) -> Target {
    Target::canary(Percent::from_f64(percent).unwrap())
}

fn data(outcome: Outcome) -> Vec<Answer> {
    vec![Answer::new(Gate::Data, outcome, Vec::new())]
}

fn trouble() -> Trouble {
    Trouble { asked: Source::Sync, what: "it does not answer".into() }
}

fn step(assessment: &Assessment) -> Option<Step> {
    assessment.proposal.as_ref().map(|proposal| proposal.step)
}

impl Rig {
    fn new(spec: GateSpec) -> Rig {
        let settings = Settings { evaluate_ms: SECOND_MS, ..Settings::default() };
        Rig {
            judge: Judge::new(promise(), Some(spec), settings),
            state: RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1).at(canary(5.0), 2),
            now_ms: 1_000_000,
            traffic: Ok(Traffic::default()),
            latch: None,
            build: None,
            approved: None,
            stepped_back_ms: Vec::new(),
            further: data(Outcome::Pass),
        }
    }

    /// A second in which new serves `requests`, `bad` of them badly, and legacy serves 1,000 well.
    fn second(&mut self, requests: u64, bad: u64) -> Assessment {
        if let Ok(traffic) = &mut self.traffic {
            traffic.legacy.tally.requests += 1_000;
            traffic.new.tally.requests += requests;
            traffic.new.tally.bad += bad;
        }
        self.now_ms += SECOND_MS;
        self.look()
    }

    fn look(&mut self) -> Assessment {
        self.judge.observe(&Observation {
            now_ms: self.now_ms,
            state: &self.state,
            latch: self.latch.as_ref(),
            stepped_back_ms: &self.stepped_back_ms,
            build: self.build,
            traffic: self.traffic.as_ref(),
            parity: Ok(None),
            signals: Ok(SEEN),
            approved: self.approved,
            further: &self.further,
        })
    }

    /// Healthy seconds until something is proposed, and how many there were.
    fn until_proposed(&mut self, seconds: u64) -> Option<(u64, Step)> {
        (1..=seconds).find_map(|second| Some((second, step(&self.second(20, 0))?)))
    }
}

#[test]
fn a_route_that_declares_nothing_is_left_alone() {
    let mut rig = Rig::new(spec());
    rig.judge = Judge::new(Objectives::default(), None, Settings::default());
    assert!(!rig.judge.is_watching());
    for _ in 0..30 {
        let assessment = rig.second(100, 100);
        assert_eq!((assessment.obstacles, assessment.proposal), (vec![], None));
    }
}

#[test]
fn a_route_that_promises_something_is_taken_back_though_it_requires_nothing() {
    let mut rig = Rig::new(spec());
    rig.judge = Judge::new(promise(), None, Settings::default());
    rig.second(100, 0);
    let assessment = rig.second(100, 100);
    assert_eq!(assessment.obstacles, [Obstacle::TakenBack(Gate::Burn)]);
    assert_eq!(step(&assessment), Some(Step::SafePhase(Target::phase(Phase::Shadow))));
}

#[test]
fn what_would_be_taken_back_is_no_step_forward_whether_it_is_required_or_not() {
    let back = Some(Obstacle::TakenBack(Gate::Devices));
    let declared = || Some(GateSpec { required: [Gate::Burn].into(), ..spec() });
    for (reaction, spec, phase, expected) in [
        (Reaction::StepBack, declared(), Phase::Shadow, back.clone()),
        (Reaction::SafePhase, declared(), Phase::Canary, back.clone()),
        (Reaction::StepBack, None, Phase::Shadow, back),
        // No step by itself, but what a person does stands.
        (Reaction::Freeze, declared(), Phase::Shadow, None),
    ] {
        let mut rig = Rig::new(self::spec());
        rig.judge = Judge::new(promise(), spec, Settings::default());
        if phase == Phase::Shadow {
            rig.state = RouteState::INITIAL.at(Target::phase(phase), 1);
        }
        let outcome = Outcome::fail(reaction, "3 devices are silent".into());
        rig.further = vec![Answer::new(Gate::Devices, outcome, Vec::new())];
        rig.second(100, 0);
        assert_eq!(rig.second(100, 0).unmet(), expected.as_ref(), "{reaction:?} in {phase}");
    }
}

#[test]
fn a_required_gate_that_takes_back_is_told_once() {
    let mut rig = Rig::new(spec());
    rig.further = data(Outcome::fail(Reaction::StepBack, "pending".into()));
    rig.second(100, 0);
    let obstacles = rig.second(100, 0).obstacles;
    assert_eq!(obstacles, [Obstacle::TakenBack(Gate::Data), Obstacle::Dwell]);
}

#[test]
fn it_goes_up_after_time_and_requests() {
    let mut rig = Rig::new(spec());
    // Burn rates say something from 70 requests on, which is after four seconds.
    assert_eq!(rig.until_proposed(60), Some((14, Step::Advance(canary(25.0)))));
    rig.state = rig.state.at(canary(25.0), 3);
    assert_eq!(rig.until_proposed(60), Some((11, Step::Advance(canary(50.0)))));
    rig.state = rig.state.at(canary(100.0), 4);
    assert_eq!(rig.until_proposed(60), Some((11, Step::Advance(Target::phase(Phase::Live)))));
    rig.state = rig.state.at(Target::phase(Phase::Live), 5);
    assert_eq!(rig.until_proposed(60), None);
}

#[test]
fn it_stays_where_it_is_unless_it_is_automatic() {
    let mut rig = Rig::new(GateSpec { automatic: false, ..spec() });
    assert_eq!(rig.until_proposed(60), None);
    assert_eq!(rig.look().obstacles, [], "but a person may go on");
    let mut rig = Rig::new(spec());
    rig.state = RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1);
    assert_eq!(rig.until_proposed(60), None, "a person begins the canary");
}

#[test]
fn what_waits_waits_and_moves_nothing() {
    let unknown = Outcome::inconclusive(Reason::NoData, "data");
    for outcome in [unknown, Outcome::Error(trouble())] {
        let mut rig = Rig::new(spec());
        rig.further = data(outcome);
        assert_eq!(rig.until_proposed(600), None);
        assert_eq!(rig.look().obstacles, [Obstacle::Gate(Gate::Data), Obstacle::Dwell]);
    }
    let mut rig = Rig::new(spec());
    rig.further.clear();
    assert_eq!(rig.until_proposed(60), None);
    assert_eq!(rig.look().obstacles, [Obstacle::Silent(Gate::Data)]);
}

#[test]
fn reactions_are_those_of_the_answers_whoever_gave_them() {
    for (reaction, expected) in [
        (Reaction::Freeze, Step::Freeze),
        (Reaction::StepBack, Step::StepBack(canary(1.0))),
        (Reaction::SafePhase, Step::SafePhase(Target::phase(Phase::Shadow))),
    ] {
        let mut rig = Rig::new(spec());
        rig.further = data(Outcome::fail(reaction, "12 changes are pending".into()));
        let Some(Proposal { step, gate, why }) = rig.second(20, 0).proposal else {
            panic!("{reaction:?} is proposed")
        };
        assert_eq!((step, gate, &*why), (expected, Some(Gate::Data), "12 changes are pending"));
    }
}

#[test]
fn below_the_first_step_is_the_safe_phase() {
    let mut rig = Rig::new(spec());
    rig.state = rig.state.at(canary(1.0), 3);
    rig.further = data(Outcome::fail(Reaction::StepBack, "slow".into()));
    let assessment = rig.second(20, 0);
    assert_eq!(step(&assessment), Some(Step::SafePhase(Target::phase(Phase::Shadow))));
    let latch = assessment.proposal.unwrap().latch(Some("b1"));
    assert_eq!(latch, Held { cause: "data: slow".into(), build: Some("b1".into()) });
}

#[test]
fn a_second_step_back_waits_for_a_dwell_and_the_safe_phase_does_not() {
    let mut rig = Rig::new(spec());
    rig.state = rig.state.at(canary(25.0), 3);
    rig.further = data(Outcome::fail(Reaction::StepBack, "slow".into()));
    assert_eq!(step(&rig.second(20, 0)), Some(Step::StepBack(canary(5.0))));
    rig.state = rig.state.at(canary(5.0), 4);
    let steps: Vec<_> = (0..11).map(|_| step(&rig.second(20, 0)).unwrap()).collect();
    assert_eq!(steps[..10], [Step::Freeze; 10]);
    assert_eq!(steps[10], Step::StepBack(canary(1.0)));
    rig.state = rig.state.at(canary(1.0), 5);
    rig.further = data(Outcome::fail(Reaction::SafePhase, "lost".into()));
    assert!(matches!(step(&rig.second(20, 0)), Some(Step::SafePhase(_))));
}

#[test]
fn the_third_step_back_within_a_day_goes_to_the_safe_phase() {
    let mut rig = Rig::new(spec());
    rig.now_ms += 48 * 3_600 * SECOND_MS;
    let hours_ago = |rig: &Rig, hours: u64| rig.now_ms - hours * 3_600 * SECOND_MS;
    rig.further = data(Outcome::fail(Reaction::StepBack, "slow".into()));
    rig.stepped_back_ms = vec![hours_ago(&rig, 1), hours_ago(&rig, 25)];
    assert_eq!(step(&rig.second(20, 0)), Some(Step::StepBack(canary(1.0))), "one is of yesterday");
    rig.stepped_back_ms = vec![hours_ago(&rig, 1), hours_ago(&rig, 23)];
    let proposal = rig.second(20, 0).proposal.unwrap();
    assert_eq!(proposal.step, Step::SafePhase(Target::phase(Phase::Shadow)));
    assert_eq!(proposal.why, "slow; within 24 hours it was taken back 2 times");
    rig.further = data(Outcome::fail(Reaction::Freeze, "pending".into()));
    assert_eq!(step(&rig.second(20, 0)), Some(Step::Freeze), "what asks for no step takes none");
}

#[test]
fn a_fail_begins_the_dwell_anew() {
    let mut rig = Rig::new(spec());
    for _ in 0..12 {
        rig.second(20, 0);
    }
    rig.further = data(Outcome::fail(Reaction::Freeze, "pending".into()));
    assert_eq!(step(&rig.second(20, 0)), Some(Step::Freeze));
    rig.further = data(Outcome::Pass);
    assert_eq!(rig.until_proposed(60), Some((10, Step::Advance(canary(25.0)))));
}

#[test]
fn what_nobody_looked_at_is_no_dwell() {
    let mut rig = Rig::new(spec());
    for _ in 0..6 {
        rig.second(200, 0);
    }
    rig.now_ms += 3_600 * SECOND_MS;
    let assessment = rig.second(200, 0);
    assert_eq!(assessment.dwelt.passed_ms, 4 * SECOND_MS, "what passed before the hour is old");
}

#[test]
fn a_held_route_waits_for_another_build_and_for_the_time() {
    let mut rig = Rig::new(spec());
    let held = Held { cause: "burn: too fast".into(), build: Some("b1".into()) };
    rig.state =
        RouteState { held: Some(held.clone()), ..rig.state.at(Target::phase(Phase::Shadow), 3) };
    let since_ms = rig.now_ms;
    let (by, rollbacks_ms, asked) = (LatchedBy::Gates, vec![since_ms], vec![]);
    rig.latch = Some(Latch { held, by, since_ms, rollbacks_ms, asked });
    rig.build = Some("b2");
    assert_eq!(step(&rig.second(0, 0)), None);
    assert_eq!(rig.look().obstacles[0], Obstacle::Held("burn: too fast".into()));
    rig.now_ms += spec().cool_down_ms;
    assert_eq!(step(&rig.second(0, 0)), Some(Step::Release));
    rig.build = Some("b1");
    assert_eq!(step(&rig.second(0, 0)), None);
}

#[test]
fn who_is_blind_goes_no_further_than_five_percent() {
    let mut rig = Rig::new(GateSpec { required: [Gate::Burn].into(), ..spec() });
    rig.state = rig.state.at(canary(1.0), 3);
    rig.further = data(Outcome::Error(trouble()));
    rig.second(20, 0);
    rig.now_ms += 16 * 60 * SECOND_MS;
    let assessment = rig.second(20, 0);
    assert!(assessment.is_blind);
    let advance = rig.until_proposed(60).map(|(_, step)| step);
    assert_eq!(advance, Some(Step::Advance(canary(5.0))), "data is not required, and 5 % are few");
    rig.state = rig.state.at(canary(5.0), 4);
    let assessment = rig.second(20, 0);
    assert!(assessment.obstacles.contains(&Obstacle::Blind));
    assert_eq!(step(&assessment), Some(Step::Freeze));
    rig.further.clear();
    let assessment = rig.second(20, 0);
    assert!(!assessment.is_blind);
    assert_eq!(assessment.error_since_ms, None);
}

#[test]
fn a_person_is_waited_for_where_one_must_agree() {
    let mut rig = Rig::new(GateSpec { approval: Approval::Each, ..spec() });
    assert_eq!(rig.until_proposed(60), None);
    let assessment = rig.look();
    assert_eq!(assessment.obstacles, [Obstacle::Gate(Gate::Approval)]);
    assert_eq!(assessment.unmet(), None, "whoever promotes it agrees");
    rig.approved = Some(canary(25.0));
    assert_eq!(rig.until_proposed(60), Some((1, Step::Advance(canary(25.0)))));
}

#[test]
fn another_build_begins_anew_and_one_that_is_not_named_does_not() {
    let mut rig = Rig::new(spec());
    rig.build = Some("b1");
    for _ in 0..10 {
        rig.second(20, 0);
    }
    rig.build = None;
    assert!(rig.second(20, 0).dwelt.passed_ms > 0);
    rig.build = Some("b2");
    let assessment = rig.second(20, 0);
    assert_eq!(assessment.dwelt.passed_ms, 0);
    assert!(
        assessment.obstacles.contains(&Obstacle::Gate(Gate::Burn)),
        "requests of b1 are none of b2"
    );
}

#[test]
fn counters_that_begin_anew_are_no_failures() {
    let mut rig = Rig::new(spec());
    for _ in 0..10 {
        rig.second(1_000, 0);
    }
    rig.traffic = Ok(Traffic {
        new: SideTraffic {
            tally: Tally { requests: 3, bad: 0, slow: 0 },
            ..SideTraffic::default()
        },
        ..Traffic::default()
    });
    let assessment = rig.look();
    let burn = assessment.answer(Gate::Burn).unwrap();
    let requests = burn.facts.iter().find(|fact| fact.name.ends_with("1 h requests")).unwrap();
    assert_eq!(requests.to_string(), "availability 1 h requests 9003");
}

#[test]
fn a_hard_stop_needs_the_failures_of_this_step() {
    let mut rig = Rig::new(spec());
    let fail = Streak { failures: 500, subjects: 3 };
    rig.traffic.as_mut().unwrap().streak = fail;
    rig.second(0, 0);
    assert_eq!(step(&rig.second(5, 0)), None, "they are from before");
    let proposal = rig.second(40, 40).proposal.unwrap();
    assert_eq!(proposal.gate, Some(Gate::HardStop));
    assert_eq!(proposal.why, "40 requests in a row failed");
}
