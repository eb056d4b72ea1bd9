//! `/journeys`: promises across requests, and how each side keeps them.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    widgets::{self, route_link},
};
use crate::{
    admin::{Admin, journeys::journeys_answer},
    api::{JourneyRow, JourneySideRow, JourneysAnswer},
    words::percent,
};

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let answer = journeys_answer(&admin);
        let frame = Frame {
            title: "Journeys",
            section: "Journeys",
            command: "cutover journey list".into(),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&answer)))
    })
}

fn markup(answer: &JourneysAnswer) -> Markup {
    html! {
        div.head {
            h1 { "Journeys" }
            p { "Promises across requests: what was accepted is shown, and soon." }
        }
        @if answer.journeys.is_empty() { p { "No file declares a journey." } }
        @for journey in &answer.journeys { (panel(journey)) }
    }
}

fn panel(journey: &JourneyRow) -> Markup {
    let id = format!("journey-{}", journey.name);
    html! {
        section.panel aria-labelledby=(id) {
            h2 id=(id) { (journey.name) }
            p { "From " (routes(&journey.starts)) " to " (routes(&journey.ends)) ": "
                (percent(journey.target).replace('%', " %")) " within " (journey.within_ms) " ms; lost after "
                (journey.lost_ms) " ms." }
            div.scroll tabindex="0" role="region" aria-label={ "Journey " (journey.name) } { table.list {
                thead { tr { th scope="col" { "accepted by" } th.num scope="col" { "kept" }
                    th.num scope="col" { "good" } th.num scope="col" { "late" } th.num scope="col" { "lost" }
                    th.num scope="col" { "unseen" } th.num scope="col" { "open" }
                    th.num scope="col" { "p50" } th.num scope="col" { "p95" } } }
                tbody {
                    tr { th.legacy scope="row" { "legacy" } (cells(&journey.legacy)) }
                    tr { th.new scope="row" { "new" } (cells(&journey.new)) }
                }
            } }
            @if !journey.skipped.is_empty() {
                p.muted { "Could not be followed: "
                    @for (reason, count) in &journey.skipped { (reason) " " (count) " " } }
            }
        }
    }
}

fn cells(side: &JourneySideRow) -> Markup {
    let ms = |ms: Option<f64>| ms.map_or_else(widgets::dash, |ms| format!("{ms:.0} ms"));
    let kept = side.kept.map_or_else(widgets::dash, |kept| percent(kept).replace('%', " %"));
    html! {
        td.num { strong { (kept) } }
        @for count in [side.good, side.late, side.lost, side.unseen, side.open] { td.num { (count) } }
        td.num { (ms(side.p50_ms)) }
        td.num { (ms(side.p95_ms)) }
    }
}

fn routes(ids: &[String]) -> Markup {
    html! { @for (at, id) in ids.iter().enumerate() { @if at > 0 { ", " } (route_link(id)) } }
}
