//! The stop that needs no statistics: new answers nobody.

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Streak, shared::Meters};
use crate::slo::{Indicator, MOMENT_MS, Objectives, RULES, Tally};

/// Failures in a row.
const IN_A_ROW: u64 = 20;
/// Requests of which every one failed.
const ALL_OF: u64 = 13;
/// Distinct subjects who met them: one broken device is no broken service.
const SUBJECTS: u64 = 3;
/// Budget that is assumed where nothing is promised: that of 99.9 %.
const BUDGET: f64 = 0.001;

/// The answer of the gate where new serves users. `served` is what new served since the step
/// began: what failed before it is no one's fault now.
pub(crate) fn answer(
    objectives: &Objectives,
    streak: Streak,
    served: &Tally,
    meters: Meters<'_>,
) -> Answer {
    let recent = meters.new.tally(MOMENT_MS);
    let in_a_row = streak.failures.min(served.bad);
    let outcome = match why(in_a_row, streak.subjects, served, &recent) {
        None => Outcome::Pass,
        Some(_) if is_shared(objectives, meters) => {
            Outcome::inconclusive(Reason::Shared, "legacy to recover: it fails as well")
        }
        Some(why) => Outcome::fail(Reaction::SafePhase, why),
    };
    let count =
        |name, count, limit| Fact::within(name, Measure::Count(count), Measure::Count(limit));
    let facts = vec![
        count("failures in a row", in_a_row, IN_A_ROW),
        count("their subjects", streak.subjects, SUBJECTS),
        Fact::new("requests in 10 s", Measure::Count(recent.requests)),
        Fact::new("failures in 10 s", Measure::Count(recent.bad)),
    ];
    Answer::new(Gate::HardStop, outcome, facts)
}

fn why(in_a_row: u64, subjects: u64, served: &Tally, recent: &Tally) -> Option<String> {
    if subjects < SUBJECTS {
        return None;
    }
    let all_failed = |tally: &Tally| tally.requests >= ALL_OF && tally.bad >= tally.requests;
    if all_failed(served) {
        return Some(format!("all {} requests of this step failed", served.requests));
    }
    // The window may reach back to before the step.
    if all_failed(recent) && in_a_row >= ALL_OF {
        return Some(format!("all {} requests of the last 10 s failed", recent.requests));
    }
    (in_a_row >= IN_A_ROW).then(|| format!("{in_a_row} requests in a row failed"))
}

/// Whether legacy fails too, beyond what its own budget allows at the fastest rate.
pub(crate) fn is_shared(objectives: &Objectives, meters: Meters<'_>) -> bool {
    let budget = objectives.availability.map_or(BUDGET, |objective| objective.budget());
    let too_many = (RULES[0].factor * budget).min(1.0);
    meters.share_an_outage(Indicator::Availability, budget, too_many, MOMENT_MS)
}

#[cfg(test)]
mod tests;
