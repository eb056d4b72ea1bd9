//! `/decisions`: what gates decided, also not to act, each record with the hash of all before it.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    Showing,
    audit::short,
    gate::Visit,
    page::{self, Frame},
    widgets::{self, route_link},
};
use crate::{
    admin::{Admin, gates::audit_answer},
    api::{AuditAnswer, DecisionRow},
};

/// Records a page.
const LIMIT: u64 = 50;

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let route = visit.fields.get("route").filter(|route| !route.is_empty());
        let before = visit.fields.number("before", u64::MAX)?;
        let answer = audit_answer(&admin, route, LIMIT, before).await?;
        let only = route.map(|route| format!(" {route}")).unwrap_or_default();
        let frame = Frame {
            title: "Decisions",
            section: "Audit",
            command: format!("cutover audit{only} --limit {LIMIT}"),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&answer, route)))
    })
}

fn markup(answer: &AuditAnswer, route: Option<&str>) -> Markup {
    let of = route.map(|route| format!("route={}&", widgets::encoded(route))).unwrap_or_default();
    html! {
        div.head {
            h1 { "Decisions" }
            p { "What gates found and did" @if let Some(route) = route { " about " (route_link(route)) }
                ", newest first · " a href="/audit" { "revisions" } }
        }
        @if answer.decisions.is_empty() { p { "Gates have decided nothing yet." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Decisions" { table.list {
                thead { tr { th.num scope="col" { "no" } th scope="col" { "when" }
                    th scope="col" { "route" } th scope="col" { "what" }
                    th scope="col" { "record" } th scope="col" { "hash" } } }
                tbody { @for decision in &answer.decisions { (line(decision)) } }
            } }
        }
        @if let Some(before) = answer.before {
            p { a href={ "/decisions?" (of) "before=" (before) } { "Older" } }
        }
        p.muted { "Each record carries the hash of all before it: "
            (widgets::inline_command("cutover audit --verify")) " follows them." }
    }
}

fn line(decision: &DecisionRow) -> Markup {
    html! {
        tr {
            th.num scope="row" { (decision.seq) }
            td { (widgets::moment(decision.at_ms)) }
            td { (route_link(&decision.route)) }
            td { (decision.kind) br; span.muted { (decision.actor) } }
            td { (record(&decision.document)) }
            td { code { (short(&decision.hash)) } }
        }
    }
}

/// What gates asked for and what came of it, with the whole record below.
fn record(document: &Value) -> Markup {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let whole = serde_json::to_string_pretty(document).unwrap_or_default();
    html! {
        @if let Some(why) = text(&document["proposal"]["why"]).or_else(|| text(&document["reason"])) {
            p { (why) }
        }
        @if let Some(refused) = text(&document["refused"]) { p.muted { "not done: " (refused) } }
        details { summary { "the record" } pre tabindex="0" { (whole) } }
    }
}
