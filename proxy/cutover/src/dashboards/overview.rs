//! Where the migration stands: every route on one line.

use super::{
    board::{dashboard as board, section},
    grafana::{Dashboard, Panel},
    panel::Unit,
};

/// The route's dashboard for the value that is clicked.
const TO_ROUTE: &str = "var-route=${__value.raw}";

pub(super) fn dashboard() -> Dashboard {
    board(
        "cutover-overview",
        "Cutover / Migration overview",
        "How far the migration is, and which route needs somebody.",
        [],
        [
            section("Where the migration stands", now()),
            section("Every route", [routes()]),
            section("Traffic", traffic()),
            section("Trust", trust()),
        ],
    )
}

fn now() -> [Panel; 7] {
    [
        Panel::stat("Routes by phase", Unit::Count, "How many routes are in each phase.")
            .named()
            .size(6, 4)
            .query(
                "{{phase}}",
                "sum by (phase) (max by (cutover_route, phase) (cutover_route_phase{@own}))",
            ),
        Panel::stat(
            "Requests on new",
            Unit::Ratio,
            "Share of all requests that new was chosen for.",
        )
        .size(3, 4)
        .colour("orange")
        .query(
            "new",
            r#"(sum(rate(cutover_requests_total{@own,cutover_side="new"}[@])) or vector(0))
/ sum(rate(cutover_requests_total{@own}[@]))"#,
        ),
        Panel::stat("Parity", Unit::Ratio, "Share of copies that new answers as legacy does.")
            .size(3, 4)
            .runbook("CutoverParityDrop")
            .coloured("red", &[(0.98, "yellow"), (0.995, "green")])
            .query(
                "parity",
                r#"sum(rate(cutover_comparisons_total{@own,verdict="match"}[@]))
/ sum(rate(cutover_comparisons_total{@own,verdict=~"match|mismatch"}[@]))"#,
            ),
        Panel::stat(
            "Budgets under 25 %",
            Unit::Count,
            "Objectives with less than a quarter of their error budget left.",
        )
        .size(3, 4)
        .runbook("CutoverErrorBudgetExhausted")
        .coloured("green", &[(1.0, "red")])
        .query(
            "objectives",
            "count(min by (cutover_slo) (slo:period_error_budget_remaining:ratio) < 0.25) or vector(0)",
        ),
        Panel::stat("Gates that fail", Unit::Count, "Gates that say no, over all routes.")
            .size(3, 4)
            .runbook("CutoverGateStuck")
            .coloured("green", &[(1.0, "red")])
            .query(
                "gates",
                "count(max by (cutover_route, gate) (cutover_gate_state{@own}) == 3) or vector(0)",
            ),
        Panel::stat("Alerts", Unit::Count, "Alerts about Cutover and its routes that fire now.")
            .size(3, 4)
            .coloured("green", &[(1.0, "red")])
            .query(
                "alerts",
                r#"count(ALERTS{alertstate="firing",alertname=~"Cutover.+"}) or vector(0)"#,
            ),
        Panel::stat("Routes that went back", Unit::Count, "Moves back within the range shown.")
            .size(3, 4)
            .runbook("CutoverAutoRollback")
            .coloured("text", &[(1.0, "red")])
            .query("moves", "sum(increase(cutover_rollbacks_total{@own}[$__range]))"),
    ]
}

