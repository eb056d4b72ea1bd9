//! One route, legacy and new side by side.

use super::{
    board::{dashboard as board, one_route, section},
    grafana::{Dashboard, Panel},
    panel::Unit,
};

pub(super) fn dashboard() -> Dashboard {
    board(
        "cutover-route",
        "Cutover / Route",
        "Whether one route's new side does as well as legacy, and what stands in its way.",
        [one_route()],
        [
            section("Now", now()),
            section("Requests, errors, duration", red()),
            section("Between the sides", between()),
            section("Parity", parity()),
            section("Objectives and gates", objectives()),
        ],
    )
}

fn now() -> [Panel; 6] {
    [
        Panel::stat("Phase", Unit::Text, "The phase that the route is in.")
            .names()
            .query("{{phase}}", "max by (phase) (cutover_route_phase{@route}) == 1"),
        Panel::stat("Owner", Unit::Text, "The team to talk to.")
            .names()
            .query("{{owner}}", "max by (owner) (cutover_route_info{@route})"),
        Panel::stat("New is to serve", Unit::Ratio, "Share of subjects that new is to serve.")
            .colour("orange")
            .query("new", r#"max(cutover_route_weight_ratio{@route,side="new"})"#),
        Panel::stat(
            "Users are served",
            Unit::Ratio,
            "Share of requests that users got an answer to, whichever side gave it.",
        )
        .runbook("CutoverSLOErrorBudgetBurn")
        .coloured("red", &[(0.99, "yellow"), (0.999, "green")])
        .query(
            "users",
            r#"1 - (sum(rate(cutover_requests_total{@route,outcome=~"error|timeout"}[@])) or vector(0))
/ (sum(rate(cutover_requests_total{@route}[@])) > 0)"#,
        ),
        Panel::stat("Parity", Unit::Ratio, "Share of copies that new answers as legacy does.")
            .runbook("CutoverParityDrop")
            .coloured("red", &[(0.98, "yellow"), (0.995, "green")])
            .without_value("not compared")
            .query(
                "parity",
                r#"sum(rate(cutover_comparisons_total{@route,verdict="match"}[@]))
/ sum(rate(cutover_comparisons_total{@route,verdict=~"match|mismatch"}[@]))"#,
            ),
        Panel::stat(
            "Error budget left",
            Unit::Ratio,
            "The least that is left of the route's budgets.",
        )
        .runbook("CutoverErrorBudgetExhausted")
        .coloured("red", &[(0.0, "yellow"), (0.25, "green")])
        .without_value("no objective")
        .query("budget", r#"min(slo:period_error_budget_remaining:ratio{cutover_route=~"$route"})"#)
        .may_be_empty("the route has no objective, or its rules are not loaded"),
    ]
}

fn red() -> [Panel; 5] {
    [
        Panel::graph(
            "Requests",
            Unit::RequestsPerSecond,
            "Requests by the side that the decision chose.",
        )
        .sides()
        .query("{{cutover_side}}", "sum by (cutover_side) (rate(cutover_requests_total{@route}[@]))"),
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
            r#"(sum by (cutover_side) (rate(cutover_requests_total{@route,outcome=~"error|timeout|fallback"}[@]))
or sum by (cutover_side) (rate(cutover_requests_total{@route}[@])) * 0)
/ (sum by (cutover_side) (rate(cutover_requests_total{@route}[@])) > 0)"#,
        ),
        Panel::graph(
            "Duration",
            Unit::Seconds,
            "How long requests take, to the answer's last byte; dots are traces that were kept.",
        )
        .sides()
        .query("{{cutover_side}} p50", &quantile("0.5"))
        .query("{{cutover_side}} p95", &quantile("0.95"))
        .exemplars()
        .query("{{cutover_side}} p99", &quantile("0.99")),
        Panel::graph("Outcomes", Unit::RequestsPerSecond, "Requests by how they ended.")
            .size(12, 8)
            .stacked()
            .query("{{outcome}}", "sum by (outcome) (rate(cutover_requests_total{@route}[@]))"),
        Panel::graph("Answers", Unit::RequestsPerSecond, "Answers that users got, by status.")
            .size(12, 8)
            .stacked()
            .query(
                "{{http_response_status_code}}",
                "sum by (http_response_status_code) \
                 (rate(http_server_request_duration_seconds_count{@route}[@]))",
            ),
    ]
}

fn quantile(q: &str) -> String {
    format!(
        "histogram_quantile({q}, sum by (cutover_side, le) \
         (rate(cutover_request_duration_seconds_bucket{{@route}}[@])))"
    )
}

