//! `cutover audit`

use cutover_control::api::{AuditAnswer, DecisionRow, TargetRow, VerifyAnswer};
use serde::Deserialize;
use serde_json::Value;

use super::{segment, target};
use crate::cli::{
    admin::Client,
    args::{Audit, Global},
    exit::{Exit, Failure},
    io::Io,
    output::{print_json, print_list, table, table_text, utc},
};

pub(in crate::cli) fn run(args: &Audit, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    if args.verify {
        return verify(&client, global, io);
    }
    let route = args.route.as_ref().map(|route| format!("&route={}", segment(route)));
    let path = format!("/api/v1/audit?limit={}{}", args.limit, route.unwrap_or_default());
    let answer: AuditAnswer = client.get(&path)?;
    if global.output.is_json() {
        print_list("Decision", &answer.decisions, global.output, io)?;
        return Ok(Exit::Done);
    }
    writeln!(io.out, "{}", listed(&answer.decisions, args.route.is_some()))?;
    if answer.before.is_some() {
        let route = args.route.as_ref().map(|route| format!(" {route}")).unwrap_or_default();
        io.tell(&format!(
            "older ones: `cutover audit{route} --limit {}`",
            args.limit.saturating_mul(5)
        ));
    }
    Ok(Exit::Done)
}

/// The decisions; of one route none needs to name it.
fn listed(decisions: &[DecisionRow], is_one_route: bool) -> String {
    let header = ["NO", "WHEN", "ROUTE", "WHAT", "WHO", "DECIDED"];
    let shown = |at: &usize| !is_one_route || header[*at] != "ROUTE";
    let places: Vec<usize> = (0..header.len()).filter(shown).collect();
    let mut table = table(&places.iter().map(|at| header[*at]).collect::<Vec<_>>());
    for decision in decisions {
        let DecisionRow { seq, at_ms, route, kind, actor, .. } = decision;
        let (seq, when, words) = (seq.to_string(), utc(*at_ms), words(decision));
        let cells = [&seq, &when, route, kind, actor, &words];
        table.add_row(places.iter().map(|at| cells[*at].clone()));
    }
    table_text(&table)
}

fn verify(client: &Client, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let answer: VerifyAnswer = client.get("/api/v1/audit/verify")?;
    if global.output.is_json() {
        print_json("Verification", &answer, global.output, io)?;
    } else if answer.sound {
        writeln!(io.out, "{} records hold\nhead {}", answer.records, answer.head)?;
    }
    match &answer.broken {
        None => Ok(Exit::Done),
        Some(broken) => {
            let message = format!(
                "record {} {}; {} records before it hold",
                broken.seq, broken.why, answer.records
            );
            Err(Failure::new("audit_broken", message)
                .hint("compare with a backup of the store, and with the logs of that time"))
        }
    }
}

/// A decision in half a sentence.
fn words(decision: &DecisionRow) -> String {
    let document = &decision.document;
    match decision.kind.as_str() {
        "override" => format!("passed {}: {}", text(&document["gate"]), text(&document["reason"])),
        "release" => format!("agreed to a release: {}", text(&document["reason"])),
        "rehearsal" => format!(
            "{} % there and back, in force after {} ms",
            document["percent"],
            document["effective_ms"].as_f64().unwrap_or_default().round()
        ),
        _ => of_gates(document),
    }
}

/// What gates asked for and why, else what they say now.
fn of_gates(document: &Value) -> String {
    let proposal = &document["proposal"];
    let effect = text(&document["effect"]);
    match (proposal["step"].as_str(), document["refused"].as_str()) {
        (Some(step), Some(refused)) => format!("{step} was not done: {refused}"),
        (Some(_), None) if effect != "none" => {
            let to = TargetRow::deserialize(&proposal["target"]).map(|to| target(&to).to_string());
            let to = to.unwrap_or_else(|_| "stay".to_owned());
            format!("{effect} ({to}): {}", text(&proposal["why"]))
        }
        _ => says(document),
    }
}

/// `burn: pass, parity: inconclusive (coverage)`
fn says(document: &Value) -> String {
    let gates = document["gates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let gate = |gate: &Value| {
        let detail = gate["detail"].as_str().map(|detail| format!(" ({detail})"));
        let (name, says) = (text(&gate["gate"]), text(&gate["outcome"]));
        format!("{name}: {says}{}", detail.unwrap_or_default())
    };
    gates.iter().map(gate).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests;
