//! How a route's requests are copied, and how far answers may differ.

use cutover_domain::{
    Credentials, ShadowSpec,
    compare::{Action, Kinds, Rule, Rules, Tolerance, day_start},
    exchange::{Keep, Kept},
};

use super::{Context, route::percent};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, Tolerate},
    node::Node,
};

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// How requests are copied; `None` if nobody asked for it.
pub(super) fn shadow(
    doc: &document::Route,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<ShadowSpec> {
    let noise = doc.noise.clone().unwrap_or_default();
    let noise = percent(noise.sample, node.find(&["noise", "sample"]), context);
    let Some(shadow) = &doc.shadow else {
        if doc.noise.is_some() || !doc.rule.is_empty() {
            let key = if doc.noise.is_some() { "noise" } else { "rule" };
            let message = format!("`{key}` is about copies, and this route has none");
            let diagnostic = Diagnostic::warning(Code::NoEffect, message);
            context.push(
                diagnostic
                    .at(node.find(&[key]).place.clone())
                    .hint("add `shadow = {}` to have its requests copied and compared"),
            );
        }
        return None;
    };
    Some(ShadowSpec {
        percent: percent(shadow.percent, node.find(&["shadow", "percent"]), context)?,
        credentials: match shadow.credentials {
            document::Credentials::Forward => Credentials::Forward,
            document::Credentials::Drop => Credentials::Drop,
            document::Credentials::Session => Credentials::Session,
        },
        rps_max: (shadow.max_rps > 0).then_some(shadow.max_rps),
        noise: noise?,
        keep: keep(&shadow.keep, node.find(&["shadow", "keep"]), context)?,
    })
}

/// A route with all that holds for its copies, for people to read.
pub(super) fn filled(mut doc: document::Route) -> document::Route {
    if doc.shadow.is_some() {
        doc.noise.get_or_insert_default();
    }
    doc
}

/// The values that samples may keep. Where one is wrong, none.
fn keep(places: &[String], node: &Node, context: &mut Context<'_>) -> Option<Keep> {
    let places = places.iter().zip(node.items());
    let kept = places.map(|(place, node)| context.parse(Code::BadKeep, node, place));
    let kept = kept.collect::<Vec<Option<Kept>>>().into_iter().collect::<Option<Vec<_>>>()?;
    Some(Keep::new(kept))
}

/// The rules of a route. Where one is wrong, none.
pub(super) fn rules(
    doc: &document::Route,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<Rules> {
    let nodes = node.find(&["rule"]).items();
    let rules = doc.rule.iter().zip(nodes).map(|(doc, node)| rule(doc, node, context));
    let rules = rules.collect::<Vec<_>>().into_iter().collect::<Option<Vec<Rule>>>()?;
    // One after the other, so that what is wrong is told at its place.
    for (end, node) in (1..=rules.len()).zip(nodes) {
        if let Err(error) = Rules::new(rules[..end].to_vec()) {
            context.error(Code::BadRule, node, error.to_string());
            return None;
        }
    }
    Rules::new(rules).ok()
}

fn rule(doc: &document::Rule, node: &Node, context: &mut Context<'_>) -> Option<Rule> {
    let pattern = context.parse(Code::BadRule, node.find(&["path"]), &doc.path);
    let action = action(doc, node, context);
    let expires = match &doc.expires {
        None => Some(None),
        Some(text) => expiry(text, node.find(&["expires"]), context).map(Some),
    };
    let reason = doc.reason.trim().into();
    Some(Rule { pattern: pattern?, action: action?, reason, expires: expires? })
}

/// Seconds since 1970 at the end of the day.
fn expiry(text: &str, node: &Node, context: &mut Context<'_>) -> Option<u64> {
    let day = day_start(text);
    if day.is_none() {
        let message = format!("`{text}` is no day: write it like `2026-12-31`");
        context.error(Code::BadRule, node, message);
    }
    let end = day? + DAY;
    if end <= context.now {
        let message = format!("the last day of this rule, {text}, is past: it does nothing");
        context.push(
            Diagnostic::warning(Code::NoEffect, message)
                .at(node.place.clone())
                .hint("remove the rule, or give it a later day"),
        );
    }
    Some(end)
}

fn action(doc: &document::Rule, node: &Node, context: &mut Context<'_>) -> Option<Action> {
    let given = [
        doc.ignore.is_some(),
        doc.tolerate.is_some(),
        doc.unordered_by.is_some(),
        doc.shape.is_some(),
        doc.renamed.is_some(),
        doc.normalise.is_some(),
        doc.compare,
    ];
    let count = given.into_iter().filter(|is_given| *is_given).count();
    if count != 1 {
        let message = format!(
            "a rule has one action, this one has {count}: give one of `ignore`, `tolerate`, `unordered_by`, `shape`, `renamed`, `normalise`, `compare`"
        );
        context.error(Code::BadRule, node, message);
        return None;
    }
    if let Some(kinds) = &doc.ignore {
        return ignored(kinds, node.find(&["ignore"]), context).map(Action::Ignore);
    }
    if let Some(tolerate) = &doc.tolerate {
        return tolerance(tolerate, node.find(&["tolerate"]), context).map(Action::Tolerate);
    }
    if let Some(key) = &doc.unordered_by {
        return Some(Action::Unordered { key: key.as_str().into() });
    }
    if let Some(format) = &doc.shape {
        return context.parse(Code::BadRule, node.find(&["shape"]), format).map(Action::Shape);
    }
    if let Some(space) = &doc.renamed {
        return Some(Action::Renamed { space: space.as_str().into() });
    }
    if let Some(steps) = &doc.normalise {
        let node = node.find(&["normalise"]);
        let steps = steps.iter().zip(node.items());
        let steps: Vec<_> =
            steps.map(|(step, node)| context.parse(Code::BadRule, node, step)).collect();
        return steps.into_iter().collect::<Option<_>>().map(Action::Normalise);
    }
    Some(Action::Compare)
}

fn ignored(kinds: &[String], node: &Node, context: &mut Context<'_>) -> Option<Kinds> {
    if kinds.is_empty() {
        return Some(Kinds::UNGUARDED);
    }
    let kinds: Vec<_> = kinds
        .iter()
        .zip(node.items())
        .map(|(kind, node)| context.parse(Code::BadRule, node, kind))
        .collect();
    Some(Kinds::of(&kinds.into_iter().collect::<Option<Vec<_>>>()?))
}

fn tolerance(doc: &Tolerate, node: &Node, context: &mut Context<'_>) -> Option<Tolerance> {
    match (doc.order, doc.extra, &doc.number, doc.time_ms) {
        (true, false, None, None) => Some(Tolerance::Order),
        (false, true, None, None) => Some(Tolerance::Extra),
        (false, false, Some(number), None) => {
            context.parse(Code::BadRule, node.find(&["number"]), number).map(Tolerance::Number)
        }
        (false, false, None, Some(within_ms)) => Some(Tolerance::Time { within_ms }),
        _ => {
            let message =
                "`tolerate` has one of `order = true`, `extra = true`, `number`, `time_ms`";
            context.error(Code::BadRule, node, message);
            None
        }
    }
}
