//! `promote`, `rollback`, `hold`, `release`: what moves routes.

use cutover_control::{
    api::{LatchBody, MoveAnswer, PhaseName, PromoteBody, RollbackBody, SkippedRow},
    words::{undo, what},
};
use cutover_domain::Percent;
use http::StatusCode;
use serde::Serialize;

use super::segment;
use crate::cli::{
    admin::{Answer, Client},
    args::{self, Change, Global, Hold, Promote, Release, Rollback, Why},
    exit::{Exit, Failure},
    io::Io,
    output::print_json,
};

pub(in crate::cli) fn promote(
    args: &Promote,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let scope = Scope::of(args.scope.route.as_deref(), args.scope.group.as_deref());
    let body = PromoteBody {
        reason: reason(&args.change.why, io)?,
        expect: args.change.expect,
        to: args.to.map(phase),
        percent: percent(args.percent.as_deref())?,
        force: args.force,
    };
    ask(&scope, "promote", &body, &args.change, global, io)
}

pub(in crate::cli) fn rollback(
    args: &Rollback,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let percent = percent(args.percent.as_deref())?;
    let scope = Scope::of(args.scope.route.as_deref(), args.scope.group.as_deref());
    let body = RollbackBody {
        reason: reason(&args.change.why, io)?,
        expect: args.change.expect,
        to: args.to.map(phase).or(percent.map(|_| PhaseName::Canary)),
        percent,
    };
    let client = Client::connect(global, io)?;
    let answer = send(&client, &scope, "rollback", &body, &args.change)?;
    let exit = tell(&answer.body, answer.status, global, io)?;
    if let Scope::Route(route) = scope
        && body.to.is_none()
        && answer.body.routes.is_empty()
        && !global.output.is_json()
    {
        let more = format!("`cutover rollback {route} --to legacy` ends its copies too");
        io.tell(&format!("hint: legacy serves {route} already; if it is in shadow, {more}"));
    }
    match answer.body.left_out.as_slice() {
        [] => Ok(exit),
        rows => Err(left_out(rows)),
    }
}

pub(in crate::cli) fn hold(args: &Hold, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let scope = Scope::of(args.scope.route.as_deref(), args.scope.group.as_deref());
    let body = LatchBody { reason: reason(&args.change.why, io)?, expect: args.change.expect };
    ask(&scope, "hold", &body, &args.change, global, io)
}

pub(in crate::cli) fn release(
    args: &Release,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let scope = Scope::of(args.scope.route.as_deref(), args.scope.group.as_deref());
    let body = LatchBody { reason: reason(&args.change.why, io)?, expect: args.change.expect };
    ask(&scope, "release", &body, &args.change, global, io)
}

/// Which routes are meant.
enum Scope<'a> {
    Route(&'a str),
    Group(&'a str),
    All,
}

fn ask(
    scope: &Scope<'_>,
    verb: &str,
    body: &impl Serialize,
    change: &Change,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let answer = send(&client, scope, verb, body, change)?;
    tell(&answer.body, answer.status, global, io)
}

fn send(
    client: &Client,
    scope: &Scope<'_>,
    verb: &str,
    body: &impl Serialize,
    change: &Change,
) -> Result<Answer<MoveAnswer>, Failure> {
    let path = format!("{}/{verb}{}", scope.path(), wait_query(&change.why, client));
    client.post_waiting::<MoveAnswer>(&path, body)
}

fn left_out(rows: &[SkippedRow]) -> Failure {
    let routes: Vec<&str> = rows.iter().map(|row| row.route.as_str()).collect();
    let verb = if routes.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} still served by new", routes.join(", "));
    Failure::new("left_out", message)
        .hint("what could go back has; a retired route needs legacy behind a new route")
}

/// Longest wait that the admin API takes, in milliseconds.
const WAIT_MS_MAX: u128 = 60_000;

/// `?wait=MS` if the answer is to wait until all nodes obey.
pub(super) fn wait_query(why: &Why, client: &Client) -> String {
    match why.wait {
        true => format!("?wait={}", client.timeout().as_millis().min(WAIT_MS_MAX)),
        false => String::new(),
    }
}

/// Prints what became of a move, and how to undo it.
pub(super) fn tell(
    answer: &MoveAnswer,
    status: StatusCode,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let undo: Vec<String> = answer.routes.iter().filter_map(undo).collect();
    if global.output.is_json() {
        let mut document = serde_json::json!(answer);
        document["undo"] = serde_json::json!(undo);
        print_json("Move", &document, global.output, io)?;
    } else {
        print(answer, io)?;
        for command in &undo {
            io.tell(&format!("undo: {command}"));
        }
    }
    for row in answer.skipped.iter().chain(&answer.left_out) {
        io.tell(&format!("left out: {}, {}", row.route, row.why));
    }
    if !answer.recorded {
        io.tell(
            "warning: the store is away; this is in force here, and is recorded once it is back",
        );
    }
    if let Some(pending) = &answer.pending
        && status == StatusCode::ACCEPTED
    {
        let mut failure =
            Failure::new("not_yet_applied", pending.message.clone()).exit(Exit::InProgress);
        failure.hint.clone_from(&pending.hint);
        return Err(failure);
    }
    Ok(Exit::Done)
}

fn print(answer: &MoveAnswer, io: &mut Io<'_>) -> Result<(), Failure> {
    for row in &answer.routes {
        writeln!(io.out, "{}: {}", row.route, what(row))?;
    }
    let effective = match answer.effective_ms {
        Some(ms) => format!(", in force after {ms:.1} ms"),
        None => String::new(),
    };
    match answer.routes.is_empty() {
        true => writeln!(io.out, "nothing to change at revision {}", answer.revision)?,
        false => writeln!(io.out, "revision {}{effective}", answer.revision)?,
    }
    Ok(())
}

/// The reason given, or asked for at a terminal.
pub(super) fn reason(why: &Why, io: &mut Io<'_>) -> Result<String, Failure> {
    let given = match &why.reason {
        Some(reason) => Some(reason.clone()),
        None if io.input_is_terminal && io.err_is_terminal => {
            io.ask("Why? It is recorded and shown in the history:")
        }
        None => None,
    };
    given.filter(|reason| !reason.trim().is_empty()).ok_or_else(|| {
        Failure::usage("a move needs a reason").hint("add `--reason \"why\"`; the history shows it")
    })
}

/// The share as typed: at most two decimals, so that it is kept exactly.
pub(super) fn percent(text: Option<&str>) -> Result<Option<f64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let percent: Percent = text
        .trim_end_matches(['%', ' '])
        .parse()
        .map_err(|error: cutover_domain::cohort::BadPercent| Failure::usage(error.to_string()))?;
    Ok(Some(percent.as_f64()))
}

fn phase(phase: args::Phase) -> PhaseName {
    match phase {
        args::Phase::Legacy => PhaseName::Legacy,
        args::Phase::Shadow => PhaseName::Shadow,
        args::Phase::Canary => PhaseName::Canary,
        args::Phase::Live => PhaseName::Live,
        args::Phase::Retired => PhaseName::Retired,
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    fn of(route: Option<&'a str>, group: Option<&'a str>) -> Scope<'a> {
        match (route, group) {
            (Some(route), _) => Scope::Route(route),
            (None, Some(group)) => Scope::Group(group),
            (None, None) => Scope::All,
        }
    }

    fn path(&self) -> String {
        match self {
            Scope::Route(route) => format!("/api/v1/routes/{}", segment(route)),
            Scope::Group(group) => format!("/api/v1/routes/group:{}", segment(group)),
            Scope::All => "/api/v1".to_owned(),
        }
    }
}
