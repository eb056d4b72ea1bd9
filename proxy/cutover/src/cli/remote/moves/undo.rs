//! The command that takes a move back.

use cutover_control::api::{LatchName, MovedRow};
use cutover_domain::{Phase, Target};

use super::target;

/// One command a route, where there is one.
pub(super) fn commands(rows: &[MovedRow]) -> Vec<String> {
    rows.iter().filter_map(command).collect()
}

fn command(row: &MovedRow) -> Option<String> {
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

#[cfg(test)]
mod tests;
