//! The gate of parity: new answers as legacy does.

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Settings, Trouble};
use crate::{
    Phase,
    compare::Pattern,
    parity::{Place, Report, needed},
    slo::ln_evidence,
};

/// The answer of the gate. A regression at a `critical` place is a reason to go back at once.
pub(crate) fn answer(
    report: Result<Option<&Report>, &Trouble>,
    phase: Phase,
    critical: &[Pattern],
    settings: &Settings,
) -> Answer {
    let answer = |outcome, facts| Answer::new(Gate::Parity, outcome, facts);
    if phase == Phase::Legacy {
        return answer(Outcome::Pass, vec![Fact::note("copies are taken from `shadow` on")]);
    }
    match report {
        Err(trouble) => answer(Outcome::Error(trouble.clone()), Vec::new()),
        Ok(None) => {
            let needed = "copies, so that answers can be compared: declare `shadow = {}`";
            answer(Outcome::inconclusive(Reason::NoData, needed), Vec::new())
        }
        Ok(Some(report)) => answer(outcome(report, critical, settings), facts(report, settings)),
    }
}

fn outcome(report: &Report, critical: &[Pattern], settings: &Settings) -> Outcome {
    if let Some(worst) = report.regressions.first() {
        let is_critical = |place: &Place| match place {
            Place::At(path) => critical.iter().any(|pattern| pattern.covers(path)),
            Place::Other => false,
        };
        let found = report.regressions.iter().find(|found| is_critical(&found.place));
        let (place, reaction) = match found {
            Some(found) => (&found.place, Reaction::SafePhase),
            None => (&worst.place, Reaction::StepBack),
        };
        return Outcome::fail(reaction, format!("new differs from legacy at `{place}`"));
    }
    let (matches, mismatches) = (report.counters.matches, report.counters.mismatches);
    let min = settings.parity_min;
    if ln_evidence(mismatches, matches, 1.0 - min) >= settings.evidence_min.ln() {
        let why = format!(
            "{mismatches} of {} comparisons differ: parity is below {:.2} %",
            matches + mismatches,
            min * 100.0
        );
        return Outcome::fail(Reaction::StepBack, why);
    }
    unproven(report, settings).unwrap_or(Outcome::Pass)
}

/// What is missing for the proof, if anything is.
fn unproven(report: &Report, settings: &Settings) -> Option<Outcome> {
    if let Some(inconclusive) = report.inconclusive {
        let needed = format!(
            "fewer requests that cannot be judged: {} of {}",
            inconclusive.unjudged, inconclusive.eligible
        );
        return Some(Outcome::inconclusive(Reason::FewComparisons, needed));
    }
    if let Some(noisy) = report.untestable.first() {
        let needed = format!("a rule for `{}`, where legacy differs from itself", noisy.place);
        return Some(Outcome::inconclusive(Reason::Untestable, needed));
    }
    let judged = report.counters.judged();
    let total = needed(report.counters.mismatches, settings.parity_min)?;
    let missing = total.max(settings.comparisons_min).saturating_sub(judged);
    if missing > 0 {
        let needed = format!("{missing} more comparisons without a mismatch");
        return Some(Outcome::inconclusive(Reason::FewComparisons, needed));
    }
    if coverage(report) < settings.coverage_min {
        let needed = format!(
            "comparisons of more kinds of requests: {} of {} were compared",
            report.coverage.compared, report.coverage.seen
        );
        return Some(Outcome::inconclusive(Reason::Coverage, needed));
    }
    None
}

fn facts(report: &Report, settings: &Settings) -> Vec<Fact> {
    let count = |count: usize| Measure::Count(count as u64);
    let Settings { parity_min, comparisons_min, coverage_min, .. } = *settings;
    vec![
        Fact::within("lower bound", Measure::Share(report.bound), Measure::Share(parity_min)),
        Fact::within(
            "comparisons",
            Measure::Count(report.counters.judged()),
            Measure::Count(comparisons_min),
        ),
        Fact::new("mismatches", Measure::Count(report.counters.mismatches)),
        Fact::within("coverage", Measure::Share(coverage(report)), Measure::Share(coverage_min)),
        Fact::within("regressions", count(report.regressions.len()), Measure::Count(0)),
        Fact::within("untestable paths", count(report.untestable.len()), Measure::Count(0)),
    ]
}

/// The share of the shapes seen that were compared; 0 if none was seen.
fn coverage(report: &Report) -> f64 {
    report.coverage.share().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
