//! Situations of one objective.

use super::{Case, Expected, custom, firing};
use crate::slo::{
    Kind, Objective,
    objective::bound,
    pairs,
    rules::{ERROR_BUDGET_EXHAUSTED, SLO_ERROR_BUDGET_BURN, SLO_METRIC_ABSENT},
};

/// Minutes, good and bad requests in each.
type Stage = (u32, u32, u32);

/// The ratio in the hour of [`failing`] lies above what every tested alert needs.
const RATIO_OF_FAILING: f64 = 0.95;

pub(super) fn cases(objective: &Objective) -> Vec<Case> {
    let mut cases = match objective.kind {
        Kind::Custom => return custom::cases(objective),
        Kind::Latency(_) | Kind::Journey => Vec::new(),
        Kind::Availability => vec![rescued(objective)],
    };
    cases.extend([kept(objective), failing(objective), recovered(objective), quiet(objective)]);
    cases.extend([idle(objective), blind(objective)]);
    cases
}

fn kept(objective: &Objective) -> Case {
    Case {
        name: format!("{}: kept", objective.name),
        series: traffic(objective, FAILED, &[(60, 60, 0)]),
        expected: vec![
            silent(SLO_ERROR_BUDGET_BURN, objective, "", 60),
            silent(ERROR_BUDGET_EXHAUSTED, objective, "", 60),
            recorded("slo:sli_error:ratio_rate1h", objective, 60, 0),
            recorded("slo:period_error_budget_remaining:ratio", objective, 60, 1_000_000),
        ],
    }
}

/// The outcome of requests that nobody answered well.
const FAILED: &str = "error";

/// Both what users see and new's side fire, in every window that there is.
fn failing(objective: &Objective) -> Case {
    let fires = pairs(objective.period_days)
        .filter(|pair| pair.factor * objective.budget < RATIO_OF_FAILING)
        .map(|pair| {
            let window = format!(",window=\"{}\"", pair.long);
            expect(SLO_ERROR_BUDGET_BURN, objective, &window, 60, Some(2))
        });
    let spent = expect(ERROR_BUDGET_EXHAUSTED, objective, "", 60, Some(2));
    Case {
        name: format!("{}: everything fails", objective.name),
        series: traffic(objective, FAILED, &[(2, 60, 0), (60, 0, 60)]),
        expected: fires.chain([spent]).collect(),
    }
}

/// What is over wakes nobody: the short window says so.
fn recovered(objective: &Objective) -> Case {
    Case {
        name: format!("{}: failed, and recovered", objective.name),
        series: traffic(objective, FAILED, &[(2, 60, 0), (30, 0, 60), (30, 60, 0)]),
        expected: vec![silent(SLO_ERROR_BUDGET_BURN, objective, ",window=\"1h\"", 60)],
    }
}

/// One error among sixty requests of an hour.
fn quiet(objective: &Objective) -> Case {
    Case {
        name: format!("{}: one error in a quiet hour", objective.name),
        series: traffic(objective, FAILED, &[(30, 1, 0), (1, 0, 1), (30, 1, 0)]),
        expected: [32, 35, 60]
            .map(|minutes| silent(SLO_ERROR_BUDGET_BURN, objective, "", minutes))
            .into(),
    }
}

/// Legacy answers what new fails: users are fine, new is not.
fn rescued(objective: &Objective) -> Case {
    let side = |side: &str| format!(",window=\"1h\",cutover_side=\"{side}\"");
    Case {
        name: format!("{}: new fails, legacy answers", objective.name),
        series: traffic(objective, "fallback", &[(2, 60, 0), (60, 0, 60)]),
        expected: vec![
            silent(SLO_ERROR_BUDGET_BURN, objective, &side("all"), 60),
            expect(SLO_ERROR_BUDGET_BURN, objective, &side("new"), 60, Some(1)),
        ],
    }
}

