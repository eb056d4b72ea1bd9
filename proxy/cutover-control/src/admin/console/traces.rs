//! `/traces`: requests and copies whose spans were kept, and where their time went.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    widgets::{self, encoded, route_link},
};
use crate::{
    admin::{
        Admin,
        traces::{trace_answer, traces_answer},
    },
    api::{SpanRow, TraceAnswer, TraceRow, TracesAnswer},
};

/// Traces of one page.
const LIMIT: usize = 50;
/// Steps of indentation.
const DEPTH_MAX: usize = 8;
/// Width of a waterfall in its own units.
const WIDTH: f64 = 1_000.0;
/// What is still to be seen of a span that took next to nothing.
const BAR_MIN: f64 = 4.0;

pub(super) fn list(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let route = visit.fields.get("route").filter(|route| !route.is_empty());
        let answer = traces_answer(&admin, route, LIMIT);
        let view = admin.parts.controller.view();
        let routes: Vec<&str> = view.table.routes.iter().map(|it| it.spec.id.as_str()).collect();
        let of = route.map(|route| format!(" --route {route}")).unwrap_or_default();
        let frame = Frame {
            title: "Traces",
            section: "Traces",
            command: format!("cutover trace list{of}"),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &all(&answer, &routes, route)))
    })
}

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let answer = trace_answer(&admin, visit.param(0))?;
        let linked = answer.trace.linked.iter();
        let linked: Vec<_> = linked.map(|id| (id, trace_answer(&admin, id).ok())).collect();
        let frame = Frame {
            title: &answer.trace.name,
            section: "Traces",
            command: format!("cutover trace show {}", answer.trace.trace_id),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &one(&answer, &linked)))
    })
}

/// A trace's id, as a way to it if it is kept here.
pub(super) fn link(admin: &Admin, id: &str) -> Markup {
    let is_kept = admin.parts.traces.as_ref().is_some_and(|traces| traces.find(id).is_some());
    html! { @if is_kept { a href=(path(id)) { code { (id) } } } @else { code { (id) } } }
}

fn path(id: &str) -> String {
    format!("/traces/{}", encoded(id))
}

fn all(answer: &TracesAnswer, routes: &[&str], route: Option<&str>) -> Markup {
    html! {
        div.head {
            h1 { "Traces" }
            p { "The newest that this process kept, of users' requests and of copies." }
            @if answer.recording { (chooser(routes, route)) }
        }
        @if !answer.recording { (off()) }
        @else if answer.traces.is_empty() {
            p { "Nothing was kept yet. Failed, slow and some ordinary requests show here a few seconds after they ended." }
        } @else { (table(answer)) }
    }
}

fn off() -> Markup {
    html! {
        section.panel aria-labelledby="off" {
            h2 #off { "Traces are off" }
            p { "No receiver is configured, so nothing is recorded and callers' trace contexts pass as they came. Name one in the process file, then the newest traces show here, too:" }
            pre tabindex="0" { code { "[telemetry]\notlp = \"http://127.0.0.1:4318\"\n" } }
        }
    }
}

fn chooser(routes: &[&str], route: Option<&str>) -> Markup {
    html! {
        form.filter method="get" action="/traces" {
            label for="route" { "Route" }
            select #route name="route" {
                option value="" { "all" }
                @for id in routes { option value=(id) selected[route == Some(id)] { (id) } }
            }
            button type="submit" { "Show" }
        }
    }
}

fn table(answer: &TracesAnswer) -> Markup {
    html! {
        section.panel {
            div.scroll tabindex="0" role="region" aria-label="Traces" { table.list.traces {
                thead { tr { th scope="col" { "request" } th scope="col" { "route" }
                    th scope="col" { "outcome" } th.num scope="col" { "took" }
                    th scope="col" { "kept for" } th scope="col" { "when" } } }
                tbody { @for row in &answer.traces { (line(row, answer.at_ms)) } }
            } }
        }
    }
}

fn line(row: &TraceRow, now_ms: u64) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(path(&row.trace_id)) { (row.name) } }
            td { (place(row)) }
            td { (outcome(row)) }
            td.num { (ms(row.duration_ms)) }
            td { (row.reason.as_deref().unwrap_or("–")) }
            td { (widgets::ago(row.at_ms, now_ms)) }
        }
    }
}

