//! `cutover explain METHOD PATH`: the decision of the data plane, taken by the same code over
//! what a person typed.

mod others;
mod request;

use cutover_domain::{
    Decision, OnFailure, Phase, Reason, Route, RouteState, RouteTable, Side, Subjects, bucket,
    decide,
};
use serde_json::json;

use self::request::Asked;
use super::load;
use crate::{
    cli::{
        admin::Client,
        args::{Explain, Global},
        exit::{Exit, Failure},
        io::Io,
        output::print_json,
        remote,
    },
    config::{Config, Depth},
};

/// What is explained: a configuration and where its routes are.
struct Subject {
    config: Config,
    table: RouteTable,
    /// It comes from a running proxy.
    running: bool,
}

/// The explanation, ready to be printed.
struct Explanation<'a> {
    asked: &'a Asked,
    subject: &'a Subject,
    route: Option<(&'a Route, Decision<'a>)>,
    others: Vec<others::Other<'a>>,
}

pub(in crate::cli) fn run(
    args: &Explain,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let asked = Asked::parse(args)?;
    let subject = match &global.admin {
        Some(_) => of_proxy(&Client::connect(global, io)?, io)?,
        None => of_files(args, io)?,
    };
    let head = asked.head();
    let at = subject.table.find(&head);
    let route = at.map(|at| &subject.table.routes[at]);
    let seen = asked.subjects(route);
    let explanation = Explanation {
        asked: &asked,
        subject: &subject,
        route: route.map(|route| (route, decide(route, &seen, None))),
        others: others::all(&subject.config.declaration, &head, route.map(|r| r.spec.id.as_str())),
    };
    match global.output.is_json() {
        true => print_json("Explanation", &explanation.document(), global.output, io)?,
        false => write!(io.out, "{}", explanation.text())?,
    }
    Ok(Exit::Done)
}

/// The files alone: every route is where its file wants it.
fn of_files(args: &Explain, io: &mut Io<'_>) -> Result<Subject, Failure> {
    let config = load(&args.config, Depth::WithoutFiles, io)?;
    let state = |spec: &cutover_domain::RouteSpec| RouteState::INITIAL.at(spec.target, 0);
    subject(config, state, false)
}

/// The running truth: the proxy's own files, and where it says the routes are.
fn of_proxy(client: &Client, io: &mut Io<'_>) -> Result<Subject, Failure> {
    let (config, states) = remote::truth(client, io)?;
    let state = |spec: &cutover_domain::RouteSpec| {
        states.get(&spec.id).cloned().unwrap_or(RouteState::INITIAL)
    };
    subject(config, state, true)
}

fn subject(
    config: Config,
    state: impl FnMut(&cutover_domain::RouteSpec) -> RouteState,
    running: bool,
) -> Result<Subject, Failure> {
    let table = RouteTable::build(&config.declaration, 0, state).map_err(|conflicts| {
        let words: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
        Failure::new("invalid_config", words.join("; ")).exit(Exit::InvalidConfig)
    })?;
    Ok(Subject { config, table, running })
}

// === impl Explanation ===

