//! Objectives: what was promised, what is left of it, how fast it goes.
//!
//! All of it is recorded by the rules that `cutover slo rules` writes.

use super::{
    board::{dashboard as board, routes, section},
    grafana::{Dashboard, Panel},
    panel::Unit,
};

/// The chosen routes; objectives across routes have none.
const OF_ROUTE: &str = r#"cutover_route=~"$route|""#;

pub(super) fn dashboard() -> Dashboard {
    board(
        "cutover-slo",
        "Cutover / Objectives and error budgets",
        "What was promised to users, whether it is kept, and for how long it still can be.",
        [routes()],
        [
            section("Every objective", [objectives()]),
            section("Budgets", budgets()),
            section("How fast they burn", burns()),
        ],
    )
}

fn objectives() -> Panel {
    Panel::table(
        "Objectives",
        "Each objective and side: what is promised, what fails, and what is left. Side `all` is \
         what users see.",
    )
    .runbook("CutoverErrorBudgetExhausted")
    .query("", &format!("max by (cutover_slo, cutover_route) (slo:objective:ratio{{{OF_ROUTE}}})"))
    .query("", &by_side("slo:sli_error:ratio_rate5m"))
    .query("", &by_side("slo:current_burn_rate:ratio"))
    .query("", &by_side("slo:period_error_budget_remaining:ratio"))
    .query("", &format!("max by (cutover_slo) (slo:time_period:days{{{OF_ROUTE}}}) * 86400"))
    .columns(&[
        ("cutover_slo", "Objective"),
        ("cutover_route", "Route"),
        ("cutover_side", "Side"),
        ("Value #A", "Promised"),
        ("Value #E", "Within"),
        ("Value #B", "Failing now"),
        ("Value #C", "Burn rate now"),
        ("Value #D", "Budget left"),
    ])
    .leads_to("Route", "cutover-route", "var-route=${__value.raw}")
    .unit_of("Promised", Unit::Ratio)
    .unit_of("Within", Unit::Duration)
    .unit_of("Failing now", Unit::Ratio)
    .unit_of("Burn rate now", Unit::Times)
    .unit_of("Budget left", Unit::Ratio)
}

fn budgets() -> [Panel; 2] {
    [
        Panel::graph("Error budget left", Unit::Ratio, "Of the whole period; 0 and less is spent.")
            .runbook("CutoverErrorBudgetExhausted")
            .size(12, 9)
            .axis(None, Some(1.0))
            .coloured("red", &[(0.0, "yellow"), (0.25, "green")])
            .query(
                "{{cutover_slo}} {{cutover_side}}",
                &by_side("slo:period_error_budget_remaining:ratio"),
            ),
        Panel::graph("Events", Unit::PerSecond, "Events that objectives count, and the bad ones.")
            .size(12, 9)
            .query("{{cutover_slo}} {{cutover_side}} all", &by_side("slo:total_events:rate5m"))
            .query("{{cutover_slo}} {{cutover_side}} bad", &by_side("slo:bad_events:rate5m")),
    ]
}

fn burns() -> [Panel; 4] {
    let pair =
        |title, about: &str, windows: [&'static str; 2], legends: [&'static str; 2], limit| {
            Panel::graph(title, Unit::Times, about)
                .runbook("CutoverSLOErrorBudgetBurn")
                .size(12, 8)
                .coloured("green", &[(limit, "red")])
                .query(legends[0], &burn(windows[0]))
                .query(legends[1], &burn(windows[1]))
        };
    [
        pair(
            "Page, fast: 14.4 over 1 h and 5 m",
            "A page comes where both lines are above 14.4: the budget of a month lasts two days.",
            ["5m", "1h"],
            ["{{cutover_slo}} {{cutover_side}} 5m", "{{cutover_slo}} {{cutover_side}} 1h"],
            14.4,
        ),
        pair(
            "Page, slow: 6 over 6 h and 30 m",
            "A page comes where both lines are above 6: the budget of a month lasts five days.",
            ["30m", "6h"],
            ["{{cutover_slo}} {{cutover_side}} 30m", "{{cutover_slo}} {{cutover_side}} 6h"],
            6.0,
        ),
        pair(
            "Ticket, fast: 3 over 1 d and 2 h",
            "A ticket comes where both lines are above 3: the budget of a month lasts ten days.",
            ["2h", "1d"],
            ["{{cutover_slo}} {{cutover_side}} 2h", "{{cutover_slo}} {{cutover_side}} 1d"],
            3.0,
        ),
        pair(
            "Ticket, slow: 1 over 3 d and 6 h",
            "A ticket comes where both lines are above 1: the budget does not last its month.",
            ["6h", "3d"],
            ["{{cutover_slo}} {{cutover_side}} 6h", "{{cutover_slo}} {{cutover_side}} 3d"],
            1.0,
        ),
    ]
}

fn by_side(series: &str) -> String {
    format!("max by (cutover_slo, cutover_side) ({series}{{{OF_ROUTE}}})")
}

fn burn(window: &str) -> String {
    format!(
        "{} / on (cutover_slo) group_left max by (cutover_slo) (slo:error_budget:ratio)",
        by_side(&format!("slo:sli_error:ratio_rate{window}"))
    )
}
