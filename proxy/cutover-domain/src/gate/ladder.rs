//! The shares that new gets one after the other.

use crate::{Percent, Phase, RouteState, Target};

/// Most steps of a ladder.
const STEPS_MAX: usize = 20;

/// Shares of new in `canary`, rising, at least one. Default 1 → 5 → 25 → 50 → 100 %.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder(Vec<Percent>);

/// The shares are no ladder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLadder {
    /// There are none.
    #[error("a ladder needs at least one step")]
    Empty,
    /// There are too many.
    #[error("a ladder has at most {STEPS_MAX} steps, not {0}")]
    TooLong(usize),
    /// A share that is no step.
    #[error("0 % is no step: nobody would meet new")]
    Zero,
    /// One is not above the one before it.
    #[error("steps rise: {1} % does not follow {0} %")]
    NotRising(Percent, Percent),
}

// === impl Ladder ===

impl Ladder {
    /// A ladder of these steps.
    pub fn new(steps: Vec<Percent>) -> Result<Ladder, BadLadder> {
        if steps.is_empty() {
            return Err(BadLadder::Empty);
        }
        if steps.len() > STEPS_MAX {
            return Err(BadLadder::TooLong(steps.len()));
        }
        if steps.contains(&Percent::ZERO) {
            return Err(BadLadder::Zero);
        }
        match steps.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(BadLadder::NotRising(pair[0], pair[1])),
            None => Ok(Ladder(steps)),
        }
    }

    /// Its steps.
    pub fn steps(&self) -> &[Percent] {
        &self.0
    }

    /// The next step forward: through `shadow` to the first share, then share by share, from 100 %
    /// to `live`. `None`: the last share is below 100 %, or only an approver may go on.
    pub fn next(&self, state: &RouteState) -> Option<Target> {
        match state.phase {
            Phase::Legacy => Some(Target::phase(Phase::Shadow)),
            Phase::Canary if state.percent == Percent::FULL => Some(Target::phase(Phase::Live)),
            Phase::Shadow | Phase::Canary => self.above(state.percent).map(Target::canary),
            Phase::Live | Phase::Retired => None,
        }
    }

    /// The first share above `percent`; `None`: the ladder ends before.
    pub fn above(&self, percent: Percent) -> Option<Percent> {
        self.0.iter().find(|step| **step > percent).copied()
    }

    /// One step back: to the next smaller share, below the first one to the safe phase. `None`:
    /// legacy serves everyone already, or there is no way back.
    pub fn back(&self, state: &RouteState) -> Option<Target> {
        let share = match state.phase {
            Phase::Canary => state.percent,
            Phase::Live => Percent::FULL,
            Phase::Legacy | Phase::Shadow | Phase::Retired => return None,
        };
        let below = self.0.iter().rev().find(|step| **step < share);
        Some(below.map_or(Target::phase(state.safe_phase()), |step| Target::canary(*step)))
    }
}

impl Default for Ladder {
    fn default() -> Ladder {
        let step = |percent: u16| Percent::from_basis_points(percent * 100);
        Ladder([1, 5, 25, 50, 100].into_iter().filter_map(step).collect())
    }
}

#[cfg(test)]
mod tests;
