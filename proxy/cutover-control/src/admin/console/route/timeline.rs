//! What happened to a route, newest first, and what just did.

use maud::{Markup, html};

use super::{Shown, actions};
use crate::{
    admin::{
        Admin,
        console::{effect::Effect, widgets},
    },
    api::RevisionRow,
    words::{undo, what},
};

/// What came of the button that led here.
pub(super) fn done(shown: &Shown, done: u64, effect: Option<Effect>) -> Markup {
    let revisions = shown.history.as_ref().map_or(&[][..], |history| &history.revisions);
    let found = revisions.iter().find(|revision| revision.revision == done);
    let moved =
        found.and_then(|revision| revision.routes.iter().find(|row| row.route == shown.row.id));
    html! {
        div.notice.ok role="status" {
            @match moved {
                Some(row) => {
                    p { strong { "Done, revision " (done) ": " (what(row)) "." } }
                    @if let Some(command) = undo(row) { p { "Undo: " (widgets::command(&command)) } }
                },
                None => p { strong { "Nothing to do: it is there already." } },
            }
            (actions::effect_of(effect.filter(|effect| effect.revision == done)))
        }
    }
}

pub(super) fn timeline(shown: &Shown, admin: &Admin) -> Markup {
    let now_ms = admin.parts.controller.now_ms();
    html! {
        section.panel aria-labelledby="timeline" {
            h2 #timeline { "What happened" }
            @match &shown.history {
                Err(_) => p.notice.warn { "The store is away; its history cannot be read." },
                Ok(history) if history.revisions.is_empty() => p { "It never moved." },
                Ok(history) => {
                    ol.timeline {
                        @for revision in &history.revisions { (entry(revision, &shown.row.id, now_ms)) }
                    }
                    p { a href={ "/audit?route=" (widgets::encoded(&shown.row.id)) } { "All of it" }
                        " · " (widgets::inline_command(&format!("cutover history {}", shown.row.id))) }
                }
            }
        }
    }
}

fn entry(revision: &RevisionRow, route: &str, now_ms: u64) -> Markup {
    let rows = revision.routes.iter().filter(|row| row.route == route);
    html! {
        li {
            @for row in rows { strong { (what(row)) } " " }
            span.muted { (revision.actor) @if revision.trigger != "operator" { " (" (revision.trigger) ")" }
                @if revision.forced { " forced" } " · " (widgets::ago(revision.at_ms, now_ms))
                " · revision " (revision.revision) }
            p { (revision.reason) }
        }
    }
}
