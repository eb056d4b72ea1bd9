//! `/routes/{id}`: one route: where it is, what can be done, how both sides do, and why.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing, chart,
    gate::Visit,
    live::Field,
    page::{self, Frame},
    trend::{Point, Series},
    widgets,
};
use crate::{
    admin::{
        Admin,
        diffs::diffs_answer,
        failure::Failure,
        gates::gate_answer,
        locked,
        parity::{TARGET, parity_answer},
        readiness::readiness_answer,
        status::{history_answer, route_answer},
    },
    api::{
        DiffsAnswer, GateAnswer, HistoryAnswer, ParityAnswer, PhaseName, ReadinessAnswer, RouteRow,
    },
};

mod actions;
mod answers;
mod gates;
mod timeline;

pub(super) use answers::cluster_table;

/// Revisions that are shown.
const REVISIONS: u32 = 12;
/// Places that differ most.
const CLUSTERS: usize = 6;

/// All that the page tells.
struct Shown {
    row: RouteRow,
    parity: ParityAnswer,
    diffs: DiffsAnswer,
    gate: GateAnswer,
    readiness: ReadinessAnswer,
    points: Vec<Point>,
    /// `Err`: the store is away.
    history: Result<HistoryAnswer, Failure>,
}

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let id = visit.param(0).to_owned();
        let done = visit.fields.number("done", u64::MAX)?;
        let points = locked(&admin.console.trend).of(&id);
        let shown = Shown {
            row: route_answer(&admin, &id)?.route,
            parity: parity_answer(&admin, &id, TARGET)?,
            diffs: diffs_answer(&admin, &id, None, CLUSTERS)?,
            gate: gate_answer(&admin, &id).await?,
            readiness: readiness_answer(&admin, &id).await?,
            points,
            history: history_answer(&admin, Some(&id), REVISIONS, None).await,
        };
        let effect = admin.console.effects.of(&id);
        let frame = Frame {
            title: &id,
            section: "Routes",
            command: format!("cutover status {id}"),
            events: Some(format!("route={}", widgets::encoded(&id))),
        };
        let main = html! {
            @if let Some(done) = done { (timeline::done(&shown, done, effect)) }
            (head(&shown.row))
            div.columns {
                div {
                    (numbers(&shown))
                    (gates::panel(&shown.gate))
                    (answers::parity(&shown))
                    (timeline::timeline(&shown, &admin))
                }
                div {
                    (actions::panel(&shown, &visit, effect))
                    (gates::ready(&shown.readiness))
                }
            }
        };
        Ok(page::show(&admin, &visit, &frame, &main))
    })
}

fn head(row: &RouteRow) -> Markup {
    html! {
        div.head {
            h1 { (row.id) }
            p.muted {
                code { (row.matches) } " · " (row.owner) " · group " (row.group)
                " · writes " (row.writes)
            }
        }
        (stepper(row))
        (chart::split(&row.at))
        p.small {
            span.legacy { "legacy " (100.0 - widgets::share_of_new(&row.at)) " %: " (row.legacy.upstream) }
            @if let Some(new) = &row.new {
                " · " span.new { "new " (widgets::share_of_new(&row.at)) " %: " (new.upstream) }
            }
            " · here for " (Field::Age.show(row))
        }
    }
}

/// The way from legacy to retired, and where the route stands on it.
fn stepper(row: &RouteRow) -> Markup {
    use PhaseName::{Canary, Legacy, Live, Retired, Shadow};
    html! {
        ol.stepper aria-label="Phases" {
            @for phase in [Legacy, Shadow, Canary, Live, Retired] {
                @let is_here = phase == row.at.phase;
                li.passed[(phase as u8) < (row.at.phase as u8)]
                    aria-current=[is_here.then_some("step")] {
                    @if is_here { (widgets::at(&row.at)) }
                    @else { (cutover_domain::Phase::from(phase)) }
                }
            }
        }
    }
}

/// Rate, errors and duration of both sides, now and over the last minutes.
fn numbers(shown: &Shown) -> Markup {
    let row = &shown.row;
    let lines = [
        (Series::Rate, "requests/s", [Field::RateOf(0), Field::RateOf(1)]),
        (Series::Failures, "success", [Field::Success(0), Field::Success(1)]),
        (Series::Latency, "latency p95", [Field::Latency(0), Field::Latency(1)]),
    ];
    html! {
        section.panel aria-labelledby="numbers" {
            h2 #numbers { "Both sides" }
            table.numbers {
                thead { tr { th scope="col" { "last 10 s" } th.legacy scope="col" { "legacy" }
                    th.new scope="col" { "new" } th scope="col" { "last 10 min" } } }
                tbody {
                    @for (series, name, fields) in lines {
                        tr {
                            th scope="row" { (name) }
                            @for field in fields { td { (field.show(row)) } }
                            td.chart {
                                (chart::sparkline(&row.id, series, &shown.points))
                            }
                        }
                    }
                }
            }
        }
    }
}
