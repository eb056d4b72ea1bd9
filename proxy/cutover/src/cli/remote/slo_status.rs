//! `cutover slo status`

use cutover_control::{
    api::{BurnRow, SloAnswer, SloRow},
    words::span,
};

use super::{percent, segment};
use crate::cli::{
    admin::Client,
    args::{Global, SloStatus},
    exit::{Exit, Failure},
    io::Io,
    output::{print_list, table, table_text},
};

pub(in crate::cli) fn run(
    args: &SloStatus,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let route = args.route.as_ref().map(|route| format!("?route={}", segment(route)));
    let answer: SloAnswer = client.get(&format!("/api/v1/slo{}", route.unwrap_or_default()))?;
    if global.output.is_json() {
        print_list("Objective", &answer.objectives, global.output, io)?;
        return Ok(Exit::Done);
    }
    match (answer.at_ms, answer.objectives.is_empty()) {
        (0, _) => io.tell("nothing was looked at yet: ask again in a moment"),
        (_, true) => {
            io.tell("no objective is declared: add `slo = { availability = 99.9 }` to a route")
        }
        _ => writeln!(io.out, "{}", text(&answer.objectives))?,
    }
    Ok(Exit::Done)
}

fn text(rows: &[SloRow]) -> String {
    let windows = rows.first().map(|row| row.windows.as_slice()).unwrap_or_default();
    let names: Vec<String> = windows.iter().map(|window| span(window.length_ms)).collect();
    let fixed = ["ROUTE", "OBJECTIVE", "WHOSE", "TARGET", "BUDGET"];
    let header: Vec<&str> = fixed.into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut table = table(&header);
    for row in rows {
        let (route, indicator, whose) = (&row.route, &row.indicator, &row.whose);
        let target = format!("{}%", row.target);
        let mut cells =
            vec![route.clone(), indicator.clone(), whose.clone(), target, percent(row.budget_left)];
        cells.extend(row.windows.iter().map(burn));
        table.add_row(cells);
    }
    table_text(&table)
}

/// `14.4×!` where it is too much; a dash where nothing was asked.
fn burn(window: &BurnRow) -> String {
    let too_much = window.limit.is_some_and(|limit| window.burn >= limit);
    match window.requests {
        0 => "-".to_owned(),
        _ => format!("{:.1}×{}", window.burn, if too_much { "!" } else { "" }),
    }
}

#[cfg(test)]
mod tests;
