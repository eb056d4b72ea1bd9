//! `cutover dashboards`

mod prometheus;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use self::prometheus::Prometheus;
use super::count;
use crate::{
    cli::{
        args::{Dashboards, DashboardsCommand, Global, Output},
        exit::{Exit, Failure},
        io::Io,
        output::{print_list, print_table, table},
    },
    dashboards::{
        self, HERE, Places,
        verify::{Finding, Terms, verify},
    },
};

pub(in crate::cli) fn run(
    args: &Dashboards,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    match &args.command {
        DashboardsCommand::Generate { out, runbooks, console } => {
            let console = console.trim_end_matches('/');
            generate(out, Places { runbooks, console }, io)
        }
        DashboardsCommand::Verify { prometheus, range, scrape } => {
            let terms = Terms { now_seconds: now_seconds(), range: *range, scrape: *scrape };
            look(prometheus, terms, global, io)
        }
    }
}

fn generate(out: &Path, places: Places<'_>, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let files = dashboards::all(places);
    let written = fs::create_dir_all(out).and_then(|()| {
        files
            .iter()
            .try_for_each(|file| fs::write(out.join(file.name).with_extension("json"), file.text()))
    });
    let place = out.display();
    written.map_err(|error| {
        let message = format!("the dashboards cannot be written to `{place}`: {error}");
        Failure::new("output", message).hint("name a directory that you may write")
    })?;
    io.tell(&format!("wrote {} to {place}", count(files.len(), "dashboard")));
    Ok(Exit::Done)
}

fn look(url: &str, terms: Terms, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let prometheus = Prometheus::at(url, global)?;
    let findings = verify(&dashboards::all(HERE), &prometheus, terms).map_err(|why| {
        Failure::new("no_answer", format!("{url}: {why}"))
            .hint("let Prometheus scrape `/metrics` of the admin API, for some scrapes at least")
    })?;
    match global.output {
        Output::Json | Output::Jsonl => print_list("Finding", &findings, global.output, io)?,
        Output::Table | Output::Wide => print(&findings, global.output, io)?,
    }
    let bad = findings.iter().filter(|finding| finding.state.is_bad()).count();
    match bad {
        0 => {
            io.tell(&format!("{} queries have what they need", findings.len()));
            Ok(Exit::Done)
        }
        1 => Err(Failure::new("empty_panel", "1 query shows nothing")),
        bad => Err(Failure::new("empty_panel", format!("{bad} queries show nothing"))),
    }
}

/// Queries are long: a wide terminal shows them, too.
fn print(findings: &[Finding], output: Output, io: &mut Io<'_>) -> Result<(), Failure> {
    let is_wide = output == Output::Wide;
    let header = ["DASHBOARD", "PANEL", "QUERY", "SERIES", "STATE", "WHY", "PROMQL"];
    let columns = header.len() - usize::from(!is_wide);
    let mut table = table(&header[..columns]);
    for finding in findings {
        let row = [
            finding.dashboard.to_owned(),
            finding.panel.clone(),
            finding.query.clone(),
            finding.series.to_string(),
            finding.state.as_str().to_owned(),
            finding.detail.clone().unwrap_or_default(),
            finding.expr.replace('\n', " "),
        ];
        table.add_row(&row[..columns]);
    }
    print_table(&table, io)
}

fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now: Duration| now.as_secs_f64())
}
