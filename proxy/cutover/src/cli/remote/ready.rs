//! `cutover ready`

use cutover_control::api::{ReadinessAnswer, ReadinessState};

use super::segment;
use crate::cli::{
    admin::Client,
    args::{Global, Ready},
    exit::{Exit, Failure},
    io::Io,
    output::{print_json, print_table, table},
};

pub(in crate::cli) fn run(args: &Ready, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let path = format!("/api/v1/routes/{}/ready", segment(&args.route));
    let answer: ReadinessAnswer = client.get(&path)?;
    if global.output.is_json() {
        print_json("Readiness", &answer, global.output, io)?;
    } else {
        print(&answer, io)?;
    }
    Ok(if answer.ready { Exit::Done } else { Exit::InProgress })
}

fn print(answer: &ReadinessAnswer, io: &mut Io<'_>) -> Result<(), Failure> {
    let mut table = table(&["CHECK", "STATE", "FOUND, OR WHAT TO DO"]);
    for row in &answer.checks {
        table.add_row([row.check.as_str(), state(row.state), row.words.as_str()]);
    }
    print_table(&table, io)?;
    let score = (answer.score * 100.0).floor();
    let ready = if answer.ready { "ready" } else { "not ready" };
    Ok(writeln!(io.out, "\n{} is {ready}: {score:.0} % of the checks are met", answer.route)?)
}

fn state(state: ReadinessState) -> &'static str {
    match state {
        ReadinessState::Met => "met",
        ReadinessState::Unmet => "unmet",
        ReadinessState::Stale => "stale",
        ReadinessState::NotApplicable => "n/a",
    }
}
