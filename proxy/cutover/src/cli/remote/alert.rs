//! `cutover alert list`

use comfy_table::Table;
use cutover_control::{
    api::{AlertOutcome, ReceivedAnswer, ReceivedRow},
    words::age,
};

use crate::cli::{
    admin::Client,
    args::{AlertCommand, Global, Output},
    exit::{Exit, Failure},
    io::Io,
    output::{or_dash, print_list, print_table, table},
};

pub(in crate::cli) fn run(
    command: &AlertCommand,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let AlertCommand::List = command;
    let answer: ReceivedAnswer = Client::connect(global, io)?.get("/api/v1/alerts")?;
    if global.output.is_json() {
        print_list("Alert", &answer.alerts, global.output, io)?;
        return Ok(Exit::Done);
    }
    print_table(&list(&answer, global.output == Output::Wide), io)?;
    if answer.alerts.is_empty() {
        io.tell(
            "nothing was delivered yet: the console's page /alerts shows how to wire Alertmanager",
        );
    }
    Ok(Exit::Done)
}

fn list(answer: &ReceivedAnswer, is_wide: bool) -> Table {
    let mut header = vec!["ALERT", "STATE", "SEVERITY", "ROUTE", "SIDE", "HEARD", "DONE"];
    header.extend(is_wide.then_some("SAYS"));
    let mut table = table(&header);
    for row in &answer.alerts {
        let mut cells = cells(row, answer.at_ms);
        cells.extend(is_wide.then(|| or_dash(&row.summary)));
        table.add_row(cells);
    }
    table
}

fn cells(row: &ReceivedRow, now_ms: u64) -> Vec<String> {
    vec![
        row.name.clone(),
        if row.firing { "firing" } else { "over" }.to_owned(),
        or_dash(&row.severity),
        or_dash(&row.route),
        or_dash(&row.side),
        format!("{} ago", age(now_ms.saturating_sub(row.last_ms))),
        row.outcome.map_or("failed, to be tried again", AlertOutcome::told).to_owned(),
    ]
}

#[cfg(test)]
mod tests;
