//! `cutover explain METHOD PATH`: the decision of the data plane, taken by the same code over
//! what a person typed.

mod others;
mod request;
mod source;

use cutover_domain::{Decision, OnFailure, Phase, Reason, Route, Side, Subjects, bucket, decide};
use serde_json::json;

use self::{
    request::Asked,
    source::{Source, Subject},
};
use crate::cli::{
    args::{Explain, Global},
    exit::{Exit, Failure},
    io::Io,
    output::print_json,
};

/// The explanation, ready to be printed.
struct Explanation<'a> {
    asked: &'a Asked,
    subject: &'a Subject,
    route: Option<(&'a Route, Decision<'a>)>,
    others: Vec<others::Other<'a>>,
}

/// Whom the decision sticks to.
struct Whom {
    subject: String,
    /// Where it was read; `None`: `--subject` gave it.
    read_from: Option<String>,
    bucket: u16,
}

pub(in crate::cli) fn run(
    args: &Explain,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let asked = Asked::parse(args)?;
    let subject = source::find(args, global, io)?;
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
    if asked.is_overridden() {
        io.tell("`Cutover-Override` is left out: only the data plane verifies it");
    }
    Ok(Exit::Done)
}

// === impl Explanation ===

impl Explanation<'_> {
    fn text(&self) -> String {
        let asked = self.asked;
        let host = asked.host().map(|host| format!("  (host {host})")).unwrap_or_default();
        let mut lines = vec![
            format!("{} {}{host}", asked.method(), asked.path()),
            format!("source    {}", self.subject.source),
        ];
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
        let since = match (&self.subject.source, route.state.revision) {
            (Source::Files(_), _) => "as the files ask".to_owned(),
            (Source::Proxy(_), 0) => "no one moved it yet".to_owned(),
            (Source::Proxy(_), revision) => format!("revision {revision}"),
        };
        lines.push(format!("phase     {} ({since})", route.state.target()));
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
        let Some(whom) = self.whom(route) else {
            let sources: Vec<String> =
                route.group.subjects.iter().map(ToString::to_string).collect();
            return match sources.as_slice() {
                [] => "none: the group declares no source".to_owned(),
                some => format!("none: nothing in {}", some.join(", ")),
            };
        };
        let from = match whom.read_from {
            None => "as given".to_owned(),
            Some(source) => format!("from {source}"),
        };
        format!("{} ({from}), bucket {} of 10000", whom.subject, whom.bucket)
    }

    fn whom(&self, route: &Route) -> Option<Whom> {
        let seen = self.asked.subjects(Some(route));
        let mut sources = route.group.subjects.iter();
        let (source, subject) = sources.find_map(|source| Some((source, seen.subject(source)?)))?;
        Some(Whom {
            bucket: bucket(&route.group.cohort.salt, &subject),
            subject: subject.into_owned(),
            read_from: (!self.asked.subject_is_given()).then(|| source.to_string()),
        })
    }

    fn document(&self) -> serde_json::Value {
        let asked = self.asked;
        let route = self.route.as_ref().map(|(route, decision)| {
            let whom = self.whom(route);
            json!({
                "id": route.spec.id,
                "group": route.group.id,
                "owner": route.group.owner,
                "phase": route.state.phase.as_str(),
                "percent": route.state.percent.as_f64(),
                "revision": route.state.revision,
                "held": route.state.held.as_ref().map(|held| &held.cause),
                "subject": whom.as_ref().map(|whom| &whom.subject),
                "subject_from": whom.as_ref().map(|whom| &whom.read_from),
                "bucket": whom.as_ref().map(|whom| whom.bucket),
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
            "running": matches!(self.subject.source, Source::Proxy(_)),
            "source": self.subject.source.document(),
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
