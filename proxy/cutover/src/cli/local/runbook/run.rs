//! `cutover runbook run`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    cli::{
        admin,
        args::{Global, RunbookRun},
        exit::{Exit, Failure},
        io::Io,
        output::print_list,
    },
    runbook::{
        Block, Runbook,
        run::{self, Ended, Ran},
    },
};

pub(super) fn run(
    runbook: &Runbook,
    args: &RunbookRun,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let blocks = chosen(runbook, args, io)?;
    check_vars(runbook, args)?;
    if args.dry_run {
        return dry_run(&blocks, global, io);
    }
    let runtime = admin::runtime()?;
    let vars = [args.var.clone(), surroundings(global, io)].concat();
    let mut told = Vec::new();
    let mut failure = None;
    for block in blocks {
        if !global.output.is_json() {
            io.tell(&format!("== {}", block.name));
        }
        let ran = runtime.block_on(run::run(block, &vars)).map_err(|error| {
            Failure::new("block_failed", format!("`sh` cannot be started: {error}"))
        })?;
        tell(block, &ran, global, io)?;
        told.push(document(block, &ran));
        if ran.ended != Ended::Ok {
            failure = Some(failed(runbook, block, &ran));
            break;
        }
    }
    if global.output.is_json() {
        print_list("RunbookBlock", &told, global.output, io)?;
    }
    failure.map_or(Ok(Exit::Done), Err)
}

/// The blocks asked for, or all; what changes something only with `--yes`.
fn chosen<'r>(
    runbook: &'r Runbook,
    args: &RunbookRun,
    io: &mut Io<'_>,
) -> Result<Vec<&'r Block>, Failure> {
    let may = |block: &Block| !block.mutates || args.yes || args.dry_run;
    if args.block.is_empty() {
        let (run, left): (Vec<_>, Vec<_>) = runbook.blocks.iter().partition(|block| may(block));
        for block in left {
            io.tell(&format!("left out without --yes, since it changes something: {}", block.name));
        }
        return Ok(run);
    }
    let find = |name: &String| {
        let Some(block) = runbook.blocks.iter().find(|block| block.name == *name) else {
            let names: Vec<&str> = runbook.blocks.iter().map(|block| &*block.name).collect();
            let message = format!("`{}` has no block `{name}`", runbook.name);
            return Err(Failure::usage(message).hint(format!("it has {}", names.join(", "))));
        };
        match may(block) {
            true => Ok(block),
            false => Err(Failure::usage(format!("the block `{name}` changes something"))
                .hint("see what with --dry-run, then add --yes")),
        }
    };
    args.block.iter().map(find).collect()
}

fn check_vars(runbook: &Runbook, args: &RunbookRun) -> Result<(), Failure> {
    let is_given = |name: &&String| args.var.iter().any(|(given, _)| given == *name);
    let missing: Vec<&String> = runbook.about.vars.iter().filter(|name| !is_given(name)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    Err(Failure::usage(format!("`{}` needs a value for `{first}`", runbook.name)).hint(format!(
        "add --var {first}=...; `cutover runbook show {}` says what for",
        runbook.name
    )))
}

/// Blocks find this very program, and reach the proxy that we were told to.
fn surroundings(global: &Global, io: &Io<'_>) -> Vec<(String, String)> {
    let mut vars = Vec::new();
    let own = std::env::current_exe().ok();
    if let Some(dir) = own.as_deref().and_then(Path::parent) {
        let path = io.environment.get("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
        vars.push(("PATH".to_owned(), format!("{}:{path}", dir.display())));
    }
    let admin = global.admin.clone().map(|admin| ("CUTOVER_ADMIN".to_owned(), admin));
    let file = |name: &str, path: &Option<PathBuf>| {
        path.as_ref().map(|path| (name.to_owned(), path.display().to_string()))
    };
    vars.extend(admin);
    vars.extend(file("CUTOVER_TOKEN_FILE", &global.token_file));
    vars.extend(file("CUTOVER_CA", &global.ca));
    vars
}

fn dry_run(blocks: &[&Block], global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    if global.output.is_json() {
        let items: Vec<Value> = blocks
            .iter()
            .map(|block| json!({ "name": block.name, "mutates": block.mutates, "script": block.script }))
            .collect();
        print_list("RunbookBlock", &items, global.output, io)?;
        return Ok(Exit::Done);
    }
    for block in blocks {
        let changes = if block.mutates { "   # changes something" } else { "" };
        writeln!(io.out, "# {}{changes}\n{}", block.name, block.script)?;
    }
    Ok(Exit::Done)
}

fn tell(block: &Block, ran: &Ran, global: &Global, io: &mut Io<'_>) -> Result<(), Failure> {
    if global.output.is_json() {
        return Ok(());
    }
    write!(io.out, "{}", ran.output)?;
    let tries = if ran.attempts > 1 { format!(", {} tries", ran.attempts) } else { String::new() };
    let seconds = ran.took.as_secs_f64();
    io.tell(&format!("== {}: {} ({seconds:.1} s{tries})", block.name, ran.ended.told()));
    Ok(())
}

fn document(block: &Block, ran: &Ran) -> Value {
    json!({
        "name": block.name,
        "ok": ran.ended == Ended::Ok,
        "ended": ran.ended.told(),
        "attempts": ran.attempts,
        "seconds": ran.took.as_secs_f64(),
        "output": ran.output,
    })
}

fn failed(runbook: &Runbook, block: &Block, ran: &Ran) -> Failure {
    let (name, ended) = (&block.name, ran.ended.told());
    let expected = match (&ran.ended, &block.expect) {
        (Ended::Unexpected, Some(expect)) => format!(": `{expect}`"),
        _ => String::new(),
    };
    Failure::new("block_failed", format!("the block `{name}` {ended}{expected}"))
        .hint(format!("read on in `cutover runbook show {}`, line {}", runbook.name, block.line))
}