fn between() -> [Panel; 4] {
    [
        Panel::graph(
            "Split",
            Unit::Ratio,
            "What new is to serve, and what it was chosen for: they differ where few subjects ask \
             for much.",
        )
        .size(6, 8)
        .sides()
        .axis(Some(0.0), Some(1.0))
        .steps()
        .shade("new, in fact", "light-orange")
        .query("new, as set", r#"max(cutover_route_weight_ratio{@route,side="new"})"#)
        .query(
            "new, in fact",
            r#"(sum(rate(cutover_requests_total{@route,cutover_side="new"}[@])) or vector(0))
/ (sum(rate(cutover_requests_total{@route}[@])) > 0)"#,
        ),
        Panel::graph(
            "Rescues",
            Unit::PerSecond,
            "Requests that new failed and legacy answered, attempts that were repeated, and \
             requests that named no subject.",
        )
        .runbook("CutoverFallbackActive")
        .size(6, 8)
        .query("fallbacks", "sum(rate(cutover_fallbacks_total{@route}[@]))")
        .query("retries", "sum(rate(cutover_retries_total{@route}[@]))")
        .query("no subject", "sum(rate(cutover_no_subject_total{@route}[@]))"),
        Panel::graph(
            "Attempts at upstreams",
            Unit::RequestsPerSecond,
            "What upstreams answered, fallbacks and repeats included.",
        )
        .size(6, 8)
        .sides()
        .query(
            "{{cutover_side}} {{http_response_status_code}}",
            "sum by (cutover_side, http_response_status_code) \
             (rate(http_client_request_duration_seconds_count{@route}[@]))",
        ),
        Panel::graph(
            "Added by Cutover",
            Unit::Seconds,
            "Of a request's duration, what no upstream was at work for.",
        )
        .size(6, 8)
        .query("p50", &overhead("0.5"))
        .query("p99", &overhead("0.99")),
    ]
}

fn overhead(q: &str) -> String {
    format!(
        "histogram_quantile({q}, sum by (le) \
         (rate(cutover_proxy_overhead_seconds_bucket{{@route}}[@])))"
    )
}

fn parity() -> [Panel; 4] {
    [
        Panel::graph("Verdicts", Unit::PerSecond, "Copies that were compared, by verdict.")
            .runbook("CutoverParityDrop")
            .size(6, 8)
            .stacked()
            .query("{{verdict}}", "sum by (verdict) (rate(cutover_comparisons_total{@route}[@]))"),
        Panel::graph(
            "Where answers differ",
            Unit::PerSecond,
            "The ten places that differ most often, and how; `cutover diffs` shows samples.",
        )
        .runbook("CutoverParityDrop")
        .size(6, 8)
        .query(
            "{{field}} {{kind}}",
            "topk(10, sum by (field, kind) (rate(cutover_comparison_fields_total{@route}[@])))",
        )
        .may_be_empty("all answers are alike"),
        Panel::graph(
            "Copies",
            Unit::PerSecond,
            "Requests that were to be copied, and those of them that were not compared, by reason.",
        )
        .runbook("CutoverShadowDropped")
        .size(6, 8)
        .query("eligible", "sum(rate(cutover_shadow_eligible_total{@route}[@]))")
        .query(
            "dropped, {{reason}}",
            "sum by (reason) (rate(cutover_shadow_dropped_total{@route}[@]))",
        ),
        Panel::graph(
            "Calls for copies",
            Unit::RequestsPerSecond,
            "What comparing costs the sides, by what came of it.",
        )
        .size(6, 8)
        .sides()
        .query(
            "{{cutover_side}} {{outcome}}",
            "sum by (cutover_side, outcome) (rate(cutover_shadow_calls_total{@route}[@]))",
        ),
    ]
}

fn objectives() -> [Panel; 5] {
    let none = "the route has no objective, or its rules are not loaded";
    [
        Panel::graph(
            "Burn rate",
            Unit::Times,
            "How many times as fast as allowed the budget burns; lines are where alerts begin.",
        )
        .runbook("CutoverSLOErrorBudgetBurn")
        .size(12, 8)
        .coloured("green", &[(1.0, "yellow"), (6.0, "semi-dark-red"), (14.4, "red")])
        .query("{{cutover_slo}} {{cutover_side}} 5m", &burn("5m"))
        .may_be_empty(none)
        .query("{{cutover_slo}} {{cutover_side}} 1h", &burn("1h"))
        .may_be_empty(none),
        Panel::graph("Error budget left", Unit::Ratio, "What is left of the route's budgets.")
            .runbook("CutoverErrorBudgetExhausted")
            .size(12, 8)
            .axis(None, Some(1.0))
            .coloured("red", &[(0.0, "yellow"), (0.25, "green")])
            .query(
                "{{cutover_slo}} {{cutover_side}}",
                r#"min by (cutover_slo, cutover_side) (slo:period_error_budget_remaining:ratio{cutover_route=~"$route"})"#,
            )
            .may_be_empty(none),
        Panel::timeline(
            "Gates",
            "What each gate says; it moves forward only while all that it needs pass.",
            &[(0, "pass", "green"), (1, "waits", "yellow"), (2, "blind", "purple"), (3, "fails", "red")],
        )
        .runbook("CutoverGateStuck")
        .size(16, 8)
        .query("{{gate}}", "max by (gate) (cutover_gate_state{@route})"),
        Panel::stat(
            "Dwelt",
            Unit::Ratio,
            "Share of the time and requests that the present step has to last.",
        )
        .size(4, 8)
        .query("dwelt", "min(cutover_gate_dwelt_ratio{@route})"),
        Panel::stat("Alerts", Unit::Count, "Alerts of this route that fire now.")
            .coloured("green", &[(1.0, "red")])
            .size(4, 8)
            .query(
                "alerts",
                r#"count(ALERTS{alertstate="firing",cutover_route=~"$route"}) or vector(0)"#,
            ),
    ]
}

fn burn(window: &str) -> String {
    format!(
        r#"max by (cutover_slo, cutover_side) (slo:sli_error:ratio_rate{window}{{cutover_route=~"$route"}})
/ on (cutover_slo) group_left max by (cutover_slo) (slo:error_budget:ratio)"#
    )
}
