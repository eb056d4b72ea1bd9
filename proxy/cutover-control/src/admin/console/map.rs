//! `/`: the migration on one page, a column a phase, a card a route.

use std::{collections::BTreeSet, sync::Arc};

use maud::{Markup, html};

use super::{
    Showing, acts, chart,
    gate::Visit,
    live::Field,
    page::{self, Frame, csrf},
    widgets::{self, at},
};
use crate::{
    admin::{Admin, status::status_answer},
    api::{PhaseName, RouteRow, StatusAnswer},
    token::Role,
    truth::moves::REASON_CHARS_MAX,
};

/// Columns, from the first to the last.
const COLUMNS: [(PhaseName, &str, &str); 5] = [
    (PhaseName::Legacy, "legacy", "the monolith serves"),
    (PhaseName::Shadow, "shadow", "new gets copies"),
    (PhaseName::Canary, "canary", "new serves a cohort"),
    (PhaseName::Live, "live", "new serves everyone"),
    (PhaseName::Retired, "retired", "legacy is not called"),
];

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let status = status_answer(&admin);
        let team = visit.fields.get("team").filter(|team| !team.is_empty());
        let frame = Frame {
            title: "Routes",
            section: "Routes",
            command: "cutover status --watch".into(),
            events: Some(String::new()),
        };
        let main = markup(&status, team, &visit);
        Ok(page::show(&admin, &visit, &frame, &main))
    })
}

fn markup(status: &StatusAnswer, team: Option<&str>, visit: &Visit) -> Markup {
    let shown: Vec<&RouteRow> =
        status.routes.iter().filter(|row| team.is_none_or(|team| row.owner == team)).collect();
    html! {
        div.head {
            h1 { "Routes" }
            (summary(&shown))
            (teams(status, team))
        }
        @if status.routes.is_empty() {
            p { "No routes are declared: everything goes to the default." }
        }
        div.map {
            @for (phase, name, about) in COLUMNS {
                @let cards: Vec<&&RouteRow> =
                    shown.iter().filter(|row| row.at.phase == phase).collect();
                section.column aria-labelledby={ "phase-" (name) } {
                    h2 id={ "phase-" (name) } { (name) " " span.count { (cards.len()) } }
                    p.muted { (about) }
                    @for row in cards { (card(row)) }
                }
            }
        }
        @if visit.who.caller.role >= Role::Operator { (off_switch(visit)) }
    }
}

/// How far all of it has come, by what users ask.
fn summary(rows: &[&RouteRow]) -> Markup {
    let rps: f64 = rows.iter().map(|row| row.rps).sum();
    let new: f64 = rows.iter().filter_map(|row| Some(row.new.as_ref()?.rps)).sum();
    let held = rows.iter().filter(|row| row.held.is_some()).count();
    html! {
        p.summary {
            strong { (rows.len()) } @if rows.len() == 1 { " route" } @else { " routes" }
            " · " strong { (format!("{rps:.1}")) } " requests/s"
            @if rps > 0.0 { " · new is asked " strong { (format!("{:.1} %", new / rps * 100.0)) } }
            @if held > 0 { " · " strong.warn { (held) " held" } }
        }
    }
}

fn teams(status: &StatusAnswer, team: Option<&str>) -> Markup {
    let teams: BTreeSet<&str> = status.routes.iter().map(|row| row.owner.as_str()).collect();
    html! {
        @if teams.len() > 1 {
            form.filter method="get" action="/" {
                label for="team" { "Team" }
                select #team name="team" {
                    option value="" { "all" }
                    @for name in teams {
                        option value=(name) selected[team == Some(name)] { (name) }
                    }
                }
                button type="submit" { "Show" }
            }
        }
    }
}

fn card(row: &RouteRow) -> Markup {
    let new = row.new.is_some();
    html! {
        article.card {
            h3 { (widgets::route_link(&row.id)) }
            p.muted.small { (row.owner) " · " (Field::Age.show(row)) }
            (chart::split(&row.at))
            p.small {
                span.legacy { "legacy " (number(100.0 - widgets::share_of_new(&row.at))) " %" }
                " · " span.new { "new " (number(widgets::share_of_new(&row.at))) " %" }
            }
            table.sides {
                thead { tr { th scope="col" { span.hidden { "number" } }
                    th.legacy scope="col" { "legacy" } th.new scope="col" { "new" } } }
                tbody {
                    @for (name, fields) in SIDES {
                        tr { th scope="row" { (name) }
                            @for field in fields { td { (field.show(row)) } } }
                    }
                }
            }
            dl.facts {
                dt { "parity" } dd { (Field::Parity.show(row)) }
                dt { "next" } dd { (standing(row)) }
            }
            @if !new { p.small.muted { "no new upstream is declared" } }
        }
    }
}

/// Numbers that both sides have.
const SIDES: [(&str, [Field; 2]); 3] = [
    ("req/s", [Field::RateOf(0), Field::RateOf(1)]),
    ("success", [Field::Success(0), Field::Success(1)]),
    ("p95", [Field::Latency(0), Field::Latency(1)]),
];

/// Whether it may go on.
pub(super) fn standing(row: &RouteRow) -> Markup {
    html! {
        @match (&row.held, row.gate.open, &row.gate.next) {
            (Some(cause), _, _) => span.mark.warn title=(cause) { "held" },
            (None, true, Some(next)) => span.mark.ok { (at(next)) },
            (None, _, None) => span.mark { (row.gate.why.as_deref().unwrap_or("none: it is there")) },
            (None, _, Some(next)) => span.mark.warn
                title=[row.gate.why.as_deref()] { "not yet " (at(next)) },
        }
    }
}

fn off_switch(visit: &Visit) -> Markup {
    let reason = format!("everything back, by {} in the console", visit.who.caller.name);
    html! {
        details.danger {
            summary { "Send every route back" }
            form method="post" action="/rollback" {
                (csrf(&visit.who))
                p { "Every route goes to its safe phase at once: users are served by legacy." }
                label for="all-reason" { "Reason" }
                input #all-reason name="reason" value=(reason) required maxlength=(REASON_CHARS_MAX);
                label for="all-confirm" { "Type " code { (acts::CONFIRM) } " to confirm" }
                input #all-confirm name="confirm" required pattern=(acts::CONFIRM) autocomplete="off";
                button.rollback type="submit" { "Roll back all routes" }
                (widgets::command("cutover rollback --all --reason \"…\" --wait"))
            }
        }
    }
}

fn number(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}
