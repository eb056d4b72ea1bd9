//! Situations of an objective of a file. What its queries count nobody can tell, so what they
//! record is given, and what becomes of that is tested.

use super::{
    Case, Expected,
    objective::{expect, silent},
};
use crate::slo::{
    Objective, pairs,
    rules::{ERROR_BUDGET_EXHAUSTED, SLO_ERROR_BUDGET_BURN, SLO_METRIC_ABSENT},
    windows::WINDOWS,
};

pub(super) fn cases(objective: &Objective) -> Vec<Case> {
    let enough = objective.min_bad_events;
    let case = |what: &str, series, expected| Case {
        name: format!("{}: {what}", objective.name),
        series,
        expected,
    };
    let silence = |more| silent(SLO_ERROR_BUDGET_BURN, objective, more, 60);
    let kept = vec![silence(""), silent(ERROR_BUDGET_EXHAUSTED, objective, "", 60)];
    vec![
        case("kept", recorded(objective, |_| 0, 0), kept),
        case("everything fails", recorded(objective, |_| 1, enough), fires(objective)),
        case(
            "failed, and recovered",
            recorded(objective, |window| u32::from(window != "5m"), enough),
            vec![silence(",window=\"1h\"")],
        ),
        case(
            "fewer errors than are enough",
            recorded(objective, |_| 1, enough.saturating_sub(1)),
            vec![silence("")],
        ),
        case(
            "idle",
            vec![present(objective)],
            vec![silent(SLO_METRIC_ABSENT, objective, "", 20), silence("")],
        ),
        case("blind", Vec::new(), vec![expect(SLO_METRIC_ABSENT, objective, "", 20, Some(1))]),
    ]
}

/// Every alert that this objective can have.
fn fires(objective: &Objective) -> Vec<Expected> {
    let burns = pairs(objective.period_days)
        .filter(|pair| pair.is_reachable(objective.budget))
        .map(|pair| format!(",window=\"{}\"", pair.long))
        .map(|window| expect(SLO_ERROR_BUDGET_BURN, objective, &window, 60, Some(1)));
    burns.chain([expect(ERROR_BUDGET_EXHAUSTED, objective, "", 60, Some(1))]).collect()
}

/// What an hour leaves behind: the ratio in each window, the bad events in each long one, and one
/// event a second, as good as the ratio of the shortest window says.
fn recorded(
    objective: &Objective,
    ratio: impl Fn(&str) -> u32,
    bad_events: u32,
) -> Vec<(String, String)> {
    let given = |name: String, value: u32| {
        let slo = &objective.name;
        (format!("{name}{{cutover_slo=\"{slo}\",cutover_side=\"all\"}}"), format!("{value}x60"))
    };
    let ratios = WINDOWS
        .iter()
        .map(|window| given(format!("slo:sli_error:ratio_rate{window}"), ratio(window)));
    let increases = pairs(objective.period_days)
        .map(|pair| given(format!("slo:bad_events:increase{}", pair.long), bad_events));
    let rates = [
        given("slo:bad_events:rate5m".into(), ratio("5m")),
        given("slo:total_events:rate5m".into(), 1),
    ];
    ratios.chain(increases).chain(rates).chain([present(objective)]).collect()
}

/// What says that somebody measures.
fn present(objective: &Objective) -> (String, String) {
    let series = match &objective.route {
        Some(route) => format!("cutover_route_info{{cutover_route=\"{route}\"}}"),
        None => "cutover_build_info".to_owned(),
    };
    (series, "1x60".to_owned())
}
