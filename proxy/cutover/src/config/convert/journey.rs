//! `[journey.NAME]`: both ends exist, can be told apart, and have something in common.

use std::time::Duration;

use cutover_domain::{
    Declaration, JourneySpec,
    journey::{Role, Source},
};

use super::{Context, Item, slo};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, RouteIds},
    node::Node,
    suggest::{listed, nearest},
};

/// Most journeys of one process: each may have its starts open, and costs a few series a side.
const JOURNEYS_MAX: usize = 32;

/// Every journey; routes are looked up in `declaration`.
pub(super) fn convert(
    items: &[Item<'_, document::Journey>],
    declaration: &Declaration,
    context: &mut Context<'_>,
) -> Vec<JourneySpec> {
    if let Some(item) = items.get(JOURNEYS_MAX) {
        let message = format!("more than {JOURNEYS_MAX} journeys");
        context.push(Diagnostic::error(Code::BadJourney, message).at(item.node.key_place()));
    }
    items.iter().filter_map(|item| one(item, declaration, context)).collect()
}

fn one(
    item: &Item<'_, document::Journey>,
    declaration: &Declaration,
    context: &mut Context<'_>,
) -> Option<JourneySpec> {
    let (doc, node) = (&item.doc, item.node);
    let correlate = correlate(doc, node.find(&["correlate"]), context);
    for (end, key, role) in [(&doc.start, "start", Role::Start), (&doc.end, "end", Role::End)] {
        let node = node.find(&[key, "route"]);
        for (id, node) in ids(&end.route, node) {
            route(id, role, node, declaration, context);
            parameters(id, &correlate, node, declaration, context);
        }
    }
    slo::objective(doc.target, node.find(&["target"]), context);
    if doc.lost_ms <= doc.within_ms {
        let message = format!("`lost_ms` must be more than `within_ms`, {}", doc.within_ms);
        context.push(
            Diagnostic::error(Code::BadJourney, message)
                .at(node.find(&["lost_ms"]).place.clone())
                .hint("what comes after `within_ms` and before `lost_ms` is late"),
        );
    }
    let millis = |millis: u32| Duration::from_millis(millis.into());
    Some(JourneySpec {
        name: item.name.clone(),
        starts: doc.start.route.as_slice().to_vec(),
        ends: doc.end.route.as_slice().to_vec(),
        correlate,
        within: millis(doc.within_ms),
        lost_after: millis(doc.lost_ms),
        target_percent: doc.target,
    })
}

fn ids<'a>(ids: &'a RouteIds, node: &'a Node) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let nodes = match ids {
        RouteIds::One(_) => std::slice::from_ref(node),
        RouteIds::Many(_) => node.items(),
    };
    ids.as_slice().iter().map(String::as_str).zip(nodes)
}

/// What both ends are matched by. Without a part of the request all entities would be one.
fn correlate(doc: &document::Journey, node: &Node, context: &mut Context<'_>) -> Vec<Source> {
    let texts = doc.correlate.iter().zip(node.items());
    let sources: Vec<Source> =
        texts.filter_map(|(text, node)| context.parse(Code::BadJourney, node, text)).collect();
    if sources.len() == doc.correlate.len() && !sources.iter().any(Source::is_of_request) {
        let message = "nothing in `correlate` names the entity";
        context.push(
            Diagnostic::error(Code::BadJourney, message)
                .at(node.place.clone())
                .why("a reader of one device says nothing about the state of another")
                .hint("add what both requests have in common, like `path:id`"),
        );
    }
    sources
}

/// The route is there, and has requests that can be this end of a journey.
fn route(id: &str, role: Role, node: &Node, declaration: &Declaration, context: &mut Context<'_>) {
    let Some(spec) = declaration.route(id) else {
        return unknown(id, node, context);
    };
    let methods = &spec.endpoint.methods;
    let (fits, message, hint) = match role {
        Role::Start => (
            methods.is_empty() || methods.iter().any(|method| !method.is_safe()),
            format!("no request of route `{id}` changes anything, so none begins a journey"),
            "name the route of the changes; this one may be an `end`",
        ),
        Role::End => (
            methods.is_empty() || methods.iter().any(|method| method.is_safe()),
            format!("no request of route `{id}` only reads, so none ends a journey"),
            "name the route of the reads; this one may be a `start`",
        ),
    };
    if !fits {
        let diagnostic = Diagnostic::error(Code::BadJourney, message).at(node.place.clone());
        context.push(diagnostic.hint(hint));
    }
}

fn unknown(id: &str, node: &Node, context: &mut Context<'_>) {
    let known = || context.routes.iter().map(String::as_str);
    // One that is broken is reported where it stands.
    if known().any(|known| known == id) {
        return;
    }
    let message = format!("route `{id}` is not declared");
    let diagnostic = Diagnostic::error(Code::BadJourney, message).at(node.place.clone());
    let diagnostic = match nearest(id, known()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic.hint(format!("use {}", listed(known()))),
    };
    context.push(diagnostic);
}

/// The route's template has the parameters that name the entity.
fn parameters(
    id: &str,
    correlate: &[Source],
    node: &Node,
    declaration: &Declaration,
    context: &mut Context<'_>,
) {
    let Some(spec) = declaration.route(id) else { return };
    let path = &spec.endpoint.path;
    for source in correlate {
        let Source::Path(name) = source else { continue };
        if path.params().all(|param| param != name) {
            let message = format!("the template of route `{id}` has no parameter `{name}`");
            context.push(
                Diagnostic::error(Code::BadJourney, message)
                    .at(node.place.clone())
                    .why(format!("its path is `{path}`"))
                    .hint("every route of a journey names the entity by the same parameters"),
            );
        }
    }
}
