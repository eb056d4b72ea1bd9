//! What became of the load's requests: each is counted once, and every printed sum must hold.

use std::time::Duration;

use super::lines::{Answered, Lines};
use super::screen::{Step, number};
use super::traffic::READ;
use crate::load::{Outcome, Report};

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Read from the monolith, because the route says so.
    Monolith,
    /// Read from registry.
    Registry,
    /// Read from the monolith, after registry had failed.
    Rescued,
    /// Written by the monolith.
    Written,
    /// Not what the user wanted.
    Failed,
    /// Served, but Cutover does not say by whom, or a write by registry.
    Unaccounted,
}

/// A number of a row.
type Column = fn(&Step) -> u64;

/// The requests of one fate.
pub(super) struct Part {
    pub(super) fate: Fate,
    pub(super) report: Report,
}

impl Fate {
    const ALL: [Fate; 6] = [
        Fate::Monolith,
        Fate::Registry,
        Fate::Rescued,
        Fate::Written,
        Fate::Failed,
        Fate::Unaccounted,
    ];

    pub(super) fn of(outcome: &Outcome, lines: &Lines) -> Fate {
        match (outcome.good, outcome.kind == READ, lines.answered(outcome.subject)) {
            (false, ..) => Fate::Failed,
            (true, true, Some(Answered::Monolith)) => Fate::Monolith,
            (true, true, Some(Answered::Registry)) => Fate::Registry,
            (true, true, Some(Answered::Rescued)) => Fate::Rescued,
            (true, false, Some(Answered::Monolith)) => Fate::Written,
            _ => Fate::Unaccounted,
        }
    }

    /// How it is called where it is printed.
    pub(super) fn label(self) -> &'static str {
        match self {
            Fate::Monolith => "read from the monolith",
            Fate::Registry => "read from registry",
            Fate::Rescued => "rescued by the monolith",
            Fate::Written => "written to the monolith",
            Fate::Failed => "failed",
            Fate::Unaccounted => "served, nobody knows by whom",
        }
    }
}

/// `report` by fate, all fates.
pub(super) fn parts(report: &Report, lines: &Lines) -> Vec<Part> {
    let part = |fate| Part { fate, report: report.filter(|it| Fate::of(it, lines) == fate) };
    Fate::ALL.into_iter().map(part).collect()
}

/// How many of `parts` have this fate.
pub(super) fn count(parts: &[Part], fate: Fate) -> u64 {
    parts.iter().filter(|part| part.fate == fate).map(|part| part.report.requests()).sum()
}

/// How many of the reads in `report` were to be copied.
pub(super) fn copied(report: &Report, lines: &Lines) -> u64 {
    let is_copied = |outcome: &&Outcome| {
        outcome.good && outcome.kind == READ && lines.is_compared(outcome.subject)
    };
    report.outcomes.iter().filter(is_copied).count() as u64
}

/// Every printed sum that does not hold, in words. `steps` are the rows of the table, `total` is
/// its last; `parts` are the lines of what users saw, of `requests` in all.
pub(super) fn doubts(steps: &[Step], total: &Step, parts: &[Part], requests: u64) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut check = |what: String, sum: u64, whole: u64| {
        if sum != whole {
            let (sum, whole) = (number(sum), number(whole));
            doubts.push(format!("{what}: the parts are {sum}, the whole is {whole}"));
        }
    };
    for step in steps.iter().chain([total]) {
        let sum = step.failed + step.legacy + step.new + step.rescued;
        check(format!("reads in the row `{}`", step.phase), sum, step.requests);
    }
    let columns: [(&str, Column, Fate); 3] = [
        ("monolith", |step| step.legacy, Fate::Monolith),
        ("registry", |step| step.new, Fate::Registry),
        ("rescued", |step| step.rescued, Fate::Rescued),
    ];
    for (name, column, fate) in columns {
        let sum = steps.iter().map(column).sum();
        check(format!("the column `{name}`"), sum, column(total));
        check(format!("`{}`, by the table", fate.label()), column(total), count(parts, fate));
    }
    let sums: [(&str, Column); 5] = [
        ("reads", |step| step.requests),
        ("failed", |step| step.failed),
        ("compared", |step| step.compared),
        ("noise", |step| step.noise),
        ("wrong", |step| step.wrong),
    ];
    for (name, column) in sums {
        check(format!("the column `{name}`"), steps.iter().map(column).sum(), column(total));
    }
    check("what users saw".to_owned(), parts.iter().map(|it| it.report.requests()).sum(), requests);
    check(
        "requests of which nobody knows who served them".to_owned(),
        count(parts, Fate::Unaccounted),
        0,
    );
    doubts
}

/// How long registry was met after it broke, `broke` after the load's beginning: from the first
/// read that it failed to the end of the last that was sent there. `None`: it failed none.
pub(super) fn way_back(report: &Report, lines: &Lines, broke: Duration) -> Option<Duration> {
    let after = |outcome: &&Outcome| Duration::from_micros(outcome.done_us) >= broke;
    let fate = |outcome: &Outcome| Fate::of(outcome, lines);
    let met = |outcome: &&Outcome| matches!(fate(outcome), Fate::Registry | Fate::Rescued);
    let reads = || report.outcomes.iter().filter(after).filter(met);
    let failed = reads().filter(|outcome| fate(outcome) == Fate::Rescued);
    let first = failed.map(|outcome| outcome.sent_us).min()?;
    let last = reads().map(|outcome| outcome.done_us).max()?;
    Some(Duration::from_micros(last.saturating_sub(first)))
}

#[cfg(test)]
mod tests;