impl Explanation<'_> {
    fn text(&self) -> String {
        let asked = self.asked;
        let host = asked.host().map(|host| format!("  (host {host})")).unwrap_or_default();
        let mut lines = vec![format!("{} {}{host}", asked.method(), asked.path())];
        match &self.route {
            None => {
                let upstream = &self.subject.table.upstreams[self.subject.table.default];
                lines.push("route     none: it matches no route".to_owned());
                lines.push(format!("upstream  {} ({}), the default", upstream.name, url(upstream)));
                lines.push("counted   as `_unmatched`".to_owned());
            }
            Some((route, decision)) => self.route_lines(route, decision, &mut lines),
        }
        others::lines(&self.others, &mut lines);
        lines.push(String::new());
        lines.join("\n")
    }

    fn route_lines(&self, route: &Route, decision: &Decision<'_>, lines: &mut Vec<String>) {
        let (spec, group) = (&route.spec, &route.group);
        lines.push(format!("route     {} (group {}, owner {})", spec.id, group.id, group.owner));
        lines.push(format!("matches   {}", others::endpoint(&spec.endpoint)));
        let source = match self.subject.running {
            true if route.state.revision > 0 => format!("revision {}", route.state.revision),
            true => "no one moved it yet".to_owned(),
            false => "as the files ask; with --admin, as it runs now".to_owned(),
        };
        lines.push(format!("phase     {} ({source})", route.state.target()));
        if let Some(held) = &route.state.held {
            lines.push(format!("held      {}", held.cause));
        }
        lines.push(format!("subject   {}", self.subject_line(route)));
        lines.push(format!("side      {}: {}", decision.side, why(decision.reason, route)));
        let upstream = &self.subject.table.upstreams[upstream_of(route, decision.side)];
        lines.push(format!("upstream  {} ({})", upstream.name, url(upstream)));
        lines.push(format!(
            "if it fails before its answer begins: {}",
            on_failure(decision.on_failure).1
        ));
    }

    fn subject_line(&self, route: &Route) -> String {
        let seen = self.asked.subjects(Some(route));
        let sources = &route.group.subjects;
        let found = sources.iter().find_map(|source| Some((source, seen.subject(source)?)));
        let Some((source, subject)) = found else {
            let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
            return match sources.as_slice() {
                [] => "none: the group declares no source".to_owned(),
                some => format!("none: nothing in {}", some.join(", ")),
            };
        };
        let bucket = bucket(&route.group.cohort.salt, &subject);
        let source = match self.asked.subject_is_given() {
            true => "as given".to_owned(),
            false => format!("from {source}"),
        };
        format!("{subject} ({source}), bucket {bucket} of 10000")
    }

    fn document(&self) -> serde_json::Value {
        let asked = self.asked;
        let route = self.route.as_ref().map(|(route, decision)| {
            let bucket = decision.subject.as_ref().map(|s| bucket(&route.group.cohort.salt, s));
            json!({
                "id": route.spec.id,
                "group": route.group.id,
                "owner": route.group.owner,
                "phase": route.state.phase.as_str(),
                "percent": route.state.percent.as_f64(),
                "revision": route.state.revision,
                "held": route.state.held.as_ref().map(|held| &held.cause),
                "subject": decision.subject,
                "bucket": bucket,
                "side": decision.side.as_str(),
                "reason": decision.reason.as_str(),
                "upstream": self.subject.table.upstreams[upstream_of(route, decision.side)].name,
                "on_failure": on_failure(decision.on_failure).0,
            })
        });
        json!({
            "method": asked.method().as_str(),
            "path": asked.path(),
            "host": asked.host(),
            "running": self.subject.running,
            "route": route,
            "default": self.subject.table.upstreams[self.subject.table.default].name,
            "others": self.others,
        })
    }
}

fn upstream_of(route: &Route, side: Side) -> usize {
    match side {
        Side::Legacy => route.legacy,
        Side::New => route.new.unwrap_or(route.legacy),
    }
}

fn url(upstream: &cutover_domain::Upstream) -> String {
    let host = match upstream.host.contains(':') {
        true => format!("[{}]", upstream.host),
        false => upstream.host.clone(),
    };
    format!("{}://{host}:{}", upstream.scheme.as_str(), upstream.port)
}

fn why(reason: Reason, route: &Route) -> String {
    let share = || format!("below {}", route.state.percent.basis_points());
    match reason {
        Reason::Phase if route.state.phase == Phase::Shadow => {
            "in shadow, legacy serves everyone".to_owned()
        }
        Reason::Phase => format!("in {}, this side serves everyone", route.state.phase),
        Reason::Override => "a signed override asks for it".to_owned(),
        Reason::Deny => "the subject is on the deny list".to_owned(),
        Reason::Allow => "the subject is on the allow list".to_owned(),
        Reason::Attribute => "an attribute rule of the group takes it".to_owned(),
        Reason::Cohort => format!("the cohort takes buckets {}", share()),
        Reason::OutsideCohort => format!("the cohort only takes buckets {}", share()),
        Reason::NoSubject => "the request names no subject".to_owned(),
    }
}

/// As the admin API names it, and in words.
fn on_failure(on_failure: OnFailure) -> (&'static str, &'static str) {
    match on_failure {
        OnFailure::PassOn => ("pass_on", "the failure is the answer"),
        OnFailure::AnswerByLegacy => ("answer_by_legacy", "legacy answers, once"),
        OnFailure::RetryNew => ("retry_new", "new is tried again, else 503"),
        OnFailure::RetryNewIfUndelivered => {
            ("retry_new_if_undelivered", "new is tried again if it certainly got nothing, else 503")
        }
    }
}
