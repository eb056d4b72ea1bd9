//! What holds whatever happens.

use proptest::prelude::*;

use super::*;

/// One look's surprises.
#[derive(Clone, Debug)]
struct Happening {
    requests: u64,
    bad: u64,
    legacy_bad: u64,
    restart: bool,
    seconds: u64,
    counters: bool,
    data: u8,
    percent: u16,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = (
        0u64..200,
        0u64..200,
        0u64..1_000,
        prop::bool::weighted(0.1),
        0u64..100,
        any::<bool>(),
        0u8..6,
        0u16..=101,
    )
        .prop_map(|(requests, bad, legacy_bad, restart, seconds, counters, data, percent)| {
            Happening {
                requests,
                bad: bad.min(requests),
                legacy_bad,
                restart,
                seconds,
                counters,
                data,
                percent,
            }
        });
    prop::collection::vec(one, 1..80)
}

fn outcome(data: u8) -> Outcome {
    match data {
        0 => Outcome::inconclusive(Reason::NoData, "data"),
        1 => Outcome::Error(trouble()),
        2 => Outcome::fail(Reaction::Freeze, "x".into()),
        3 => Outcome::fail(Reaction::StepBack, "x".into()),
        4 => Outcome::fail(Reaction::SafePhase, "x".into()),
        _ => Outcome::Pass,
    }
}

impl Rig {
    fn happen(&mut self, happening: &Happening) -> Assessment {
        if happening.restart {
            self.traffic = Ok(Traffic::default());
        }
        if happening.percent <= 100 && happening.percent > 0 {
            self.state = self.state.at(canary(f64::from(happening.percent)), 3);
        } else if happening.percent == 101 {
            self.state = self.state.at(Target::phase(Phase::Live), 3);
        }
        self.further = data(outcome(happening.data));
        self.now_ms += happening.seconds * SECOND_MS;
        if let Ok(traffic) = &mut self.traffic {
            traffic.legacy.tally.bad += happening.legacy_bad;
            traffic.legacy.trials += happening.legacy_bad;
            traffic.new.trials += happening.bad;
            traffic.legacy.subjects = 950;
            traffic.new.subjects = 50;
        }
        let assessment = self.second(happening.requests, happening.bad);
        if happening.counters {
            return assessment;
        }
        let known = std::mem::replace(&mut self.traffic, Err(trouble()));
        let assessment = self.look();
        self.traffic = known;
        assessment
    }
}

proptest! {
    /// Inconclusive and error neither advance nor take back; a fail of any gate never advances.
    #[test]
    fn steps_are_backed_by_answers(happenings in happenings()) {
        let mut rig = Rig::new(spec());
        for happening in &happenings {
            let assessment = rig.happen(happening);
            let Some(proposal) = &assessment.proposal else { continue };
            let worst = assessment.answers.iter().filter_map(|answer| answer.outcome.reaction()).max();
            match proposal.step {
                Step::Advance(target) => {
                    prop_assert!(rig.state.is_forward(target));
                    prop_assert_eq!(&assessment.obstacles, &vec![]);
                    prop_assert_eq!(worst, None);
                    let is_pass = |answer: &Answer| !answer.required || answer.outcome == Outcome::Pass;
                    prop_assert!(assessment.answers.iter().all(is_pass));
                }
                Step::StepBack(_) | Step::SafePhase(_)
                    if !matches!(assessment.unmet(), Some(Obstacle::TakenBack(_))) =>
                {
                    prop_assert!(false, "it goes back, and a step forward was open")
                }
                Step::StepBack(target) => {
                    prop_assert!(!rig.state.is_forward(target));
                    prop_assert_eq!(worst, Some(Reaction::StepBack));
                }
                Step::SafePhase(target) => {
                    prop_assert_eq!(target.phase, rig.state.safe_phase());
                    prop_assert!(worst >= Some(Reaction::StepBack));
                }
                Step::Freeze => prop_assert!(worst.is_some() || assessment.is_blind),
                Step::Release => prop_assert!(false, "nothing is held"),
            }
        }
    }

    /// Whatever was before: a gate that asks for the safe phase gets it.
    #[test]
    fn the_way_back_is_always_open(happenings in happenings()) {
        let mut rig = Rig::new(spec());
        for happening in &happenings {
            rig.happen(happening);
        }
        rig.state.held = Some(Held::because("a person"));
        rig.further = data(Outcome::fail(Reaction::SafePhase, "lost".into()));
        prop_assert!(matches!(step(&rig.second(1, 0)), Some(Step::SafePhase(_))));
    }

    #[test]
    fn the_same_looks_give_the_same_assessments(happenings in happenings()) {
        let [mut one, mut other] = [Rig::new(spec()), Rig::new(spec())];
        for happening in &happenings {
            prop_assert_eq!(one.happen(happening), other.happen(happening));
        }
    }

    /// Two sides that fail alike are never taken back, however the numbers come.
    #[test]
    fn an_equal_pair_is_not_taken_back(bads in prop::collection::vec((0u64..50, 0u64..5), 1..200)) {
        let mut rig = Rig::new(spec());
        for (bad, jitter) in bads {
            if let Ok(traffic) = &mut rig.traffic {
                // Twenty times the requests, twenty times the failures.
                traffic.legacy.tally.bad += 20 * bad + jitter;
                traffic.legacy.trials += 20 * bad + jitter;
                traffic.new.trials += bad;
                traffic.legacy.subjects = 950;
                traffic.new.subjects = 50;
            }
            let step = step(&rig.second(50, bad));
            prop_assert!(!matches!(step, Some(Step::SafePhase(_) | Step::StepBack(_))), "{:?}", step);
        }
    }
}
