//! `[[route]]`.

use cutover_domain::{
    EndpointMatch, HeaderMatch, Percent, Phase, RouteSpec, Target, WriteClass,
    slo::{LatencyObjective, Objective, Objectives},
};
use http::{HeaderName, HeaderValue, Method};

use super::{Context, Item, upstream::timeouts};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, Writes},
    node::Node,
    suggest::nearest,
};

/// Methods that servers know; another is possible but more likely a slip.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

pub(super) fn convert(
    item: &Item<'_, document::Route>,
    default: &str,
    context: &mut Context<'_>,
) -> Option<RouteSpec> {
    let (doc, node) = (&item.doc, item.node);
    context.check_group(&doc.group, node.find(&["group"]));
    if let Some(legacy) = &doc.legacy {
        context.check_upstream(legacy, node.find(&["legacy"]));
    }
    if let Some(new) = &doc.new {
        context.check_upstream(new, node.find(&["new"]));
    }
    let endpoint = endpoint(&doc.endpoint, node.find(&["match"]), context);
    let target = target(doc, node, context);
    let shadow = super::shadow::shadow(doc, node, context);
    let rules = super::shadow::rules(doc, node, context);
    let gates = super::gates::gates(doc, node, context);
    Some(RouteSpec {
        id: doc.id.clone(),
        group: doc.group.clone(),
        endpoint: endpoint?,
        legacy: doc.legacy.clone().unwrap_or_else(|| default.to_owned()),
        new: doc.new.clone(),
        writes: doc.writes.map(write_class),
        target: target?,
        timeouts: timeouts(&doc.timeouts),
        shadow,
        rules: rules?,
        objectives: doc.slo.as_ref().map(objectives).unwrap_or_default(),
        gates,
    })
}

/// What is promised; what is no objective is told elsewhere and left out.
fn objectives(doc: &document::Slo) -> Objectives {
    let latency = doc.latency.as_ref().and_then(|latency| {
        let objective = Objective::from_percent(latency.target)?;
        Some(LatencyObjective { objective, under_ms: latency.under_ms })
    });
    Objectives {
        availability: doc.availability.and_then(Objective::from_percent),
        latency,
        rollback_on_page: doc.rollback_on_page,
    }
}

fn endpoint(
    doc: &document::Match,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<EndpointMatch> {
    let methods = doc.methods.iter().zip(node.find(&["methods"]).items());
    let methods: Vec<Option<Method>> =
        methods.map(|(text, node)| method(text, node, context)).collect();
    let host =
        doc.host.as_ref().map(|host| context.parse(Code::BadHost, node.find(&["host"]), host));
    let path = context.parse(Code::BadTemplate, node.find(&["path"]), &doc.path);
    let headers: Vec<Option<HeaderMatch>> = doc
        .headers
        .iter()
        .map(|(name, value)| header(name, value, node.find(&["headers", name]), context))
        .collect();
    let host = match host {
        None => None,
        Some(host) => Some(host?),
    };
    Some(EndpointMatch {
        methods: methods.into_iter().collect::<Option<_>>()?,
        host,
        path: path?,
        headers: headers.into_iter().collect::<Option<_>>()?,
    })
}

fn method(text: &str, node: &Node, context: &mut Context<'_>) -> Option<Method> {
    let upper = text.to_ascii_uppercase();
    let known = METHODS.contains(&text);
    let meant = METHODS.contains(&&*upper).then_some(&*upper).or_else(|| nearest(text, METHODS));
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if known || (meant.is_none() && upper == text) => Some(method),
        _ => {
            let message = format!("`{text}` is no method");
            let diagnostic = Diagnostic::error(Code::BadMethod, message).at(node.place.clone());
            context.push(match meant {
                Some(meant) if meant == upper => {
                    diagnostic.hint(format!("write `{meant}`: case matters"))
                }
                Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                None => diagnostic.hint("write methods in upper case, like `GET`"),
            });
            None
        }
    }
}

fn header(
    name: &str,
    value: &document::HeaderValue,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<HeaderMatch> {
    let Ok(header) = HeaderName::try_from(name) else {
        let message = format!("`{name}` is no header name");
        context.push(Diagnostic::error(Code::BadHeader, message).at(node.key_place()));
        return None;
    };
    let value = match value {
        document::HeaderValue::Present(true) => None,
        document::HeaderValue::Present(false) => {
            context.push(
                Diagnostic::error(Code::BadHeader, "a route cannot ask for a header to be absent")
                    .at(node.place.clone())
                    .hint("let a second route, with the header, take those requests"),
            );
            return None;
        }
        document::HeaderValue::Is(text) => match HeaderValue::from_str(text) {
            Ok(value) => Some(value),
            Err(_) => {
                context.error(Code::BadHeader, node, "this is no header value");
                return None;
            }
        },
    };
    Some(HeaderMatch { name: header, value })
}

/// Where the route is wanted; the percentage fits the phase.
fn target(doc: &document::Route, node: &Node, context: &mut Context<'_>) -> Option<Target> {
    let at = node.find(&["percent"]);
    match (doc.phase, doc.percent) {
        (document::Phase::Canary, None) => {
            context.push(
                Diagnostic::error(Code::BadPercent, "`canary` needs `percent`")
                    .at(node.find(&["phase"]).place.clone())
                    .hint("add the cohort's share, like `percent = 5.0`"),
            );
            None
        }
        (document::Phase::Canary, Some(number)) => {
            let percent = percent(number, at, context)?;
            if percent == Percent::ZERO {
                context.push(
                    Diagnostic::error(Code::BadPercent, "`canary` needs a percentage above 0")
                        .at(at.place.clone())
                        .hint("for nobody, use `phase = \"shadow\"` or `\"legacy\"`"),
                );
                return None;
            }
            Some(Target::canary(percent))
        }
        (phase, Some(_)) => {
            let phase = self::phase(phase);
            context.push(
                Diagnostic::error(Code::BadPercent, "only `canary` takes a percentage")
                    .at(at.key_place())
                    .why(format!("the phase is `{phase}`"))
                    .hint("leave `percent` out, or set `phase = \"canary\"`"),
            );
            None
        }
        (phase, None) => Some(Target::phase(self::phase(phase))),
    }
}

pub(super) fn percent(number: f64, node: &Node, context: &mut Context<'_>) -> Option<Percent> {
    Percent::from_f64(number)
        .map_err(|error| context.error(Code::BadPercent, node, error.to_string()))
        .ok()
}

pub(super) fn phase(phase: document::Phase) -> Phase {
    match phase {
        document::Phase::Legacy => Phase::Legacy,
        document::Phase::Shadow => Phase::Shadow,
        document::Phase::Canary => Phase::Canary,
        document::Phase::Live => Phase::Live,
        document::Phase::Retired => Phase::Retired,
    }
}

fn write_class(writes: Writes) -> WriteClass {
    match writes {
        Writes::Safe => WriteClass::Safe,
        Writes::Idempotent => WriteClass::Idempotent,
        Writes::DryRun => WriteClass::DryRun,
        Writes::Sandbox => WriteClass::Sandbox,
        Writes::Unsafe => WriteClass::Unsafe,
    }
}
