//! What is to be done about the answers: back at once, forward last.

use super::{
    super::{
        Answer, Assessment, Gate, LatchedBy, Observation, Obstacle, Opening, Outcome, Proposal,
        Reaction, Step,
    },
    Judge, REMEMBERED_MS, STEPS_BACK_MAX,
};
use crate::{Phase, RouteState, Target};

// === impl Judge ===

impl Judge {
    /// At most one step: back where a gate asks for it, else none while something is frozen, else
    /// the end of a latch, else forward.
    pub(super) fn propose(
        &self,
        assessment: &Assessment,
        observation: &Observation<'_>,
    ) -> Option<Proposal> {
        if !self.is_watching() {
            return None;
        }
        self.answer_fails(&assessment.answers, observation)
            .or_else(|| self.release(observation))
            .or_else(|| blind(assessment))
            .or_else(|| self.advance(assessment, observation.state))
    }

    /// The reaction to the worst fail.
    fn answer_fails(&self, answers: &[Answer], observation: &Observation<'_>) -> Option<Proposal> {
        // Of equal ones the first, as people read them.
        let fails = answers.iter().rev().filter(|answer| asks_for_something(answer));
        let worst = fails.max_by_key(|answer| answer.outcome.reaction())?;
        let Outcome::Fail { reaction, why } = &worst.outcome else { return None };
        let (gate, why) = (Some(worst.gate), why.clone());
        match self.means(*reaction, observation.state) {
            Step::StepBack(_) if self.comes_back_again(observation) => {
                let step = Step::SafePhase(Target::phase(observation.state.safe_phase()));
                let why =
                    format!("{why}; within 24 hours it was taken back {STEPS_BACK_MAX} times");
                Some(Proposal { step, gate, why })
            }
            step => Some(Proposal { step, gate, why }),
        }
    }

    /// Whether it went up and back so often that it would do so for ever.
    fn comes_back_again(&self, observation: &Observation<'_>) -> bool {
        let is_recent = |at_ms: &&u64| self.now_ms.saturating_sub(**at_ms) < REMEMBERED_MS;
        observation.stepped_back_ms.iter().filter(is_recent).count() >= STEPS_BACK_MAX
    }

    /// What `reaction` means where the route is. Evidence from before a step back is none about
    /// what came after it, so a second one waits for a dwell; the way to the safe phase is open at
    /// any time.
    fn means(&self, reaction: Reaction, state: &RouteState) -> Step {
        let Some(back) = self.spec.ladder.back(state) else { return Step::Freeze };
        let is_settling = self.now_ms < self.settled_ms;
        match reaction {
            Reaction::Freeze => Step::Freeze,
            Reaction::StepBack if is_settling => Step::Freeze,
            Reaction::StepBack if back.phase == Phase::Canary => Step::StepBack(back),
            Reaction::StepBack | Reaction::SafePhase => {
                Step::SafePhase(Target::phase(state.safe_phase()))
            }
        }
    }

    fn release(&self, observation: &Observation<'_>) -> Option<Proposal> {
        let latch = observation.latch.filter(|latch| latch.by == LatchedBy::Gates)?;
        let build = observation.build?;
        match latch.meet(Some(build), self.now_ms, self.spec.cool_down_ms) {
            Opening::Opens => {
                let why = format!("build `{build}` is another one than failed");
                Some(Proposal { step: Step::Release, gate: None, why })
            }
            _ => None,
        }
    }

    fn advance(&self, assessment: &Assessment, state: &RouteState) -> Option<Proposal> {
        let next = assessment.next.filter(|_| assessment.obstacles.is_empty())?;
        let may = self.spec.automatic && state.phase == Phase::Canary;
        let why = "every gate has passed for the whole dwell".to_owned();
        may.then_some(Proposal { step: Step::Advance(next), gate: None, why })
    }
}

/// A fail asks for its reaction, whether it is required or not; but a route that does not ask to be
/// observed is not held back where nobody does.
fn asks_for_something(answer: &Answer) -> bool {
    let is_asked = answer.required || answer.gate != Gate::Observability;
    is_asked && answer.outcome.reaction().is_some()
}

fn blind(assessment: &Assessment) -> Option<Proposal> {
    if !assessment.obstacles.contains(&Obstacle::Blind) {
        return None;
    }
    let why = "nobody has seen for too long what the route does".to_owned();
    Some(Proposal { step: Step::Freeze, gate: None, why })
}
