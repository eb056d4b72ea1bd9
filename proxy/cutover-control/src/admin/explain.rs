//! Which route, phase and side a request would meet, and why: by the same functions as the data
//! plane.

use std::{borrow::Cow, sync::Arc};

use cutover_domain::{
    OnFailure, RequestHead, Route, RouteTable, Side, SubjectSource, Subjects, bucket, decide,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    query::Query,
    reply::Reply,
};
use crate::{api::ExplainAnswer, codes::Code};

pub(super) fn explain(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let asked = Asked::parse(&call.query)?;
        let view = admin.parts.controller.view();
        Ok(Reply::ok(explained(&view.table, &asked)))
    })
}

/// A request as a person typed it.
#[derive(Debug)]
struct Asked {
    method: Method,
    path: String,
    host: Option<String>,
    headers: HeaderMap,
    /// By source.
    subjects: Vec<(SubjectSource, String)>,
    /// Whoever it is, wherever the group reads it.
    anyhow: Option<String>,
}

/// An asked request on its route.
struct OnRoute<'a> {
    asked: &'a Asked,
    route: &'a Route,
}

fn explained(table: &RouteTable, asked: &Asked) -> ExplainAnswer {
    let head = RequestHead {
        method: &asked.method,
        host: asked.host.as_deref(),
        path: &asked.path,
        headers: &asked.headers,
    };
    match table.find(&head) {
        Some(at) => on_route(table, &table.routes[at], asked),
        None => unrouted(table, asked),
    }
}

fn unrouted(table: &RouteTable, asked: &Asked) -> ExplainAnswer {
    let upstream = table.upstreams[table.default].name.clone();
    let (method, path) = (&asked.method, &asked.path);
    let words = format!("{method} {path} is no route: the default `{upstream}` serves it");
    ExplainAnswer {
        revision: table.revision,
        route: None,
        group: None,
        at: None,
        held: None,
        side: Side::Legacy.into(),
        upstream,
        reason: "default".into(),
        on_failure: on_failure(OnFailure::PassOn).into(),
        subject: None,
        bucket: None,
        cohort_below: None,
        words,
    }
}

fn on_route(table: &RouteTable, route: &Route, asked: &Asked) -> ExplainAnswer {
    let subjects = OnRoute { asked, route };
    let decision = decide(route, &subjects, None);
    let state = &route.state;
    let upstream = match (decision.side, route.new) {
        (Side::New, Some(new)) => new,
        _ => route.legacy,
    };
    let upstream = table.upstreams[upstream].name.clone();
    let subject = decision.subject.as_deref().map(str::to_owned);
    let bucket = subject.as_deref().map(|subject| bucket(&route.group.cohort.salt, subject));
    let cohort_below = bucket.map(|_| state.percent.basis_points());
    let whom = subject.as_deref().map(|s| format!(" for `{s}`")).unwrap_or_default();
    let words = format!(
        "{} {} is route `{}` in {}: {} (`{upstream}`) serves it{whom}, by {}",
        asked.method,
        asked.path,
        route.spec.id,
        state.target(),
        decision.side,
        decision.reason.as_str()
    );
    ExplainAnswer {
        revision: table.revision,
        route: Some(route.spec.id.clone()),
        group: Some(route.spec.group.clone()),
        at: Some(state.target().into()),
        held: state.held.as_ref().map(|held| held.cause.clone()),
        side: decision.side.into(),
        upstream,
        reason: decision.reason.as_str().into(),
        on_failure: on_failure(decision.on_failure).into(),
        subject,
        bucket,
        cohort_below,
        words,
    }
}

fn on_failure(on_failure: OnFailure) -> &'static str {
    match on_failure {
        OnFailure::PassOn => "pass_on",
        OnFailure::AnswerByLegacy => "answer_by_legacy",
        OnFailure::RetryNew => "retry_new",
        OnFailure::RetryNewIfUndelivered => "retry_new_if_undelivered",
    }
}

// === impl Asked ===

impl Asked {
    fn parse(query: &Query) -> Result<Asked, Failure> {
        let bad = |name: &str, message: String| {
            Failure::new(Code::BadRequest, message).at(format!("query parameter `{name}`"))
        };
        let path = query.get("path").filter(|path| path.starts_with('/'));
        let path =
            path.ok_or_else(|| bad("path", "`path` must be there and start with `/`".into()))?;
        // What a person pastes may have a query; routes ignore it.
        let path = path.split('?').next().unwrap_or(path).to_owned();
        let method = query.get("method").unwrap_or("GET").parse();
        let method = method.map_err(|_| bad("method", "`method` is no method".into()))?;
        let mut headers = HeaderMap::new();
        for pair in query.all("header") {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let named = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(value).ok());
            let (name, value) =
                named.ok_or_else(|| bad("header", format!("`{pair}` is no `name=value`")))?;
            headers.append(name, value);
        }
        let (mut subjects, mut anyhow) = (Vec::new(), None);
        for text in query.all("subject") {
            let source = text.split_once('=').and_then(|(source, value)| {
                source.parse::<SubjectSource>().ok().map(|source| (source, value.to_owned()))
            });
            match source {
                Some(subject) => subjects.push(subject),
                None => anyhow = Some(text.to_owned()),
            }
        }
        let host = query.get("host").map(str::to_owned);
        Ok(Asked { method, path, host, headers, subjects, anyhow })
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all(http::header::COOKIE).iter();
        let pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

// === impl OnRoute ===

impl Subjects for OnRoute<'_> {
    fn subject(&self, source: &SubjectSource) -> Option<Cow<'_, str>> {
        let typed = self.asked.subjects.iter().find(|(own, _)| own == source);
        if let Some((_, value)) = typed {
            return Some(Cow::Borrowed(value.as_str()));
        }
        // Said without a source: it stands for the first source, which would win anyway.
        if self.route.group.subjects.first() == Some(source)
            && let Some(value) = &self.asked.anyhow
        {
            return Some(Cow::Borrowed(value.as_str()));
        }
        let value = match source {
            SubjectSource::Path(name) => {
                return self.route.spec.endpoint.path.param(&self.asked.path, name);
            }
            SubjectSource::Header(name) => self.asked.headers.get(name)?.to_str().ok()?,
            SubjectSource::Cookie(name) => self.asked.cookie(name)?,
            _ => return None,
        };
        (!value.is_empty()).then_some(Cow::Borrowed(value))
    }
}
