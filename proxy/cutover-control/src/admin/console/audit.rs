//! `/audit`: who moved what, when and why.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    widgets::{self, route_link},
};
use crate::{
    admin::{Admin, status::history_answer},
    api::{HistoryAnswer, RevisionRow},
    words::what,
};

/// Revisions a page.
const LIMIT: u32 = 50;

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let route = visit.fields.get("route").filter(|route| !route.is_empty());
        let before = visit.fields.number("before", u64::MAX)?;
        let answer = history_answer(&admin, route, LIMIT, before).await?;
        let only = route.map(|route| format!(" {route}")).unwrap_or_default();
        let frame = Frame {
            title: "Audit",
            section: "Audit",
            command: format!("cutover history{only} --limit {LIMIT}"),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&answer, route)))
    })
}

fn markup(answer: &HistoryAnswer, route: Option<&str>) -> Markup {
    let of = route.map(|route| format!("route={}&", widgets::encoded(route))).unwrap_or_default();
    html! {
        div.head {
            h1 { "Audit" }
            p { @match route {
                Some(route) => { "Revisions of " (route_link(route)) " · " a href="/audit" { "of all" } },
                None => "Every revision, newest first.",
            } " · " a href="/decisions" { "what gates decided" } }
        }
        @if answer.revisions.is_empty() { p { "Nothing was moved." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Revisions" { table.list {
                thead { tr { th.num scope="col" { "revision" } th scope="col" { "when" }
                    th scope="col" { "who" } th scope="col" { "what" } th scope="col" { "why" } } }
                tbody { @for revision in &answer.revisions { (line(revision)) } }
            } }
        }
        @if let Some(before) = answer.before {
            p { a href={ "/audit?" (of) "before=" (before) } { "Older" } }
        }
    }
}

fn line(revision: &RevisionRow) -> Markup {
    html! {
        tr {
            th.num scope="row" { (revision.revision) }
            td { (widgets::moment(revision.at_ms)) }
            td { (revision.actor) br; span.muted { (revision.trigger) } }
            td {
                @for row in &revision.routes { div { (route_link(&row.route)) ": " (what(row)) } }
                @for route in &revision.added { div { (route) ": declared" } }
                @for route in &revision.removed { div { (route) ": no longer declared" } }
                @if let Some(hash) = &revision.config_hash {
                    div.muted { "configuration " code { (short(hash)) } }
                }
            }
            td { (revision.reason) @if revision.forced { " " span.mark.warn { "forced" } } }
        }
    }
}

/// Enough of a hash to tell it by.
pub(super) fn short(hash: &str) -> &str {
    hash.char_indices().nth(12).map_or(hash, |(at, _)| &hash[..at])
}
