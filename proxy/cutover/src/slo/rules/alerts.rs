//! Alerts of one objective.

use std::time::Duration;

use super::{
    Alert, ERROR_BUDGET_EXHAUSTED, Making, Pairs, SLO_ERROR_BUDGET_BURN, SLO_METRIC_ABSENT, labels,
};
use crate::slo::{
    BurnPair, Objective,
    windows::{number, seconds},
};

/// Its value is how long a whole budget lasts at the present pace, in seconds: what people ask
/// for, and templates cannot compute.
pub(super) fn burn(objective: &Objective, pair: BurnPair, making: &Making) -> Alert {
    let Objective { name, budget, period_days, min_bad_events, .. } = objective;
    let BurnPair { severity, long, short, .. } = pair;
    let (limit, of) = (pair.limit(*budget), format!("{{cutover_slo=\"{name}\"}}"));
    let lasts = number(f64::from(*period_days) * seconds("1d") as f64 * budget);
    let expr = format!(
        "{lasts} / (\n  \
         slo:sli_error:ratio_rate{long}{of} > {limit}\n  \
         and slo:sli_error:ratio_rate{short}{of} > {limit}\n  \
         and slo:bad_events:increase{long}{of} >= {min_bad_events}\n)"
    );
    let summary = format!(
        "Not kept: {}{}. At this pace the budget of {period_days} days is gone in {{{{ $value | humanizeDuration }}}}",
        objective.title,
        of_side(objective)
    );
    Alert {
        alert: SLO_ERROR_BUDGET_BURN.into(),
        expr,
        hold: None,
        labels: alert_labels(objective, severity.as_str(), long),
        annotations: annotations(objective, &objective.runbook, summary, making),
    }
}

pub(super) fn exhausted(objective: &Objective, making: &Making) -> Alert {
    let Objective { name, period_days, min_bad_events, .. } = objective;
    let of = format!("{{cutover_slo=\"{name}\"}}");
    let expr = format!(
        "slo:period_error_budget_remaining:ratio{of} <= 0\n\
         and slo:bad_events:increase{period_days}d{of} >= {min_bad_events}"
    );
    let summary = format!(
        "The error budget of {period_days} days is spent: {}{}, was promised",
        objective.title,
        of_side(objective)
    );
    let window = format!("{period_days}d");
    Alert {
        alert: ERROR_BUDGET_EXHAUSTED.into(),
        expr,
        hold: None,
        labels: alert_labels(objective, "ticket", &window),
        annotations: annotations(objective, ERROR_BUDGET_EXHAUSTED, summary, making),
    }
}

pub(super) fn absent(objective: &Objective, making: &Making) -> Alert {
    let expr = match (&objective.route, &objective.journey) {
        (Some(route), _) => format!("absent(cutover_route_info{{cutover_route=\"{route}\"}})"),
        (None, Some(journey)) => format!("absent(cutover_journey_total{{journey=\"{journey}\"}})"),
        (None, None) => "absent(cutover_build_info)".to_owned(),
    };
    let summary = format!("Nobody measures whether {}", objective.title);
    let mut labels = alert_labels(objective, "ticket", "5m");
    labels.push(("cutover_side", "all".into()));
    Alert {
        alert: SLO_METRIC_ABSENT.into(),
        expr,
        hold: Some(making.scale.duration(Duration::from_secs(300))),
        labels,
        annotations: annotations(objective, SLO_METRIC_ABSENT, summary, making),
    }
}

/// `cutover_side` comes with the series.
fn alert_labels(objective: &Objective, severity: &str, window: &str) -> Pairs {
    let mut labels = labels(objective, None);
    labels.extend([("severity", severity.to_owned()), ("window", window.to_owned())]);
    labels
}

fn annotations(objective: &Objective, runbook: &str, summary: String, making: &Making) -> Pairs {
    let page = match (&objective.route, &objective.journey) {
        (Some(route), _) => &*format!("routes/{route}"),
        (None, Some(_)) => "journeys",
        (None, None) => "slos",
    };
    vec![
        ("summary", summary),
        ("mitigation", mitigation(objective)),
        ("runbook_url", format!("{}/{runbook}", making.runbooks)),
        ("dashboard_url", format!("{}/{page}", making.dashboards)),
    ]
}

/// Moving the route back helps unless it is legacy that fails.
fn mitigation(objective: &Objective) -> String {
    if let Some(journey) = &objective.journey {
        return format!("cutover journey show {journey}");
    }
    let Some(route) = &objective.route else { return "cutover status".into() };
    let back = format!("cutover rollback {route} --reason \"alert {}\" --wait", objective.name);
    format!(
        "{{{{ if eq $labels.cutover_side \"legacy\" }}}}cutover status {route}{{{{ else }}}}{back}{{{{ end }}}}"
    )
}

/// Which side's promise, in the summary's middle.
fn of_side(objective: &Objective) -> &'static str {
    match objective.sides {
        Some(_) => {
            "{{ if ne $labels.cutover_side \"all\" }}, of those that {{ $labels.cutover_side }} is to serve{{ end }}"
        }
        None => "",
    }
}
