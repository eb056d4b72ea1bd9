//! `cutover slo import`

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::json;

use crate::{
    cli::{
        args::{Global, SloImport},
        exit::{Exit, Failure},
        io::Io,
        output::print_json,
    },
    config::{Diagnostic, Place, Report, Sources, document::Slo, shown},
    slo::openslo::{self, Flaw, Parsed},
};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(in crate::cli) fn run(
    args: &SloImport,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let text = read(&args.file)?;
    let parsed = parse(&args.file, &text, io)?;
    let mut routes: BTreeMap<String, Slo> = BTreeMap::new();
    let mut custom = Vec::new();
    for Parsed { objective, .. } in &parsed {
        match objective.as_route_slo() {
            Some((route, slo)) => merge(routes.entry(route.to_owned()).or_default(), slo),
            None => custom.push(objective.name.as_str()),
        }
    }
    let kept = match &args.keep {
        Some(dir) => Some(keep(args, dir, &text, !routes.is_empty())?),
        None => None,
    };
    if global.output.is_json() {
        let routes: BTreeMap<_, _> =
            routes.iter().map(|(route, slo)| (route, json!(slo))).collect();
        let document = json!({ "routes": routes, "custom": custom, "kept": kept });
        print_json("SloImport", &document, global.output, io)?;
        return Ok(Exit::Done);
    }
    for (route, slo) in &routes {
        writeln!(io.out, "# into the route `{route}`\n{}", toml_line(slo))?;
    }
    match kept {
        Some(path) => writeln!(io.out, "{path}")?,
        None if custom.is_empty() => {}
        None => io.tell(&format!(
            "no route's own: {}\n  = help: keep the file with --keep slos/, and name it in \
             cutover.toml: slos = [\"slos/*.yaml\"]",
            custom.join(", ")
        )),
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new("file_unreadable", format!("`{}` cannot be read: {error}", shown(path)))
            .hint("name a file that is there and that you may read")
    };
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(unreadable(std::io::Error::other("it is larger than 1 MiB")));
    }
    fs::read_to_string(path).map_err(unreadable)
}

fn parse(path: &Path, text: &str, io: &mut Io<'_>) -> Result<Vec<Parsed>, Failure> {
    let mut sources = Sources::default();
    let source = sources.add(shown(path), shown(path), text);
    let parsed = openslo::parse(text);
    let mut report = Report::default();
    let flaws = match &parsed {
        Ok(parsed) => parsed.iter().flat_map(|parsed| &parsed.notes).collect::<Vec<_>>(),
        Err(flaws) => flaws.iter().collect(),
    };
    for flaw in flaws {
        report.push(told(flaw, source, parsed.is_ok()));
    }
    if !report.diagnostics().is_empty() {
        let text = report.render(&sources, io.err_colour());
        io.tell(&format!("{text}\n"));
    }
    parsed.map_err(|_| {
        Failure::new("slo_file", "the file holds no objective that can be used")
            .exit(Exit::InvalidConfig)
            .hint("`cutover explain --code CODE` tells more about a code in brackets")
    })
}

fn told(flaw: &Flaw, source: usize, is_note: bool) -> Diagnostic {
    let diagnostic = match is_note {
        true => Diagnostic::warning(flaw.code, &*flaw.message),
        false => Diagnostic::error(flaw.code, &*flaw.message),
    };
    let diagnostic = diagnostic.at(Place { source, start: flaw.at.start, end: flaw.at.end });
    match flaw.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn merge(slo: &mut Slo, other: Slo) {
    slo.availability = other.availability.or(slo.availability);
    slo.latency = other.latency.or(slo.latency.take());
}

fn toml_line(slo: &Slo) -> String {
    let availability = slo.availability.map(|percent| format!("availability = {percent:?}"));
    let latency = slo.latency.as_ref().map(|latency| {
        let (target, under_ms) = (latency.target, latency.under_ms);
        format!("latency = {{ target = {target:?}, under_ms = {under_ms} }}")
    });
    let parts: Vec<String> = availability.into_iter().chain(latency).collect();
    format!("slo = {{ {} }}", parts.join(", "))
}

/// Copies the file into `dir`. Refused where a route's own objective would then be there twice,
/// and where another file has its name.
fn keep(args: &SloImport, dir: &Path, text: &str, has_routes: bool) -> Result<String, Failure> {
    if has_routes {
        let message = "the file has objectives of routes, which belong into the routes' own `slo`";
        return Err(Failure::new("slo_conflict", message).hint("split it, and keep the rest"));
    }
    let path = dir.join(args.file.file_name().unwrap_or_default());
    match fs::read_to_string(&path) {
        Ok(there) if there != text => {
            let message = format!("`{}` is there already, and differs", path.display());
            Err(Failure::new("slo_conflict", message).hint("rename one of them, or remove it"))
        }
        Ok(_) => Ok(path.display().to_string()),
        Err(_) => super::write(&path, text).map(|()| path.display().to_string()),
    }
}
