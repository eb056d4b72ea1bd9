//! The judge of one route: a state machine without a clock.

use super::{
    Answer, Assessment, Gate, GateSpec, Observation, Obstacle, Outcome, Settings, consent,
    dwell::{DwellClock, Look},
    observability, parity,
};
use crate::{Percent, Phase, RouteState, Target, slo::Objectives};

mod react;

/// Above 5 % nothing goes on while nobody sees what it does.
const BLIND_ABOVE: Percent = Percent::from_basis_points(500).expect("5 % is a percentage");
/// A look credits at most so many of its intervals: what came between was not looked at.
const INTERVALS_MAX: u64 = 4;

/// Judges one route, look by look. What it has seen is in memory only: after a restart the step
/// begins anew, and young evidence has to be stronger.
#[derive(Clone, Debug)]
pub struct Judge {
    objectives: Objectives,
    /// What the route asks of its gates; `None`: nothing.
    declared: Option<GateSpec>,
    settings: Settings,
    now_ms: u64,
    stage: Option<Stage>,
    dwell: DwellClock,
    /// Requests to new at the last look, since the process started.
    requests: u64,
    /// No second step back before this.
    settled_ms: u64,
    error_since_ms: Option<u64>,
}

/// What evidence is about: another share or another build begins anew.
#[derive(Clone, Debug, PartialEq)]
struct Stage {
    target: Target,
    build: Option<Box<str>>,
}

// === impl Judge ===

impl Judge {
    /// Knows nothing yet.
    pub fn new(objectives: Objectives, spec: Option<GateSpec>, settings: Settings) -> Judge {
        Judge {
            objectives,
            declared: spec,
            settings,
            now_ms: 0,
            stage: None,
            dwell: DwellClock::default(),
            requests: 0,
            settled_ms: 0,
            error_since_ms: None,
        }
    }

    /// Whether it reacts to what it sees: the route promises something, or asks something of its
    /// gates.
    pub fn is_watching(&self) -> bool {
        self.declared.is_some() || !self.objectives.is_empty()
    }

    /// Takes one look. Evidence since the look before is added; the same looks give the same
    /// assessments.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Assessment {
        let elapsed_ms = self.tick(observation.now_ms);
        self.enter_stage(observation);
        let spec = self.spec();
        let next = spec.ladder.next(observation.state);
        let answers = self.answers(observation, &spec, next);
        let requests = self.gained(observation);
        self.dwell.look(look(&answers), elapsed_ms, requests);
        self.note_errors(&answers);
        let mut assessment = Assessment {
            next,
            obstacles: Vec::new(),
            dwelt: self.dwell.dwelt(spec.dwell),
            error_since_ms: self.error_since_ms,
            is_blind: self.is_blind(),
            proposal: None,
            answers,
        };
        assessment.obstacles = self.obstacles(&assessment, &spec, observation.state);
        assessment.proposal = self.propose(&assessment, &spec, observation);
        assessment
    }

    /// Moves time on; gives what has passed of it, as far as it counts.
    fn tick(&mut self, now_ms: u64) -> u64 {
        let now_ms = now_ms.max(self.now_ms);
        let elapsed_ms = if self.stage.is_some() { now_ms - self.now_ms } else { 0 };
        self.now_ms = now_ms;
        elapsed_ms.min(INTERVALS_MAX * self.settings.evaluate_ms)
    }

    /// What the route asks of its gates, or what one asks that declares nothing.
    fn spec(&self) -> GateSpec {
        let nothing = || GateSpec { required: Default::default(), ..GateSpec::default() };
        self.declared.clone().unwrap_or_else(nothing)
    }

    fn enter_stage(&mut self, observation: &Observation<'_>) {
        let target = observation.state.target();
        let Some(stage) = &mut self.stage else {
            let build = observation.build.map(Into::into);
            self.stage = Some(Stage { target, build });
            return;
        };
        // A build that is not named for a while is not another one.
        let is_other_build =
            observation.build.is_some() && stage.build.as_deref() != observation.build;
        let is_back = (target.phase, target.percent) < (stage.target.phase, stage.target.percent);
        if target == stage.target && !is_other_build {
            return;
        }
        stage.target = target;
        if is_other_build {
            stage.build = observation.build.map(Into::into);
        }
        self.dwell = DwellClock::default();
        if is_back {
            self.settled_ms = self.now_ms + self.spec().dwell.ms;
        }
    }

    fn gained(&mut self, observation: &Observation<'_>) -> u64 {
        let Ok(traffic) = observation.traffic else { return 0 };
        let (now, before) = (traffic.new.tally.requests, self.requests);
        self.requests = now;
        now.checked_sub(before).unwrap_or(now)
    }

    fn answers(
        &self,
        observation: &Observation<'_>,
        spec: &GateSpec,
        next: Option<Target>,
    ) -> Vec<Answer> {
        let phase = observation.state.phase;
        let mut answers = vec![
            parity::answer(observation.parity, phase, &spec.critical, &self.settings),
            observability::answer(observation.signals, phase),
            consent::schedule(&spec.schedule, self.now_ms),
            consent::approval(spec.approval, next, observation.approved),
        ];
        answers.extend_from_slice(observation.further);
        answers.sort_by_key(|answer| answer.gate);
        for answer in &mut answers {
            answer.required = self.declared.is_some() && spec.requires(answer.gate);
        }
        answers
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

    fn obstacles(
        &self,
        assessment: &Assessment,
        spec: &GateSpec,
        state: &RouteState,
    ) -> Vec<Obstacle> {
        let held = state.held.iter().map(|held| Obstacle::Held(held.cause.clone()));
        let mut obstacles: Vec<Obstacle> = held.collect();
        if self.declared.is_none() {
            return obstacles;
        }
        let required = Gate::ALL.into_iter().filter(|gate| spec.requires(*gate));
        obstacles.extend(required.filter_map(|gate| match assessment.answer(gate) {
            None => Some(Obstacle::Silent(gate)),
            Some(answer) if answer.outcome != Outcome::Pass => Some(Obstacle::Gate(gate)),
            Some(_) => None,
        }));
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

fn is_far(target: Target) -> bool {
    target.phase == Phase::Live || target.percent > BLIND_ABOVE
}

#[cfg(test)]
mod tests;