fn routes() -> Panel {
    Panel::table(
        "Routes",
        "Each route: its owner, its phase, what new serves of it, how well, and what is left of its \
         budget. A name leads to its dashboard.",
    )
    .query("", "max by (cutover_route, owner) (cutover_route_info{@own})")
    .query("", "max by (cutover_route, phase) (cutover_route_phase{@own}) == 1")
    .query("", r#"max by (cutover_route) (cutover_route_weight_ratio{@own,side="new"})"#)
    .query("", "sum by (cutover_route) (rate(cutover_requests_total{@own}[@]))")
    .query("", &success("legacy", "error|timeout"))
    .query("", &success("new", "error|timeout|fallback"))
    .may_be_empty("no route serves requests by new")
    .query(
        "",
        r#"sum by (cutover_route) (rate(cutover_comparisons_total{@own,verdict="match"}[@]))
/ sum by (cutover_route) (rate(cutover_comparisons_total{@own,verdict=~"match|mismatch"}[@]))"#,
    )
    .query("", "min by (cutover_route) (slo:period_error_budget_remaining:ratio)")
    .may_be_empty("no route has an objective, or its rules are not loaded")
    .columns(&[
        ("cutover_route", "Route"),
        ("owner", "Owner"),
        ("phase", "Phase"),
        ("Value #C", "On new"),
        ("Value #D", "Requests"),
        ("Value #E", "Success, legacy"),
        ("Value #F", "Success, new"),
        ("Value #G", "Parity"),
        ("Value #H", "Budget left"),
    ])
    .leads_to("Route", "cutover-route", TO_ROUTE)
    .unit_of("On new", Unit::Ratio)
    .unit_of("Requests", Unit::RequestsPerSecond)
    .unit_of("Success, legacy", Unit::Ratio)
    .unit_of("Success, new", Unit::Ratio)
    .unit_of("Parity", Unit::Ratio)
    .unit_of("Budget left", Unit::Ratio)
}

/// Share of a side's requests that did not end in one of the `bad` outcomes.
fn success(side: &str, bad: &str) -> String {
    let all = format!(r#"rate(cutover_requests_total{{@own,cutover_side="{side}"}}[@])"#);
    let bad = format!(
        r#"rate(cutover_requests_total{{@own,cutover_side="{side}",outcome=~"{bad}"}}[@])"#
    );
    let of = |rate: &str| format!("sum by (cutover_route) ({rate})");
    format!("1 - ({} or {} * 0) / ({} > 0)", of(&bad), of(&all), of(&all))
}

fn traffic() -> [Panel; 3] {
    [
        Panel::graph("Requests", Unit::RequestsPerSecond, "Requests that each side serves.")
            .sides()
            .stacked()
            .query(
                "{{cutover_side}}",
                "sum by (cutover_side) (rate(cutover_requests_total{@own}[@]))",
            ),
        Panel::graph(
            "Failures",
            Unit::Ratio,
            "Share of each side's requests that it failed; what legacy answered in new's place \
             counts against new.",
        )
        .runbook("CutoverSLOErrorBudgetBurn")
        .sides()
        .query(
            "{{cutover_side}}",
            r#"(sum by (cutover_side) (rate(cutover_requests_total{@own,outcome=~"error|timeout|fallback"}[@]))
or sum by (cutover_side) (rate(cutover_requests_total{@own}[@])) * 0)
/ (sum by (cutover_side) (rate(cutover_requests_total{@own}[@])) > 0)"#,
        ),
        Panel::graph("Share of new", Unit::Ratio, "What new serves of each route, as it was set.")
            .steps()
            .axis(Some(0.0), Some(1.0))
            .query(
                "{{cutover_route}}",
                r#"max by (cutover_route) (cutover_route_weight_ratio{@own,side="new"})"#,
            ),
    ]
}

fn trust() -> [Panel; 2] {
    [
        Panel::graph("Parity by route", Unit::Ratio, "Share of copies that new answers alike.")
            .runbook("CutoverParityDrop")
            .size(12, 8)
            .axis(None, Some(1.0))
            .query(
                "{{cutover_route}}",
                r#"sum by (cutover_route) (rate(cutover_comparisons_total{@own,verdict="match"}[@]))
/ sum by (cutover_route) (rate(cutover_comparisons_total{@own,verdict=~"match|mismatch"}[@]))"#,
            ),
        Panel::graph(
            "Error budget left",
            Unit::Ratio,
            "What is left of each objective's budget; 0 and less is spent.",
        )
        .runbook("CutoverErrorBudgetExhausted")
        .size(12, 8)
        .axis(None, Some(1.0))
        .coloured("red", &[(0.0, "yellow"), (0.25, "green")])
        .query(
            "{{cutover_slo}} {{cutover_side}}",
            "min by (cutover_slo, cutover_side) (slo:period_error_budget_remaining:ratio)",
        )
        .may_be_empty("no route has an objective, or its rules are not loaded"),
    ]
}