/// The route is there, and nobody asks.
fn idle(objective: &Objective) -> Case {
    Case {
        name: format!("{}: idle", objective.name),
        series: vec![info(objective)],
        expected: vec![
            silent(SLO_METRIC_ABSENT, objective, "", 20),
            silent(SLO_ERROR_BUDGET_BURN, objective, "", 20),
        ],
    }
}

/// The route is not there.
fn blind(objective: &Objective) -> Case {
    Case {
        name: format!("{}: blind", objective.name),
        series: Vec::new(),
        expected: vec![expect(SLO_METRIC_ABSENT, objective, "", 20, Some(1))],
    }
}

/// What new is to serve, counted up stage by stage.
fn traffic(objective: &Objective, bad: &str, stages: &[Stage]) -> Vec<(String, String)> {
    let good = |stage: &Stage| stage.1;
    let failed = |stage: &Stage| stage.2;
    let all = |stage: &Stage| stage.1 + stage.2;
    let mut series = match objective.kind {
        Kind::Latency(ms) => vec![
            (requests(objective, "ok"), counted(stages, all)),
            (duration(objective, "count{"), counted(stages, all)),
            (duration(objective, &format!("bucket{{le=\"{}\",", bound(ms))), counted(stages, good)),
        ],
        Kind::Journey => vec![
            (ended(objective, "good"), counted(stages, good)),
            (ended(objective, "lost"), counted(stages, failed)),
        ],
        Kind::Availability | Kind::Custom => vec![
            (requests(objective, "ok"), counted(stages, good)),
            (requests(objective, bad), counted(stages, failed)),
        ],
    };
    series.push(info(objective));
    series
}

fn requests(objective: &Objective, outcome: &str) -> String {
    format!(
        "cutover_requests_total{{cutover_route=\"{}\",cutover_side=\"new\",cutover_phase=\"live\",outcome=\"{outcome}\"}}",
        route(objective)
    )
}

fn duration(objective: &Objective, what: &str) -> String {
    format!(
        "cutover_request_duration_seconds_{what}cutover_route=\"{}\",cutover_side=\"new\"}}",
        route(objective)
    )
}

fn ended(objective: &Objective, result: &str) -> String {
    format!(
        "cutover_journey_total{{journey=\"{}\",side=\"new\",result=\"{result}\"}}",
        objective.journey.as_deref().unwrap_or_default()
    )
}

/// A counter's values, in promtool's `start+stepxtimes`.
fn counted(stages: &[Stage], per_minute: impl Fn(&Stage) -> u32) -> String {
    let mut value = 0;
    let parts = stages.iter().map(|stage| {
        let (minutes, step) = (stage.0, per_minute(stage));
        let part = format!("{}+{step}x{}", value + step, minutes - 1);
        value += step * minutes;
        part
    });
    std::iter::once("0".to_owned()).chain(parts).collect::<Vec<_>>().join(" ")
}

/// What is there while nobody asks.
fn info(objective: &Objective) -> (String, String) {
    match objective.kind {
        Kind::Journey => (ended(objective, "unseen"), "0x120".to_owned()),
        _ => {
            let series = format!("cutover_route_info{{cutover_route=\"{}\"}}", route(objective));
            (series, "1x120".to_owned())
        }
    }
}

fn route(objective: &Objective) -> &str {
    objective.route.as_deref().unwrap_or_default()
}

pub(super) fn silent(alert: &str, objective: &Objective, more: &str, minutes: u32) -> Expected {
    expect(alert, objective, more, minutes, None)
}

pub(super) fn expect(
    alert: &str,
    objective: &Objective,
    more: &str,
    minutes: u32,
    value: Option<u32>,
) -> Expected {
    let more = format!(",cutover_slo=\"{}\"{more}", objective.name);
    Expected { expr: firing(alert, &more), minutes, value }
}

/// A recorded ratio in millionths, as promtool compares exactly.
fn recorded(series: &str, objective: &Objective, minutes: u32, millionths: u32) -> Expected {
    let expr = format!(
        "sum(round({series}{{cutover_slo=\"{}\",cutover_side=\"all\"}} * 1e6))",
        objective.name
    );
    Expected { expr, minutes, value: Some(millionths) }
}
