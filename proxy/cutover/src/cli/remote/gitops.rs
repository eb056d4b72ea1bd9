//! `plan`, `apply`, `export`: a directory of files against the running truth.

use std::{fs, path::Path};

use cutover_control::{
    ConfigFile,
    api::{
        ApplyBody, FilesAnswer, MoveAnswer, PlanAnswer, PlanBody, PlanChange, PlanRow,
        StatusAnswer, TargetRow,
    },
};

use super::{moves, target};
use crate::{
    cli::{
        admin::Client,
        args::{Apply, Export, Global, Plan},
        exit::{Exit, Failure},
        io::Io,
        local::{invalid, tell},
        output::{print_json, print_table, table},
    },
    config::{self, Depth, Environment, rewrite},
};

pub(in crate::cli) fn plan(args: &Plan, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let files = read(&args.path, io)?;
    let client = Client::connect(global, io)?;
    let answer: PlanAnswer = client.post("/api/v1/plan", &PlanBody { files })?.body;
    if global.output.is_json() {
        print_json("Plan", &answer, global.output, io)?;
    } else {
        print_plan(&answer, &args.path, io)?;
    }
    Ok(if answer.changes { Exit::Pending } else { Exit::Done })
}

pub(in crate::cli) fn apply(
    args: &Apply,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let files = read(&args.path, io)?;
    let client = Client::connect(global, io)?;
    let body = ApplyBody { expect: args.expect, reason: moves::reason(&args.why, io)?, files };
    let path = format!("/api/v1/apply{}", moves::wait_query(&args.why, &client));
    let answer = client.post_waiting::<MoveAnswer>(&path, &body)?;
    moves::tell(&answer.body, answer.status, global, io)
}

pub(in crate::cli) fn export(
    args: &Export,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let files: FilesAnswer = client.get("/api/v1/files")?;
    let status: StatusAnswer = client.get("/api/v1/status")?;
    let truth = status.routes.iter().map(|row| (row.id.clone(), target(&row.at))).collect();
    let texts: Vec<(String, String)> =
        files.files.into_iter().map(|file| (file.path, file.text)).collect();
    let texts = rewrite(&texts, &truth);
    match &args.dir {
        Some(dir) => write(dir, &texts, io)?,
        None if global.output.is_json() => {
            let files: Vec<ConfigFile> =
                texts.into_iter().map(|(path, text)| ConfigFile { path, text }).collect();
            let document = serde_json::json!({ "revision": status.revision, "files": files });
            print_json("Files", &document, global.output, io)?;
        }
        None => {
            for (path, text) in &texts {
                writeln!(io.out, "# --- {path} ---\n{}", text.trim_end())?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The files of a directory, valid as far as can be told here.
pub(super) fn read(path: &Path, io: &mut Io<'_>) -> Result<Vec<ConfigFile>, Failure> {
    // The proxy's own environment and secrets count, not this machine's.
    let loaded = config::load(path, &Environment::default(), Depth::WithoutFiles);
    if loaded.config.is_none() {
        tell(&loaded, io);
        return Err(invalid(&loaded.report));
    }
    let files = loaded
        .sources
        .iter()
        .map(|source| ConfigFile { path: source.path.clone(), text: source.text.clone() });
    Ok(files.collect())
}

fn print_plan(answer: &PlanAnswer, path: &Path, io: &mut Io<'_>) -> Result<(), Failure> {
    if !answer.routes.is_empty() {
        let mut table = table(&["ROUTE", "CHANGE", "FROM", "TO", "WHY"]);
        for row in &answer.routes {
            table.add_row(cells(row));
        }
        print_table(&table, io)?;
    }
    for setting in &answer.settings {
        writeln!(io.out, "{setting}")?;
    }
    for warning in &answer.warnings {
        io.tell(&format!("warning: {}", warning.message));
    }
    if !answer.changes {
        writeln!(io.out, "no changes at revision {}", answer.revision)?;
        return Ok(());
    }
    io.tell(&format!(
        "apply: cutover apply {} --expect {} --reason ...",
        path.display(),
        answer.revision
    ));
    Ok(())
}

fn cells(row: &PlanRow) -> [String; 5] {
    let shown = |at: &Option<TargetRow>| {
        at.as_ref().map_or_else(|| "-".to_owned(), |at| target(at).to_string())
    };
    let change = match row.change {
        PlanChange::Added => "added",
        PlanChange::Removed => "removed",
        PlanChange::Moved => "moved",
        PlanChange::Changed => "changed",
        PlanChange::Blocked => "blocked",
        PlanChange::Drifted => "drifted",
    };
    let why = match (&row.why, &row.code) {
        (Some(why), Some(code)) => format!("{why} [{code}]"),
        (Some(why), None) => why.clone(),
        (None, code) => code.clone().unwrap_or_default(),
    };
    [row.route.clone(), change.to_owned(), shown(&row.from), shown(&row.to), why]
}

fn write(dir: &Path, texts: &[(String, String)], io: &mut Io<'_>) -> Result<(), Failure> {
    for (path, text) in texts {
        if !config::is_below(path) {
            let message = format!(
                "the proxy names the file `{path}`, which leads out of `{}`",
                dir.display()
            );
            return Err(Failure::new("bad_answer", message));
        }
        let file = dir.join(path);
        let parent = file.parent().unwrap_or(dir);
        fs::create_dir_all(parent).and_then(|()| fs::write(&file, text)).map_err(|error| {
            Failure::new("output", format!("`{}` cannot be written: {error}", file.display()))
                .hint("name a directory that you may write, with `--dir DIR`")
        })?;
        io.tell(&format!("wrote {}", file.display()));
    }
    Ok(())
}
