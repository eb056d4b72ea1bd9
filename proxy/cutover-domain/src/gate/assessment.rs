//! What follows from the answers of all gates.

use super::{Answer, Gate, Reaction};
use crate::{Held, Target};

/// What a judge found at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// What each gate said, in the order of [`Gate::ALL`].
    pub answers: Vec<Answer>,
    /// The next step forward that needs no approver; `None`: there is none.
    pub next: Option<Target>,
    /// What stands in the way of `next`. Empty: the route may take it.
    pub obstacles: Vec<Obstacle>,
    /// How much of the present step is done.
    pub dwelt: Dwelt,
    /// Since when a gate has been in error, in ms since the Unix epoch.
    pub error_since_ms: Option<u64>,
    /// That has lasted too long: nobody sees what the route does.
    pub is_blind: bool,
    /// What is to be done now; `None`: nothing. It is proposed again at each look until the route
    /// has moved or the cause is gone.
    pub proposal: Option<Proposal>,
}

/// How much of a step's dwell is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dwelt {
    /// Time in which every gate that is about evidence passed, since the step began or such a gate
    /// failed, in ms.
    pub passed_ms: u64,
    /// How much of it is needed.
    pub needed_ms: u64,
    /// Requests to new since the step began or a gate failed.
    pub requests: u64,
    /// How many are needed.
    pub needed_requests: u64,
}

/// One thing that stands in the way of a step forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The route is held.
    Held(String),
    /// A gate fails that takes the route back, required or not: a step forward would be undone.
    TakenBack(Gate),
    /// A required gate does not pass; its answer says why.
    Gate(Gate),
    /// A required gate has not answered.
    Silent(Gate),
    /// The present step has not lasted long enough; see [`Assessment::dwelt`].
    Dwell,
    /// No one sees what the route does, and it is too far to go on so.
    Blind,
}

/// One step that is to be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is to be done.
    pub step: Step,
    /// The gate that asks for it; `None`: the ladder, the latch or blindness do.
    pub gate: Option<Gate>,
    /// Why, as half a sentence.
    pub why: String,
}

/// What is to be done with a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Forward, on evidence.
    Advance(Target),
    /// Stay, whatever else is asked: nothing is to be recorded but that.
    Freeze,
    /// To a smaller share of new.
    StepBack(Target),
    /// To the safe phase, and latch it with [`Proposal::latch`].
    SafePhase(Target),
    /// Take away the latch: there is a new build, and the time is over.
    Release,
}

// === impl Assessment ===

impl Assessment {
    /// What `gate` said.
    pub fn answer(&self, gate: Gate) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.gate == gate)
    }

    /// Whether there is a next step, and a gate does not let the route take it.
    pub fn is_blocked(&self) -> bool {
        let is_gate = |it: &Obstacle| {
            matches!(it, Obstacle::Gate(_) | Obstacle::Silent(_) | Obstacle::TakenBack(_))
        };
        self.next.is_some() && self.obstacles.iter().any(is_gate)
    }

    /// What a person who moves the route forward meets first: a gate that would take it back, else
    /// a required one that does not pass or has not answered. Not asked for: the person's own
    /// approval, and the dwell, which binds automatic steps only.
    pub fn unmet(&self) -> Option<&Obstacle> {
        self.obstacles.iter().find(|obstacle| match obstacle {
            Obstacle::TakenBack(_) | Obstacle::Silent(_) => true,
            Obstacle::Gate(gate) => *gate != Gate::Approval,
            Obstacle::Held(_) | Obstacle::Dwell | Obstacle::Blind => false,
        })
    }
}

// === impl Dwelt ===

impl Dwelt {
    /// Whether the step has lasted long enough.
    pub fn is_over(&self) -> bool {
        self.passed_ms >= self.needed_ms && self.requests >= self.needed_requests
    }
}

// === impl Proposal ===

impl Proposal {
    /// The latch that goes with a step to the safe phase.
    pub fn latch(&self, build: Option<&str>) -> Held {
        let by = self.gate.map_or("gates", Gate::as_str);
        Held { cause: format!("{by}: {}", self.why), build: build.map(str::to_owned) }
    }
}

// === impl Step ===

impl Step {
    /// The name used in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Advance(_) => "advance",
            Step::Freeze => Reaction::Freeze.as_str(),
            Step::StepBack(_) => Reaction::StepBack.as_str(),
            Step::SafePhase(_) => Reaction::SafePhase.as_str(),
            Step::Release => "release",
        }
    }

    /// Where the route goes; `None`: it stays.
    pub const fn target(self) -> Option<Target> {
        match self {
            Step::Advance(target) | Step::StepBack(target) | Step::SafePhase(target) => {
                Some(target)
            }
            Step::Freeze | Step::Release => None,
        }
    }
}

#[cfg(test)]
mod tests;