/// Its route, and the side.
fn place(row: &TraceRow) -> Markup {
    let side = row.side.as_deref();
    html! {
        @match row.route.as_deref() {
            Some(route) if !route.starts_with('_') => (route_link(route)),
            _ => span.muted { "no route" },
        }
        @if let Some(side) = side { " " span class=[side_class(side)] { (side) } }
    }
}

fn outcome(row: &TraceRow) -> Markup {
    html! { @if row.bad { span.mark.bad { (row.outcome) } } @else { (row.outcome) } }
}

fn one(answer: &TraceAnswer, linked: &[(&String, Option<TraceAnswer>)]) -> Markup {
    let trace = &answer.trace;
    html! {
        div.head {
            h1 { (trace.name) }
            p { @if trace.copy { "A copy, whose answer nobody got" } @else { "A user's request" }
                " · " a href="/traces" { "all traces" } }
        }
        section.panel { (facts(trace)) }
        (waterfall("Where its time went", "spans", answer))
        @for (at, (id, found)) in linked.iter().enumerate() {
            @match found {
                Some(found) => (waterfall(
                    if found.trace.copy { "Its copy, asked of the other side" } else { "The request that it is a copy of" },
                    &format!("linked-{at}"), found)),
                None => p { "It names the trace " code { (id) }
                    ", which is not here: it comes a few seconds later, was not kept, or made room for others." },
            }
        }
    }
}

fn facts(trace: &TraceRow) -> Markup {
    html! {
        dl.facts.wide {
            dt { "trace" } dd { code { (trace.trace_id) } }
            dt { "when" } dd { (widgets::moment(trace.at_ms)) }
            dt { "route" } dd { (place(trace)) }
            dt { "outcome" } dd { (outcome(trace)) }
            dt { "took" } dd { (ms(trace.duration_ms)) }
            dt { "kept for" } dd { (trace.reason.as_deref().unwrap_or("–")) }
        }
    }
}

/// Every span as a bar on one scale of time.
fn waterfall(title: &str, id: &str, answer: &TraceAnswer) -> Markup {
    let end = answer.spans.iter().map(|span| span.start_ms + span.duration_ms);
    let end = end.fold(0.001, f64::max);
    html! {
        section.panel aria-labelledby=(id) {
            h2 id=(id) { (title) }
            @if id != "spans" { p { a href=(path(&answer.trace.trace_id)) { code { (answer.trace.trace_id) } }
                " · " (outcome(&answer.trace)) " · " (widgets::moment(answer.trace.at_ms)) } }
            div.scroll tabindex="0" role="region" aria-label=(title) { table.list.waterfall {
                thead { tr { th scope="col" { "span" } th.bar scope="col" { "0 to " (ms(end)) }
                    th.num scope="col" { "begins" } th.num scope="col" { "took" } } }
                tbody { @for span in &answer.spans { (row(span, end)) } }
            } }
            @if answer.cut { p { "Later spans of this trace were left out." } }
        }
    }
}

fn row(span: &SpanRow, end_ms: f64) -> Markup {
    let x = span.start_ms / end_ms * (WIDTH - BAR_MIN);
    let width = (span.duration_ms / end_ms * WIDTH).clamp(BAR_MIN, WIDTH - x);
    let class = if span.error { "failed" } else { span.attribute("cutover.side").unwrap_or("own") };
    let label = format!("{} to {}", ms(span.start_ms), ms(span.start_ms + span.duration_ms));
    html! {
        tr {
            th class=(format!("d{}", span.depth.min(DEPTH_MAX))) scope="row" {
                details { summary { (span.name) " " span.muted { (span.kind) }
                        @if span.error { " " span.mark.bad { (span.attribute("error.type").unwrap_or("error")) } } }
                    dl.facts { @for (key, value) in &span.attributes { dt { (key) } dd { code { (value) } } } } }
            }
            td.bar { svg viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" role="img" aria-label=(label) {
                rect.rail x="0" y="4.5" width=(WIDTH) height="1" {}
                rect class=(class) x=(format!("{x:.1}")) y="0" width=(format!("{width:.1}")) height="10" {}
            } }
            td.num { (ms(span.start_ms)) }
            td.num { (ms(span.duration_ms)) }
        }
    }
}

fn ms(millis: f64) -> String {
    match millis {
        millis if millis < 10.0 => format!("{millis:.2} ms"),
        millis if millis < 1_000.0 => format!("{millis:.0} ms"),
        millis => format!("{:.1} s", millis / 1_000.0),
    }
}

fn side_class(side: &str) -> Option<&str> {
    ["legacy", "new"].contains(&side).then_some(side)
}
