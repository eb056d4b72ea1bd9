//! `cutover journey list | show`

use comfy_table::Table;
use cutover_control::{
    api::{JourneyRow, JourneySideRow, JourneysAnswer},
    words::percent,
};

use super::reasons;
use crate::{
    cli::{
        admin::Client,
        args::{Global, JourneyCommand},
        exit::{Exit, Failure},
        io::Io,
        output::{print_json, print_list, print_table, table, table_text},
    },
    config::nearest,
};

pub(in crate::cli) fn run(
    command: &JourneyCommand,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let answer: JourneysAnswer = client.get("/api/v1/journeys")?;
    match command {
        JourneyCommand::List if global.output.is_json() => {
            print_list("Journey", &answer.journeys, global.output, io)?;
        }
        JourneyCommand::List => {
            print_table(&list(&answer.journeys), io)?;
            if answer.journeys.is_empty() {
                io.tell("no journeys are declared: add a table `[journey.NAME]` to a team's file");
            }
        }
        JourneyCommand::Show { name } => {
            let found = answer.journeys.iter().find(|journey| journey.name == *name);
            let journey = found.ok_or_else(|| unknown(name, &answer.journeys))?;
            match global.output.is_json() {
                true => print_json("Journey", journey, global.output, io)?,
                false => writeln!(io.out, "{}", text(journey))?,
            }
            if !journey.skipped.is_empty() {
                let skipped = reasons(&journey.skipped);
                io.tell(&format!("requests that could not be followed: {skipped}"));
            }
        }
    }
    Ok(Exit::Done)
}

fn unknown(name: &str, known: &[JourneyRow]) -> Failure {
    let failure = Failure::new("unknown_journey", format!("there is no journey `{name}`"));
    match nearest(name, known.iter().map(|journey| journey.name.as_str())) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("`cutover journey list` shows what there is"),
    }
}

fn list(journeys: &[JourneyRow]) -> Table {
    let mut table = table(&["JOURNEY", "PROMISE", "KEPT(L/N)", "P95(L/N)", "UNSEEN(L/N)", "OPEN"]);
    for journey in journeys {
        table.add_row([
            journey.name.clone(),
            promise(journey),
            both(journey, kept),
            both(journey, |side| millis(side.p95_ms)),
            both(journey, |side| side.unseen.to_string()),
            (journey.legacy.open + journey.new.open).to_string(),
        ]);
    }
    table
}

/// Its promise, and what became of it on either side.
fn text(journey: &JourneyRow) -> String {
    let columns = ["SIDE", "KEPT", "GOOD", "LATE", "LOST", "UNSEEN", "OPEN", "P50", "P95"];
    let mut table = table(&columns);
    for (name, side) in [("legacy", &journey.legacy), ("new", &journey.new)] {
        let counts = [side.good, side.late, side.lost, side.unseen, side.open];
        let mut cells = vec![name.to_owned(), kept(side)];
        cells.extend(counts.map(|count| count.to_string()));
        cells.extend([millis(side.p50_ms), millis(side.p95_ms)]);
        table.add_row(cells);
    }
    format!(
        "{}: {} → {}\n{}, known by {}, given up after {} ms\n\n{}",
        journey.name,
        journey.starts.join(", "),
        journey.ends.join(", "),
        promise(journey),
        journey.correlate.join(" and "),
        journey.lost_ms,
        table_text(&table)
    )
}

/// `99.00% within 2000 ms`
fn promise(journey: &JourneyRow) -> String {
    format!("{} within {} ms", percent(journey.target), journey.within_ms)
}

fn both(journey: &JourneyRow, value: impl Fn(&JourneySideRow) -> String) -> String {
    format!("{}/{}", value(&journey.legacy), value(&journey.new))
}

fn kept(side: &JourneySideRow) -> String {
    side.kept.map_or_else(|| "-".to_owned(), percent)
}

fn millis(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.0}ms"))
}

#[cfg(test)]
mod tests;
