//! `cutover runbook`

mod run;

use serde_json::json;

use crate::{
    cli::{
        args::{Global, Runbook as Args, RunbookCommand},
        exit::{Exit, Failure},
        io::Io,
        output::{print_json, print_list, print_table, table},
    },
    config::nearest,
    runbook::{self, ReadError, Runbook},
};

pub(in crate::cli) fn run(args: &Args, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let runbooks = match &args.dir {
        Some(dir) => runbook::read(dir).map_err(unreadable)?,
        None => runbook::embedded(),
    };
    match &args.command {
        RunbookCommand::List => list(&runbooks, global, io),
        RunbookCommand::Show { name } => show(find(&runbooks, name)?, global, io),
        RunbookCommand::Run(args) => run::run(find(&runbooks, &args.name)?, args, global, io),
    }
}

fn list(runbooks: &[Runbook], global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    if global.output.is_json() {
        let items: Vec<_> = runbooks.iter().map(document).collect();
        print_list("Runbook", &items, global.output, io)?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&["NAME", "SEVERITY", "OWNER", "TITLE"]);
    for Runbook { name, about, title, .. } in runbooks {
        let severity = about.severity.as_deref().unwrap_or("-");
        rows.add_row([name, severity, &about.owner, title]);
    }
    print_table(&rows, io)?;
    Ok(Exit::Done)
}

fn show(runbook: &Runbook, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    if global.output.is_json() {
        let mut document = document(runbook);
        document["text"] = runbook.text.as_str().into();
        print_json("Runbook", &document, global.output, io)?;
    } else {
        write!(io.out, "{}", runbook.text)?;
    }
    Ok(Exit::Done)
}

fn document(runbook: &Runbook) -> serde_json::Value {
    let block = |block: &runbook::Block| {
        json!({
            "name": block.name,
            "mutates": block.mutates,
            "timeout_seconds": block.timeout.as_secs(),
        })
    };
    let blocks: Vec<_> = runbook.blocks.iter().map(block).collect();
    json!({
        "name": runbook.name,
        "title": runbook.title,
        "about": runbook.about,
        "blocks": blocks,
    })
}

fn find<'r>(runbooks: &'r [Runbook], name: &str) -> Result<&'r Runbook, Failure> {
    if let Some(found) = runbooks.iter().find(|runbook| runbook.name == name) {
        return Ok(found);
    }
    let failure = Failure::new("unknown_runbook", format!("there is no runbook `{name}`"));
    let known = runbooks.iter().map(|runbook| runbook.name.as_str());
    Err(match nearest(name, known) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("`cutover runbook list` names them all"),
    })
}

fn unreadable(error: ReadError) -> Failure {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    Failure::new("bad_runbook", format!("{error}{}", cause.unwrap_or_default()))
        .hint("correct the file, or leave --dir out for the runbooks of this version")
}
