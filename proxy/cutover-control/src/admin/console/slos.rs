//! `/slos`: what users may expect of each route, and how both sides keep it.

use std::sync::Arc;

use cutover_domain::slo::{Objective, Objectives};
use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    live::Field,
    page::{self, Frame},
    widgets::{self, route_link},
};
use crate::{
    admin::{Admin, gates::slo_answer, status::status_answer},
    api::{BurnRow, RouteRow, SloRow},
    words::{percent, span},
};

/// Minutes of the budget's window: 30 days.
const WINDOW_MINUTES: f64 = 30.0 * 24.0 * 60.0;

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let (view, status) = (admin.parts.controller.view(), status_answer(&admin));
        let objectives = |row: &RouteRow| {
            view.table.route(&row.id).map(|(_, route)| route.spec.objectives).unwrap_or_default()
        };
        let rows: Vec<(&RouteRow, Objectives)> =
            status.routes.iter().map(|row| (row, objectives(row))).collect();
        let frame = Frame {
            title: "SLOs",
            section: "SLOs",
            command: "cutover slo status".into(),
            events: Some(String::new()),
        };
        let main = html! { (markup(&rows)) (burns(&slo_answer(&admin, None)?.objectives)) };
        Ok(page::show(&admin, &visit, &frame, &main))
    })
}

fn markup(rows: &[(&RouteRow, Objectives)]) -> Markup {
    let (with, without): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, slo)| !slo.is_empty());
    html! {
        div.head {
            h1 { "SLOs" }
            p { "What users may expect, measured where they are: at the proxy, each side apart." }
        }
        section.panel aria-labelledby="objectives" {
            h2 #objectives { "Objectives" }
            @if with.is_empty() { p { "No route declares any. Add " code { "slo = { availability = 99.9 }" } " to it." } }
            @else { (table(&with)) }
        }
        @if !without.is_empty() && !with.is_empty() {
            section.panel aria-labelledby="none" {
                h2 #none { "Without an objective" }
                p { @for (row, _) in without { (route_link(&row.id)) " " } }
            }
        }
    }
}

fn table(rows: &[&(&RouteRow, Objectives)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Objectives" { table.list {
            thead { tr { th scope="col" { "route" } th scope="col" { "users may expect" }
                th scope="col" { "budget" } th.legacy.num scope="col" { "legacy, last 10 s" }
                th.new.num scope="col" { "new, last 10 s" } th.num scope="col" { "budget left" } } }
            tbody { @for (row, slo) in rows { (lines(row, slo)) } }
        } }
    }
}

fn lines(row: &RouteRow, slo: &Objectives) -> Markup {
    let left = row.budget.map_or_else(widgets::dash, |left| percent(left).replace('%', " %"));
    html! {
        @if let Some(objective) = slo.availability {
            (line(row, &format!("{} % answered", objective.percent()), objective,
                [Field::Success(0), Field::Success(1)], &left))
        }
        @if let Some(latency) = slo.latency {
            (line(row, &format!("{} % within {} ms", latency.objective.percent(), latency.under_ms),
                latency.objective, [Field::Latency(0), Field::Latency(1)], &widgets::dash()))
        }
    }
}

fn line(
    row: &RouteRow,
    promise: &str,
    objective: Objective,
    fields: [Field; 2],
    left: &str,
) -> Markup {
    html! {
        tr {
            th scope="row" { (route_link(&row.id)) }
            td { (promise) }
            td { (budget(objective)) }
            @for field in fields { td.num { @if let Field::Latency(_) = field { "p95 " } (field.show(row)) } }
            td.num { (left) }
        }
    }
}

/// How fast the budgets go, for users and for each side.
fn burns(rows: &[SloRow]) -> Markup {
    html! {
        @if let Some(first) = rows.first() {
            section.panel aria-labelledby="burns" {
                h2 #burns { "How fast budgets burn" }
                p.muted { "Times the budget: at 1 it lasts 30 days. What legacy rescued is bad for new and good for users." }
                div.scroll tabindex="0" role="region" aria-label="Burn rates" { table.list {
                    thead { tr { th scope="col" { "route" } th scope="col" { "objective" }
                        th scope="col" { "whose" }
                        @for window in &first.windows { th.num scope="col" { (span(window.length_ms)) } }
                        th.num scope="col" { "budget left" } } }
                    tbody { @for row in rows { (burn_line(row)) } }
                } }
            }
        }
    }
}

fn burn_line(row: &SloRow) -> Markup {
    let class = if row.whose == "users" { None } else { Some(row.whose.as_str()) };
    let is_spent = row.budget_left < 0.0;
    html! {
        tr {
            th scope="row" { (route_link(&row.route)) }
            td { (row.target) " % " (row.indicator) }
            td class=[class] { (row.whose) }
            @for window in &row.windows { td.num { (burn(window)) } }
            td.num { span.mark.bad[is_spent] { (percent(row.budget_left).replace('%', " %")) } }
        }
    }
}

/// Too much is marked; what had no requests says nothing.
fn burn(window: &BurnRow) -> Markup {
    let is_over = window.limit.is_some_and(|limit| window.burn >= limit);
    html! {
        @if window.requests == 0 { span.muted { (widgets::dash()) } }
        @else { span.mark.bad[is_over] title=[window.limit.map(|limit| format!("too much from {limit}"))] {
            (format!("{:.1}×", window.burn)) } }
    }
}

/// What may go wrong, as a share and as time in which everything does.
fn budget(objective: Objective) -> String {
    let share = objective.budget();
    let minutes = share * WINDOW_MINUTES;
    let time = if minutes < 600.0 {
        format!("{minutes:.0} min")
    } else {
        format!("{:.0} h", minutes / 60.0)
    };
    format!("{} %, or {time} in 30 days", (share * 1e6).round() / 1e4)
}
