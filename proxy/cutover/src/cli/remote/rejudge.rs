//! `cutover rejudge`: what kept mismatches would be by other rules.

use comfy_table::{CellAlignment, Table};
use cutover_control::api::{OutcomeName, RejudgeAnswer, RejudgeBody, RejudgedRow};

use super::{gitops, segment};
use crate::cli::{
    admin::Client,
    args::{Global, Output, Rejudge},
    exit::{Exit, Failure},
    io::Io,
    local::count,
    output::{print_json, print_list, print_table, table},
};

const COLUMNS: [&str; 7] = ["PATH", "KIND", "VALUES", "COUNT", "OUTCOME", "SAMPLES", "KEEP"];

pub(in crate::cli) fn run(
    args: &Rejudge,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let files = gitops::read(&args.config, io)?;
    let client = Client::connect(global, io)?;
    let path = format!("/api/v1/routes/{}/rejudge", segment(&args.route));
    let answer = client.post::<RejudgeAnswer>(&path, &RejudgeBody { files })?.body;
    match global.output {
        Output::Json => print_json("Rejudge", &answer, global.output, io)?,
        Output::Jsonl => print_list("RejudgedCluster", &answer.clusters, global.output, io)?,
        Output::Table | Output::Wide => print(&answer, io)?,
    }
    let is_left = |row: &RejudgedRow| row.outcome != OutcomeName::Gone;
    let is_left = answer.clusters.iter().any(is_left) || !answer.appears.is_empty();
    Ok(if args.exit_code && is_left { Exit::Pending } else { Exit::Done })
}

fn print(answer: &RejudgeAnswer, io: &mut Io<'_>) -> Result<(), Failure> {
    if answer.clusters.is_empty() {
        let route = &answer.route;
        writeln!(io.out, "nothing to judge: no mismatch of {route} is kept")?;
        io.tell(&format!("whether its requests are compared at all: cutover diffs {route}"));
        return Ok(());
    }
    print_table(&rows(&answer.clusters), io)?;
    if !answer.appears.is_empty() {
        writeln!(io.out, "\nBesides, samples differ by these rules at:")?;
        let mut table = table(&["PATH", "KIND", "VALUES"]);
        for row in &answer.appears {
            table.add_row([row.path.clone(), row.kind.clone(), row.values.clone()]);
        }
        print_table(&table, io)?;
    }
    io.tell(&summary(&answer.clusters));
    Ok(())
}

/// What would be left, first.
fn rows(clusters: &[RejudgedRow]) -> Table {
    let mut table = table(&COLUMNS);
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut clusters: Vec<&RejudgedRow> = clusters.iter().collect();
    clusters.sort_by_key(|row| match row.outcome {
        OutcomeName::Stays => 0,
        OutcomeName::Undecidable => 1,
        OutcomeName::Gone => 2,
    });
    for row in clusters {
        table.add_row([
            row.cluster.path.clone(),
            row.cluster.kind.clone(),
            row.cluster.values.clone(),
            row.count.to_string(),
            outcome(row),
            samples(row),
            if row.keep.is_empty() { "-".to_owned() } else { row.keep.join(",") },
        ]);
    }
    table
}

fn outcome(row: &RejudgedRow) -> String {
    let why = match row.why.as_deref() {
        Some("cut") => ": too large to be kept whole",
        Some("unreadable") => ": of another release",
        Some("no_sample") => ": no sample",
        _ => "",
    };
    format!("{}{why}", name(row.outcome))
}

fn name(outcome: OutcomeName) -> &'static str {
    match outcome {
        OutcomeName::Stays => "stays",
        OutcomeName::Gone => "gone",
        OutcomeName::Undecidable => "undecidable",
    }
}

/// `3 stay, 2 gone, 1 ?`
fn samples(row: &RejudgedRow) -> String {
    let parts = [(row.stays, "stay"), (row.gone, "gone"), (row.undecidable, "?")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

fn summary(clusters: &[RejudgedRow]) -> String {
    let of = |wanted| clusters.iter().filter(|row| row.outcome == wanted).count();
    format!(
        "of {}: {} gone, {} stay, {} undecidable",
        count(clusters.len(), "cluster"),
        of(OutcomeName::Gone),
        of(OutcomeName::Stays),
        of(OutcomeName::Undecidable)
    )
}

#[cfg(test)]
mod tests;
