//! `/routes/{id}/diffs`: where new answers differently, and where legacy does itself.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    route::cluster_table,
    widgets::{self, command, route_link},
};
use crate::{
    admin::{Admin, diffs::diffs_answer},
    api::{DiffsAnswer, NoiseRow},
    words::percent,
};

/// Clusters on the page: all that are kept of a route.
const CLUSTERS_MAX: usize = 200;

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let id = visit.param(0);
        let path = visit.fields.get("path").filter(|path| !path.is_empty());
        let answer = diffs_answer(&admin, id, path, CLUSTERS_MAX)?;
        let only = path.map(|path| format!(" --path '{path}'")).unwrap_or_default();
        let frame = Frame {
            title: &format!("Differences of {id}"),
            section: "Routes",
            command: format!("cutover diffs {id}{only}"),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&answer, path)))
    })
}

fn markup(answer: &DiffsAnswer, path: Option<&str>) -> Markup {
    html! {
        div.head {
            h1 { "Differences" }
            p { "of " (route_link(&answer.route))
                @if let Some(path) = path {
                    " at " code { (path) } " · "
                    a href={ (widgets::route_path(&answer.route)) "/diffs" } { "everywhere" }
                }
            }
        }
        @if let Some(why) = &answer.copies.why { p.notice { (widgets::sentence(why)) } }
        section.panel aria-labelledby="clusters" {
            h2 #clusters { "Mismatches that look alike" }
            @if answer.clusters.is_empty() { p { (nothing(answer)) } }
            @else {
                p.muted { (answer.clusters.len()) " of " (answer.clusters_total)
                    @if let Some(since_ms) = answer.since_ms { ", since " (widgets::moment(since_ms)) }
                    @if let Some(judged) = answer.judged { ", of " (judged) " requests judged" } }
                (cluster_table(&answer.route, &answer.clusters))
                (suggestions(answer))
            }
        }
        section.panel aria-labelledby="noise" {
            h2 #noise { "Where legacy differs from itself" }
            @if answer.noise.is_empty() { p { "Nowhere so far." } } @else { (noise(answer)) }
        }
    }
}

fn nothing(answer: &DiffsAnswer) -> &'static str {
    match answer.judged {
        None | Some(0) => "Nothing has been compared yet.",
        Some(_) => "None: new answers as legacy does.",
    }
}

/// Rules that evidence speaks for. They go into the team's file, not into force.
fn suggestions(answer: &DiffsAnswer) -> Markup {
    let found = answer.clusters.iter().filter_map(|row| Some((row, row.suggestion.as_ref()?)));
    html! {
        @for (cluster, suggestion) in found {
            p { "For " code { (cluster.path) } ": " (suggestion.why) ". "
                (tolerate(&answer.route, &cluster.path)) }
        }
    }
}

fn noise(answer: &DiffsAnswer) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Noise" { table.list {
            thead { tr { th scope="col" { "place" } th.num scope="col" { "rate" }
                th.num scope="col" { "pairs" } th scope="col" { "how" } th scope="col" { "to settle it" } } }
            tbody { @for row in &answer.noise { (noise_line(&answer.route, row)) } }
        } }
    }
}

fn noise_line(route: &str, row: &NoiseRow) -> Markup {
    let rate = row.rate.map_or_else(widgets::dash, |rate| percent(rate).replace('%', " %"));
    html! {
        tr {
            th scope="row" { code { (row.path) } }
            td.num { (rate) }
            td.num { (row.pairs) }
            td { @for (kind, count) in &row.kinds { (kind) " " (count) " " } }
            td { @if let Some(suggestion) = &row.suggestion {
                (suggestion.why) " " (tolerate(route, &row.path)) } }
        }
    }
}

fn tolerate(route: &str, path: &str) -> Markup {
    command(&format!("cutover tolerate {route} '{path}' --reason \"…\""))
}
