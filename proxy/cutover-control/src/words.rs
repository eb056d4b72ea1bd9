//! What is told to people, in the same words by the command line and the console.

use cutover_domain::{Percent, Phase, Target, compare::day};

use crate::api::{LatchName, MovedRow, TargetRow};

/// A row of the API as the domain has it.
pub fn target(row: &TargetRow) -> Target {
    let percent = row.percent.and_then(|percent| Percent::from_f64(percent).ok());
    Target { phase: row.phase.into(), percent: percent.unwrap_or_default() }
}

/// A share as percent with two decimals, cut: what is not reached must not look reached, and a
/// failure must not vanish.
pub fn percent(share: f64) -> String {
    let percent = (share * 10_000.0).floor() / 100.0;
    match percent >= 100.0 {
        true => "100%".to_owned(),
        false => format!("{percent:.2}%"),
    }
}

/// `shadow → canary 5 %, released`
pub fn what(row: &MovedRow) -> String {
    let (from, to) = (target(&row.from), target(&row.to));
    let latch = row.latch.map(|latch| match latch {
        LatchName::Held => "held",
        LatchName::Released => "released",
    });
    match (from == to, latch) {
        (true, Some(latch)) => format!("{latch} in {to}"),
        (true, None) => format!("stays in {to}"),
        (false, Some(latch)) => format!("{from} → {to}, {latch}"),
        (false, None) => format!("{from} → {to}"),
    }
}

/// The command that takes a move back; `None`: there is none.
pub fn undo(row: &MovedRow) -> Option<String> {
    let (route, from, to) = (&row.route, target(&row.from), target(&row.to));
    if from == to {
        let verb = match row.latch? {
            LatchName::Held => "release",
            LatchName::Released => "hold",
        };
        return Some(format!("cutover {verb} {route} --reason ..."));
    }
    if to.phase == Phase::Retired {
        return None;
    }
    let was = flags(from);
    if (from.phase, from.percent) < (to.phase, to.percent) {
        return Some(format!("cutover rollback {route} {was} --reason ..."));
    }
    // Forwards only one phase at a time, unless an approver forces it.
    let force = if to.phase.next() < Some(from.phase) { " --force" } else { "" };
    Some(format!("cutover promote {route} {was}{force} --reason ..."))
}

fn flags(target: Target) -> String {
    match target.phase {
        Phase::Canary => format!("--to canary --percent {}", target.percent),
        phase => format!("--to {phase}"),
    }
}

/// A moment as people write it, in UTC: `2026-11-21 08:58:15Z`.
pub fn utc(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let second = seconds % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{} {hour:02}:{minute:02}:{second:02}Z", day(seconds))
}

/// How long ago, in its largest unit: `45s`, `12m`, `3h`, `5d`.
pub fn age(age_ms: u64) -> String {
    match age_ms / 1000 {
        seconds @ 0..=119 => format!("{seconds}s"),
        seconds @ 120..=7199 => format!("{}m", seconds / 60),
        seconds @ 7200..=172_799 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A length of time in its largest unit, to a tenth: `5m`, `1h`, `30d`, `42.9s`, `83ms`.
pub fn span(length_ms: u64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let fits = |&(_, unit_ms): &(&str, u64)| length_ms >= unit_ms;
    let (unit, unit_ms) = units.into_iter().find(fits).unwrap_or(("ms", 1));
    let tenths = length_ms * 10 / unit_ms;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{unit}"),
        (whole, tenth) => format!("{whole}.{tenth}{unit}"),
    }
}

/// A number of things: `1 path`, `2 paths`.
pub fn counted(count: usize, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests;
