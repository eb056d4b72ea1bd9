//! `cutover gate`

use cutover_control::api::{GateAnswer, GateAnswerRow, GateVerdict, HeldRow, LookRow};

use super::{segment, target};
use crate::cli::{
    admin::Client,
    args::{Gate, Global},
    exit::{Exit, Failure},
    io::Io,
    output::{print_json, table, table_text, utc},
};

pub(in crate::cli) fn run(args: &Gate, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let path = format!("/api/v1/routes/{}/gate", segment(&args.route));
    let answer: GateAnswer = client.get(&path)?;
    if global.output.is_json() {
        print_json("Gate", &answer, global.output, io)?;
    } else {
        writeln!(io.out, "{}", text(&answer, args.explain))?;
    }
    Ok(exit(answer.verdict))
}

fn exit(verdict: GateVerdict) -> Exit {
    match verdict {
        GateVerdict::Pass => Exit::Done,
        GateVerdict::Waiting => Exit::InProgress,
        GateVerdict::Fail => Exit::Failed,
    }
}

fn text(answer: &GateAnswer, explain: bool) -> String {
    let verdict = match answer.verdict {
        GateVerdict::Pass => "pass",
        GateVerdict::Waiting => "waiting",
        GateVerdict::Fail => "fail",
    };
    let automatic = if answer.automatic { ", automatic" } else { "" };
    let (route, at, revision) = (&answer.route, target(&answer.at), answer.revision);
    let head = format!("{route} in {at} at revision {revision}{automatic}");
    let mut parts = vec![head, format!("{verdict}: {}", answer.words)];
    parts.extend(answer.held.as_ref().map(held));
    if let Some(look) = &answer.look {
        parts.push(String::new());
        parts.push(gates(look));
        parts.extend(needs(look));
        if explain {
            parts.push(String::new());
            parts.push(facts(look));
        }
    }
    parts.join("\n")
}

fn held(row: &HeldRow) -> String {
    let since = row.since_ms.map(|since| format!(" since {}", utc(since))).unwrap_or_default();
    let build = row.build.as_ref().map(|build| format!(", build {build}")).unwrap_or_default();
    let asked = match row.asked.as_slice() {
        [] => String::new(),
        names => format!("; {} asked for its release", names.join(", ")),
    };
    format!("held{since}{build}: {}{asked}", row.cause)
}

fn gates(look: &LookRow) -> String {
    let mut table = table(&["GATE", "SAYS", "NEEDED", "WHY"]);
    for gate in &look.gates {
        let needed = if gate.required { "yes" } else { "no" };
        let why = gate.why.clone().unwrap_or_default();
        table.add_row([gate.gate.clone(), says(gate), needed.to_owned(), why]);
    }
    table_text(&table)
}

/// `inconclusive (few_requests)`
fn says(gate: &GateAnswerRow) -> String {
    let detail = gate.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{}{detail}", gate.outcome)
}

/// What stands in the way of the next step, and what the gates ask for themselves.
fn needs(look: &LookRow) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(next) = &look.next {
        lines.push(String::new());
        lines.push(format!("next: {}", target(next)));
    }
    lines.extend(look.obstacles.iter().map(|obstacle| format!("  needs: {}", obstacle.why)));
    if let Some(proposal) = &look.proposal {
        let to = proposal.target.as_ref().map(|to| format!(" to {}", target(to)));
        lines.push(format!("now: {}{}: {}", proposal.step, to.unwrap_or_default(), proposal.why));
    }
    lines
}

fn facts(look: &LookRow) -> String {
    let mut table = table(&["GATE", "WHAT", "IS", "LIMIT"]);
    for gate in &look.gates {
        for (at, fact) in gate.facts.iter().enumerate() {
            let name = if at == 0 { gate.gate.clone() } else { String::new() };
            let limit = fact.limit.clone().unwrap_or_else(|| "-".to_owned());
            table.add_row([name, fact.name.clone(), fact.value.clone(), limit]);
        }
    }
    table_text(&table)
}

#[cfg(test)]
mod tests;
