//! The gates that are about will, not evidence: the schedule and the approval of a person.

use super::{Answer, Approval, Fact, Gate, Measure, Outcome, Reason, Schedule};
use crate::{Phase, Target};

/// Whether it is a time to go forward.
pub(crate) fn schedule(schedule: &Schedule, now_ms: u64) -> Answer {
    if schedule.is_open(now_ms) {
        return Answer::new(Gate::Schedule, Outcome::Pass, Vec::new());
    }
    let (needed, facts) = match schedule.opens_ms(now_ms) {
        Some(opens) => {
            let wait = Fact::new("opens in", Measure::Time(opens - now_ms));
            (format!("a wait of {} minutes", (opens - now_ms).div_ceil(60_000)), vec![wait])
        }
        None => ("a schedule that is open at some time".to_owned(), Vec::new()),
    };
    Answer::new(Gate::Schedule, Outcome::inconclusive(Reason::Closed, needed), facts)
}

/// Whether a person agreed to the step to `next`, where one must.
pub(crate) fn approval(
    approval: Approval,
    next: Option<Target>,
    approved: Option<Target>,
) -> Answer {
    let is_asked = next.is_some_and(|next| match approval {
        Approval::Never => false,
        Approval::Live => next.phase == Phase::Live,
        Approval::Each => true,
    });
    let outcome = match next {
        Some(next) if is_asked && approved != Some(next) => {
            let needed = format!("a person who promotes it to {next}");
            Outcome::inconclusive(Reason::NotApproved, needed)
        }
        _ => Outcome::Pass,
    };
    Answer::new(Gate::Approval, outcome, Vec::new())
}

#[cfg(test)]
mod tests;
