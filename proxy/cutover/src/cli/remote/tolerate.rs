//! `cutover tolerate`: a rule, into the file of its route.

mod file;

use std::time::{Duration, Instant};

use cutover_control::{
    ConfigFile,
    api::{DiffsAnswer, FilesAnswer, RuleRow, SuggestionRow},
    now_ms,
};
use cutover_domain::compare::{GUARDED_SECONDS_DEFAULT, Kind, Kinds, day};
use serde_json::json;

use self::file::{Change, File};
use super::segment;
use crate::{
    cli::{
        admin::Client,
        args::{Action, Global, Tolerate},
        exit::{Exit, Failure},
        io::Io,
        output::print_json,
    },
    config::{
        self,
        document::{Rule, Tolerate as Tolerance},
        rule_text,
    },
};

/// How often the proxy is asked for its files.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(in crate::cli) fn run(
    args: &Tolerate,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    if let Some(day) = &args.expires {
        check_ahead(day, now_ms() / 1_000)?;
    }
    let given = given(args);
    let suggestion = match &given {
        Some(_) => None,
        None => Some(suggestion(args, global, io)?),
    };
    let suggested = suggestion.as_ref().map(|found| rule_of(&found.rule)).transpose()?;
    let mut rule = given.or(suggested).unwrap_or_default();
    rule.reason = reason(args, &rule, io)?;
    rule.expires = args.expires.clone().or(rule.expires.take()).or_else(|| expiry(&rule));
    if args.print {
        return print(args, &rule, global, io);
    }
    let Some(file) = File::of_route(&args.config, &args.route, io)? else {
        let failure = not_at_hand(args, global, io)?;
        print(args, &rule, global, io)?;
        return Err(failure);
    };
    let change = file.with(&args.route, &rule, io)?;
    if let Some(suggestion) = suggestion.filter(|_| !args.yes) {
        ask(&suggestion, &change, io)?;
    }
    change.write()?;
    tell(args, &rule, &change, global, io)?;
    match args.wait {
        true => wait(&change, global, io),
        false => {
            io.tell(&format!(
                "a proxy that reads this file takes it over by itself; with the next comparison \
                 parity begins anew: `cutover status {}`",
                args.route
            ));
            Ok(Exit::Done)
        }
    }
}

/// The rule as typed; `None`: no action was.
fn given(args: &Tolerate) -> Option<Rule> {
    let Action { ignore, shape, unordered_by, number, time_ms, order, extra, renamed, .. } =
        &args.action;
    let tolerance =
        Tolerance { order: *order, extra: *extra, number: number.clone(), time_ms: *time_ms };
    let texts = |kinds: &Vec<Kind>| kinds.iter().map(ToString::to_string).collect();
    let steps = args.action.normalise.as_ref();
    let rule = Rule {
        path: args.path.to_string(),
        ignore: ignore.as_ref().map(texts),
        tolerate: (tolerance != Tolerance::default()).then_some(tolerance),
        unordered_by: unordered_by.clone(),
        shape: shape.map(|format| format.to_string()),
        renamed: renamed.clone(),
        normalise: steps.map(|steps| steps.iter().map(ToString::to_string).collect()),
        compare: args.action.compare,
        ..Rule::default()
    };
    let nothing = Rule { path: rule.path.clone(), ..Rule::default() };
    (rule != nothing).then_some(rule)
}

/// The rule that evidence speaks for.
fn suggestion(args: &Tolerate, global: &Global, io: &mut Io<'_>) -> Result<SuggestionRow, Failure> {
    let client = Client::connect(global, io)?;
    let (route, path) = (segment(&args.route), args.path.as_str());
    let answer: DiffsAnswer =
        client.get(&format!("/api/v1/routes/{route}/diffs?path={}", segment(path)))?;
    let of_noise = answer.noise.iter().filter(|noise| noise.path == path);
    let mut found = answer.clusters.iter().filter_map(|cluster| cluster.suggestion.clone());
    let found = found.next().or_else(|| of_noise.clone().find_map(|row| row.suggestion.clone()));
    found.ok_or_else(|| {
        let message = match answer.clusters.is_empty() && of_noise.count() == 0 {
            true => format!("nothing differs at `{path}` of `{}`", args.route),
            false => format!("no rule is suggested for what differs at `{path}`"),
        };
        Failure::new("no_suggestion", message).hint(
            "say what may differ, such as `--ignore` or `--shape uuid`; `cutover tolerate --help` lists all",
        )
    })
}

fn rule_of(row: &RuleRow) -> Result<Rule, Failure> {
    let failed = |error| {
        Failure::new(
            "bad_answer",
            format!("the suggested rule is not one of this release: {error}"),
        )
    };
    serde_json::from_value(json!(row)).map_err(failed)
}

