//! `/config`: the files in force, and where the routes are not where their files want them.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    widgets::{self, at, route_link},
};
use crate::{
    admin::{Admin, config::files_answer, status::status_answer},
    api::{FilesAnswer, RouteRow, StatusAnswer},
    loader::Diagnostic,
};

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let (status, files) = (status_answer(&admin), files_answer(&admin)?);
        let frame = Frame {
            title: "Config",
            section: "Config",
            command: "cutover plan DIR".into(),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&status, &files)))
    })
}

fn markup(status: &StatusAnswer, files: &FilesAnswer) -> Markup {
    let config = &status.config;
    html! {
        div.head { h1 { "Configuration" } }
        section.panel aria-labelledby="in-force" {
            h2 #in-force { "In force" }
            dl.facts.wide {
                dt { "hash" } dd { code { (config.hash) } }
                dt { "generation" } dd { (config.generation) " since the process started" }
                dt { "accepted" } dd { (widgets::moment(config.accepted_at_ms)) }
                dt { "revision" } dd { (status.revision)
                    @if status.applied_revision < status.revision {
                        ", the data plane is at " (status.applied_revision) } }
            }
            @for found in &config.warnings { (diagnostic(found)) }
        }
        @if let Some(refused) = &config.refused {
            section.panel aria-labelledby="refused" {
                h2 #refused { "Refused" }
                p.notice.warn { (widgets::sentence(&refused.message)) }
                @for found in &refused.diagnostics { (diagnostic(found)) }
            }
        }
        (drift(&status.routes))
        section.panel aria-labelledby="files" {
            h2 #files { "Files" }
            @for file in &files.files {
                details {
                    summary { code { (file.path) } " " span.muted { (file.text.lines().count()) " lines" } }
                    pre tabindex="0" { (file.text) }
                }
            }
            p { (widgets::command("cutover export --dir DIR")) }
        }
    }
}

/// Routes that are not where their files want them.
fn drift(routes: &[RouteRow]) -> Markup {
    let elsewhere: Vec<&RouteRow> = routes.iter().filter(|row| row.file != row.at).collect();
    html! {
        section.panel aria-labelledby="drift" {
            h2 #drift { "Files and truth" }
            @if elsewhere.is_empty() { p { "Every route is where its file wants it." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Routes elsewhere" { table.list {
                    thead { tr { th scope="col" { "route" } th scope="col" { "file" }
                        th scope="col" { "truth" } th scope="col" { "why" } } }
                    tbody { @for row in elsewhere { tr {
                        th scope="row" { (route_link(&row.id)) }
                        td { (at(&row.file)) }
                        td { (at(&row.at)) }
                        td { @match &row.blocked {
                            Some(blocked) => { span.mark.warn { (blocked.code) } " " (blocked.why) },
                            None => "moved since the file last changed",
                        } }
                    } } }
                } }
            }
        }
    }
}

fn diagnostic(found: &Diagnostic) -> Markup {
    html! {
        p.notice.warn {
            @if let Some(file) = &found.file {
                code { (file) @if let Some(line) = found.line { ":" (line)
                    @if let Some(column) = found.column { ":" (column) } } } " "
            }
            (found.message)
            @if let Some(hint) = &found.hint { " " span.muted { (hint) } }
        }
    }
}
