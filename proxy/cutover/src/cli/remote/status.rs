//! `cutover status`

mod route;
mod watch;

use comfy_table::{CellAlignment, Table};
use cutover_control::api::{ParityAnswer, RouteAnswer, RouteRow, SideRow, StatusAnswer};
use cutover_domain::Phase;

use super::{percent, segment, target};
use crate::cli::{
    admin::{Client, diagnostic},
    args::{Global, Output, Status},
    exit::{Exit, Failure},
    io::Io,
    output::{age, dash, print_json, print_list, table, table_text},
};

const COLUMNS: [&str; 11] = [
    "ROUTE",
    "PHASE",
    "SPLIT",
    "RPS",
    "SUCCESS(L/N)",
    "P95(L/N)",
    "PARITY",
    "BUDGET",
    "GATE",
    "AGE",
    "OWNER",
];

const COLUMNS_WIDE: [&str; 4] = ["GROUP", "REV", "FILE", "MATCHES"];

/// What there is to show.
struct Seen {
    routes: Vec<RouteRow>,
    /// Lines below the table, where there is only one route.
    details: Vec<String>,
    /// As the API gave it.
    document: serde_json::Value,
    /// What everyone should know.
    notes: Vec<String>,
}

pub(in crate::cli) fn run(
    args: &Status,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    if args.watch {
        return watch::run(args, global, &client, io);
    }
    let seen = look(args, &client)?;
    print(&seen, global.output, io)?;
    if !global.output.is_json() {
        for note in &seen.notes {
            io.tell(note);
        }
    }
    Ok(Exit::Done)
}

fn look(args: &Status, client: &Client) -> Result<Seen, Failure> {
    if let Some(route) = &args.route {
        let answer: RouteAnswer = client.get(&format!("/api/v1/routes/{}", segment(route)))?;
        let parity: ParityAnswer =
            client.get(&format!("/api/v1/routes/{}/parity", segment(route)))?;
        let mut document = serde_json::json!(answer);
        document["parity"] = serde_json::json!(parity);
        let (notes, details) = (notes_of(&answer.route), route::lines(&parity));
        return Ok(Seen { document, routes: vec![answer.route], details, notes });
    }
    let answer: StatusAnswer = client.get("/api/v1/status")?;
    let mut notes = Vec::new();
    if answer.legacy_all {
        notes.push("legacy-all: the file is there, every route is in its safe phase".to_owned());
    }
    if let Some(degraded) = &answer.degraded {
        notes.push(format!("degraded: {}", sentence(&degraded.message, degraded.hint.as_deref())));
    }
    if let Some(refused) = &answer.config.refused {
        notes.push(format!("the files on disk are not in force: {}", refused.message));
        notes.extend(refused.diagnostics.iter().map(|found| format!("  {}", diagnostic(found))));
    }
    if answer.routes.is_empty() {
        notes.push("no routes are declared: everything goes to the default".to_owned());
    }
    notes.extend(answer.routes.iter().flat_map(notes_of));
    let document = serde_json::json!(answer);
    Ok(Seen { document, routes: answer.routes, details: Vec::new(), notes })
}

fn notes_of(row: &RouteRow) -> Vec<String> {
    let held = row.held.iter().map(|cause| format!("{} is held: {cause}", row.id));
    let blocked = row.blocked.iter().map(|blocked| {
        format!(
            "{}: its file asks for {}, blocked: {}",
            row.id,
            target(&blocked.target),
            blocked.why
        )
    });
    held.chain(blocked).collect()
}

fn sentence(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message.to_owned(),
    }
}

fn print(seen: &Seen, output: Output, io: &mut Io<'_>) -> Result<(), Failure> {
    match output {
        Output::Json => print_json("Status", &seen.document, output, io),
        Output::Jsonl => print_list("Route", &seen.routes, output, io),
        Output::Table | Output::Wide => Ok(writeln!(io.out, "{}", text(seen, output))?),
    }
}

/// The table, and what there is to say of a single route.
fn text(seen: &Seen, output: Output) -> String {
    let table = table_text(&rows(&seen.routes, output));
    match seen.details.is_empty() {
        true => table,
        false => format!("{table}\n\n{}", seen.details.join("\n")),
    }
}

fn rows(routes: &[RouteRow], output: Output) -> Table {
    let wide = output == Output::Wide;
    let columns: Vec<&str> = match wide {
        true => COLUMNS.into_iter().chain(COLUMNS_WIDE).collect(),
        false => COLUMNS.to_vec(),
    };
    let mut table = table(&columns);
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in routes {
        let mut cells = cells(row);
        if wide {
            let file = target(&row.file).to_string();
            cells.extend([row.group.clone(), row.revision.to_string(), file, row.matches.clone()]);
        }
        table.add_row(cells);
    }
    table
}

fn cells(row: &RouteRow) -> Vec<String> {
    let at = target(&row.at);
    let split = match at.phase {
        Phase::Legacy | Phase::Shadow => "0 %".to_owned(),
        Phase::Canary => format!("{} %", at.percent),
        Phase::Live | Phase::Retired => "100 %".to_owned(),
    };
    let gate = match (&row.held, row.gate.open) {
        (Some(_), _) => "held".to_owned(),
        (None, true) => "open".to_owned(),
        (None, false) => row.gate.code.clone().unwrap_or_else(|| "-".to_owned()),
    };
    vec![
        row.id.clone(),
        at.phase.to_string(),
        split,
        format!("{:.1}", row.rps),
        both(row, |side| side.success.map(percent)),
        both(row, |side| side.p95_ms.map(|ms| format!("{ms:.0}ms"))),
        row.parity.map_or_else(dash, percent),
        row.budget.map_or_else(dash, percent),
        gate,
        row.age_ms.map_or_else(dash, age),
        row.owner.clone(),
    ]
}

/// `99.9%/98.0%`
fn both(row: &RouteRow, value: impl Fn(&SideRow) -> Option<String>) -> String {
    let new = row.new.as_ref().and_then(&value);
    format!("{}/{}", value(&row.legacy).unwrap_or_else(dash), new.unwrap_or_else(dash))
}

#[cfg(test)]
mod tests;
