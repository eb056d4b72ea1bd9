//! The judge of one route: a state machine without a clock.

use super::{
    Answer, Assessment, Fact, Gate, GateSpec, Observation, Obstacle, Outcome, Reaction, Settings,
    Traffic, Trouble, burn, consent,
    dwell::{DwellClock, Elapsed, Look},
    hard_stop, latency,
    ledger::{Begins, Ledger},
    observability, parity, regression,
};
use crate::{Percent, Phase, RouteState, Target, slo::Objectives};

mod react;

/// Above 5 % nothing goes on while nobody sees what it does.
const BLIND_ABOVE: Percent = Percent::from_basis_points(500).expect("5 % is a percentage");
/// A route that gates took back so many times within a day is not better at its next attempt.
const STEPS_BACK_MAX: usize = 2;
/// For how long steps back are remembered.
const REMEMBERED_MS: u64 = 24 * 60 * 60_000;
/// A look credits at most so many of its intervals: what came between was not looked at.
const INTERVALS_MAX: u64 = 4;

/// Judges one route, look by look. What it has seen is in memory only: after a restart the step
/// begins anew, and young evidence has to be stronger.
#[derive(Clone, Debug)]
pub struct Judge {
    objectives: Objectives,
    is_declared: bool,
    /// What the route asks of its gates; if it declares nothing, nothing is required.
    spec: GateSpec,
    settings: Settings,
    now_ms: u64,
    /// `None` before the first look.
    step: Option<Step>,
    dwell: DwellClock,
    /// No second step back before this.
    settled_ms: u64,
    error_since_ms: Option<u64>,
}

/// What evidence is about: another share or another build begins anew.
#[derive(Clone, Debug)]
struct Step {
    target: Target,
    build: Option<Box<str>>,
    since_ms: u64,
    ledger: Ledger,
}

// === impl Judge ===

impl Judge {
    /// Knows nothing yet.
    pub fn new(objectives: Objectives, spec: Option<GateSpec>, settings: Settings) -> Judge {
        let nothing = || GateSpec { required: Default::default(), ..GateSpec::default() };
        Judge {
            objectives,
            is_declared: spec.is_some(),
            spec: spec.unwrap_or_else(nothing),
            settings,
            now_ms: 0,
            step: None,
            dwell: DwellClock::default(),
            settled_ms: 0,
            error_since_ms: None,
        }
    }

    /// Whether it reacts to what it sees: the route promises something, or asks something of its
    /// gates.
    pub fn is_watching(&self) -> bool {
        self.is_declared || !self.objectives.is_empty()
    }