fn reason(args: &Tolerate, rule: &Rule, io: &mut Io<'_>) -> Result<String, Failure> {
    let given = match &args.reason {
        Some(reason) => Some(reason.clone()),
        None if !rule.reason.is_empty() => Some(rule.reason.clone()),
        None if io.input_is_terminal && io.err_is_terminal => {
            io.ask("Why? It stands in the file for whoever reads it next year:")
        }
        None => None,
    };
    given.filter(|reason| !reason.trim().is_empty()).ok_or_else(|| {
        Failure::usage("a rule needs a reason")
            .hint("add `--reason \"why\"`; it stands in the file")
    })
}

/// A rule whose last day is past would be written in vain.
fn check_ahead(last_day: &str, now: u64) -> Result<(), Failure> {
    let today = day(now);
    // Days are written so that they sort as text.
    match last_day < today.as_str() {
        true => Err(Failure::usage(format!("`{last_day}` is past: the rule would do nothing"))
            .hint(format!("`--expires` is its last day: name today, {today}, or a later one"))),
        false => Ok(()),
    }
}

/// What breaks clients is not ignored for good.
fn expiry(rule: &Rule) -> Option<String> {
    let kinds = rule.ignore.iter().flatten().filter_map(|kind| kind.parse().ok());
    let is_guarded = !kinds.collect::<Kinds>().and(Kinds::GUARDED).is_empty();
    is_guarded.then(|| day(now_ms() / 1_000 + GUARDED_SECONDS_DEFAULT))
}

fn print(args: &Tolerate, rule: &Rule, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    if global.output.is_json() {
        let document = json!({ "route": args.route, "rule": rule, "written": false });
        print_json("Rule", &document, global.output, io)?;
    } else {
        write!(io.out, "{}", rule_text(rule))?;
    }
    Ok(Exit::Done)
}

/// Nothing is written. Says where the lines belong, if the proxy can be asked.
///
/// # Errors
///
/// The proxy does not know the route either.
fn not_at_hand(args: &Tolerate, global: &Global, io: &mut Io<'_>) -> Result<Failure, Failure> {
    let Tolerate { route, config, .. } = args;
    let message = format!(
        "no file of `{}` declares the route `{route}`: nothing is written",
        config.display()
    );
    let failure = Failure::new("no_file", message);
    let files =
        Client::connect(global, io).and_then(|client| client.get::<FilesAnswer>("/api/v1/files"));
    let Ok(FilesAnswer { files, .. }) = files else {
        return Ok(failure.hint("name the process file with `--config FILE`"));
    };
    let declares = |text: &str| config::add_rule(text, route, &Rule::default()).is_some();
    match files.iter().find(|file| declares(&file.text)) {
        Some(file) => Ok(failure.hint(format!(
            "the proxy has the route in `{}`: add these lines behind it there, or name the process \
             file with `--config FILE`",
            file.path
        ))),
        None => {
            Err(failure.hint("the proxy knows no such route either: `cutover status` lists all"))
        }
    }
}

/// Whether to add what nobody typed.
fn ask(suggestion: &SuggestionRow, change: &Change, io: &mut Io<'_>) -> Result<(), Failure> {
    io.tell(&format!("suggested: {}", suggestion.why));
    io.tell(&change.text());
    let answer = match io.input_is_terminal && io.err_is_terminal {
        true => io.ask("Add it? [y/N]"),
        false => {
            return Err(Failure::usage("nobody is there to be asked whether to add the rule")
                .hint("add `--yes`, or only print it with `--print`"));
        }
    };
    match answer.is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes")) {
        true => Ok(()),
        false => Err(Failure::new("not_added", "nothing is written")),
    }
}

fn tell(
    args: &Tolerate,
    rule: &Rule,
    change: &Change,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    if global.output.is_json() {
        let document = json!({
            "route": args.route, "rule": rule, "written": true,
            "file": change.shown(), "line": change.line(),
        });
        return print_json("Rule", &document, global.output, io);
    }
    Ok(writeln!(io.out, "{}", change.text())?)
}

/// Until the proxy has the changed file in force.
fn wait(change: &Change, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let until = Instant::now() + client.timeout();
    while Instant::now() < until {
        let answer: FilesAnswer = client.get("/api/v1/files")?;
        let is_ours =
            |file: &ConfigFile| file.path == change.path() && file.text == change.new_text();
        if answer.files.iter().any(is_ours) {
            io.tell("in force; with the next comparison parity begins anew");
            return Ok(Exit::Done);
        }
        client.pause(LOOK_AGAIN);
    }
    let message = format!("the proxy does not have {} in force yet", change.shown());
    Err(Failure::new("not_yet_applied", message).exit(Exit::InProgress).hint(
        "`cutover status` tells whether it refused the file; one that reads another directory is \
         given this one by `cutover apply`",
    ))
}

#[cfg(test)]
mod tests;
