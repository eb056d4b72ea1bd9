//! `cutover doctor`: a list of what this machine needs, each failure with its remedy.

mod checks;

use serde::Serialize;

use super::count;
use crate::cli::{
    args::{Doctor, Global, Output},
    exit::{Exit, Failure},
    io::Io,
    output::print_list,
};

/// One line of the list.
#[derive(Debug, Serialize)]
struct Finding {
    group: &'static str,
    check: String,
    state: State,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

pub(in crate::cli) fn run(
    args: &Doctor,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let findings = checks::all(&args.config, global, io);
    match global.output {
        Output::Json | Output::Jsonl => print_list("Finding", &findings, global.output, io)?,
        Output::Table | Output::Wide => print(&findings, io)?,
    }
    let failed = findings.iter().filter(|finding| finding.state == State::Failed).count();
    match failed {
        0 => Ok(Exit::Done),
        failed => Err(Failure::new("not_ready", format!("{} failed", count(failed, "check")))),
    }
}

fn print(findings: &[Finding], io: &mut Io<'_>) -> Result<(), Failure> {
    let colour = io.out_colour();
    let mut group = "";
    for finding in findings {
        if finding.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            writeln!(io.out, "{gap}{}\n{}", finding.group, "-".repeat(finding.group.len()))?;
            group = finding.group;
        }
        let (mark, paint) = finding.state.mark();
        let mark = if colour { format!("\x1b[{paint}m{mark}\x1b[0m") } else { mark.to_owned() };
        writeln!(io.out, "{mark} {}", finding.check)?;
        for line in finding.detail.iter().flat_map(|detail| detail.lines()) {
            writeln!(io.out, "    {line}")?;
        }
        if let Some(remedy) = &finding.remedy {
            writeln!(io.out, "    = help: {remedy}")?;
        }
    }
    let failed = findings.iter().filter(|finding| finding.state == State::Failed).count();
    let warned = findings.iter().filter(|finding| finding.state == State::Warning).count();
    let verdict = match (failed, warned) {
        (0, 0) => "ready".to_owned(),
        (0, warned) => format!("ready, with {}", count(warned, "warning")),
        (failed, _) => format!("not ready: {} failed", count(failed, "check")),
    };
    writeln!(io.out, "\n{verdict}")?;
    Ok(())
}

// === impl State ===

impl State {
    fn mark(self) -> (&'static str, &'static str) {
        match self {
            State::Ok => ("√", "32"),
            State::Warning => ("‼", "33"),
            State::Failed => ("×", "31"),
        }
    }
}

// === impl Finding ===

impl Finding {
    fn ok(group: &'static str, check: impl Into<String>) -> Finding {
        Finding { group, check: check.into(), state: State::Ok, detail: None, remedy: None }
    }

    fn failed(
        group: &'static str,
        check: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let (detail, remedy) = (Some(detail.into()), Some(remedy.into()));
        Finding { state: State::Failed, detail, remedy, ..Finding::ok(group, check) }
    }

    fn warning(self) -> Finding {
        Finding { state: State::Warning, ..self }
    }
}