    /// Takes one look. Evidence since the look before is added; the same looks give the same
    /// assessments.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Assessment {
        let elapsed = self.tick(observation.now_ms);
        let mut step = self.enter_step(observation);
        let elapsed = if step.since_ms == self.now_ms { Elapsed::default() } else { elapsed };
        let target = observation.state.target();
        let requests =
            observation.traffic.map_or(0, |traffic| step.ledger.take(traffic, target, self.now_ms));
        let next = self.spec.ladder.next(observation.state);
        let answers = self.answers(observation, &step.ledger, next);
        self.step = Some(step);
        self.dwell.look(look(&answers), elapsed, requests, self.spec.dwell);
        self.note_errors(&answers);
        let mut assessment = Assessment {
            next,
            obstacles: Vec::new(),
            dwelt: self.dwell.dwelt(self.spec.dwell),
            error_since_ms: self.error_since_ms,
            is_blind: self.is_blind(),
            proposal: None,
            answers,
        };
        assessment.obstacles = self.obstacles(&assessment, observation.state);
        assessment.proposal = self.propose(&assessment, observation);
        assessment
    }

    /// Moves time on; gives what has passed of it.
    fn tick(&mut self, now_ms: u64) -> Elapsed {
        let now_ms = now_ms.max(self.now_ms);
        let elapsed_ms = if self.step.is_some() { now_ms - self.now_ms } else { 0 };
        self.now_ms = now_ms;
        let seen_ms = elapsed_ms.min(INTERVALS_MAX * self.settings.evaluate_ms);
        Elapsed { seen_ms, unseen_ms: elapsed_ms - seen_ms }
    }

    /// The step that the route is on now: the one before, or a new one.
    fn enter_step(&mut self, observation: &Observation<'_>) -> Step {
        let target = observation.state.target();
        let build = observation.build.map(Box::from);
        let Some(mut step) = self.step.take() else {
            let ledger = Ledger::new(&self.settings, self.now_ms);
            return Step { target, build, since_ms: self.now_ms, ledger };
        };
        // A build that is not named for a while is no other one.
        let is_other_build = build.is_some() && step.build.is_some() && build != step.build;
        step.build = build.or(step.build);
        let order = |target: Target| (target.phase, target.percent);
        let is_back = order(target) < order(step.target);
        if target == step.target && !is_other_build {
            return step;
        }
        let begins = match step.target.phase {
            _ if is_back || is_other_build => Begins::Other,
            Phase::Legacy | Phase::Shadow => Begins::First,
            _ => Begins::Growth,
        };
        step.ledger.begin_step(begins, self.now_ms);
        (step.target, step.since_ms) = (target, self.now_ms);
        self.dwell = DwellClock::default();
        if is_back {
            self.settled_ms = self.now_ms + self.spec.dwell.ms;
        }
        step
    }

    fn answers(
        &self,
        observation: &Observation<'_>,
        ledger: &Ledger,
        next: Option<Target>,
    ) -> Vec<Answer> {
        let (phase, spec) = (observation.state.phase, &self.spec);
        let mut answers = self.served(observation, ledger);
        answers.extend([
            parity::answer(observation.parity, phase, &spec.critical, &self.settings),
            observability::answer(observation.signals, phase),
            consent::schedule(&spec.schedule, self.now_ms),
            consent::approval(spec.approval, next, observation.approved),
        ]);
        answers.extend_from_slice(observation.further);
        answers.sort_by_key(|answer| answer.gate);
        for answer in &mut answers {
            answer.required = self.is_declared && spec.requires(answer.gate);
        }
        answers
    }

    /// What the gates say that are about what was served. Where a side serves nobody, there is
    /// nothing to judge or to compare, and they pass.
    fn served(&self, observation: &Observation<'_>, ledger: &Ledger) -> Vec<Answer> {
        let state = observation.state;
        let nothing = |gate, note| Answer::new(gate, Outcome::Pass, vec![Fact::note(note)]);
        let error = |gate, trouble: &Trouble| {
            Answer::new(gate, Outcome::Error(trouble.clone()), Vec::new())
        };
        let of_new = [Gate::HardStop, Gate::Burn];
        let of_both = [Gate::Regression, Gate::Latency];
        let all = || of_new.into_iter().chain(of_both);
        if state.phase < Phase::Canary {
            return all().map(|gate| nothing(gate, "new serves nobody")).collect();
        }
        let traffic = match observation.traffic {
            Ok(traffic) => traffic,
            Err(trouble) => return all().map(|gate| error(gate, trouble)).collect(),
        };
        let mut answers = Vec::from(self.of_new(traffic, ledger));
        if state.phase == Phase::Canary && state.percent < Percent::FULL {
            answers.extend(self.of_both(ledger));
        } else {
            answers.extend(of_both.map(|gate| nothing(gate, "legacy serves nobody")));
        }
        answers
    }

    fn of_new(&self, traffic: &Traffic, ledger: &Ledger) -> [Answer; 2] {
        let (objectives, meters) = (&self.objectives, ledger.meters());
        [
            hard_stop::answer(objectives, traffic.streak, ledger.step_of_new(), meters),
            burn::answer(objectives, meters, &self.settings),
        ]
    }

    fn of_both(&self, ledger: &Ledger) -> [Answer; 2] {
        let is_shared = hard_stop::is_shared(&self.objectives, ledger.meters());
        let (evidence, served) = (ledger.evidence(), ledger.served());
        [
            regression::answer(evidence, &served, is_shared, &self.settings),
            latency::answer(ledger.latencies(), is_shared, &self.settings),
        ]
    }

    fn note_errors(&mut self, answers: &[Answer]) {
        let is_error = answers.iter().any(|answer| matches!(answer.outcome, Outcome::Error(_)));
        let since = self.error_since_ms.unwrap_or(self.now_ms);
        self.error_since_ms = is_error.then_some(since);
    }

    fn is_blind(&self) -> bool {
        let blind = |since| self.now_ms - since > self.settings.blind_after_ms;
        self.error_since_ms.is_some_and(blind)
    }

    /// Gates that take the route back as soon as there is a way back, whether it asks for them or
    /// not.
    fn undoing(&self, assessment: &Assessment) -> impl Iterator<Item = Gate> {
        let undoing = assessment.answers.iter().filter(|answer| takes_back(answer));
        undoing.map(|answer| answer.gate).filter(|_| self.is_watching())
    }

    /// Required gates that do not pass, but for those of [`Judge::undoing`].
    fn unmet(&self, assessment: &Assessment) -> impl Iterator<Item = Obstacle> {
        let required = Gate::ALL.into_iter().filter(|gate| self.spec.requires(*gate));
        required.filter_map(|gate| match assessment.answer(gate) {
            None => Some(Obstacle::Silent(gate)),
            Some(answer) if answer.outcome == Outcome::Pass || takes_back(answer) => None,
            Some(_) => Some(Obstacle::Gate(gate)),
        })
    }

    fn obstacles(&self, assessment: &Assessment, state: &RouteState) -> Vec<Obstacle> {
        let held = state.held.iter().map(|held| Obstacle::Held(held.cause.clone()));
        let mut obstacles: Vec<Obstacle> = held.collect();
        obstacles.extend(self.undoing(assessment).map(Obstacle::TakenBack));
        if !self.is_declared {
            return obstacles;
        }
        obstacles.extend(self.unmet(assessment));
        if state.phase == Phase::Canary && !assessment.dwelt.is_over() {
            obstacles.push(Obstacle::Dwell);
        }
        if assessment.is_blind && assessment.next.is_some_and(is_far) {
            obstacles.push(Obstacle::Blind);
        }
        obstacles
    }
}

/// What the answers come to for the dwell: only required gates count, and only those that are
/// about evidence, as a night in which nothing may move says nothing about new.
fn look(answers: &[Answer]) -> Look {
    let is_evidence = |gate| !matches!(gate, Gate::Schedule | Gate::Approval);
    let required = answers.iter().filter(|answer| answer.required && is_evidence(answer.gate));
    required.fold(Look::Passes, |look, answer| match answer.outcome {
        Outcome::Pass => look,
        Outcome::Fail { .. } => Look::Fails,
        _ if look == Look::Fails => Look::Fails,
        _ => Look::Waits,
    })
}

fn takes_back(answer: &Answer) -> bool {
    answer.outcome.reaction() > Some(Reaction::Freeze)
}

fn is_far(target: Target) -> bool {
    target.phase == Phase::Live || target.percent > BLIND_ABOVE
}

#[cfg(test)]
mod tests;
