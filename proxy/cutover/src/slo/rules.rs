//! Recording and alerting rules of objectives.
//!
//! Ratios are recorded over every window, so that an alert and a dashboard read the same number.
//! A side without requests has no ratio at all, instead of one that is not a number: nothing can
//! fire on it, and [`SLO_METRIC_ABSENT`] tells idle (the route is there, nobody asks) from blind
//! (the route is not there).

mod alerts;

use super::{
    objective::{Indicator, Objective},
    windows::{Scale, WINDOWS, number, pairs},
};

/// The budget burns too fast.
pub const SLO_ERROR_BUDGET_BURN: &str = "CutoverSLOErrorBudgetBurn";
/// The budget of the period is spent.
pub const ERROR_BUDGET_EXHAUSTED: &str = "CutoverErrorBudgetExhausted";
/// Nobody measures the objective.
pub const SLO_METRIC_ABSENT: &str = "CutoverSLOMetricAbsent";

/// Rules that Prometheus evaluates together, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Unique in a file.
    pub name: String,
    /// How often.
    pub interval: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A query's result under a name.
    Record {
        /// The name.
        record: String,
        /// The query.
        expr: String,
        /// Labels put on.
        labels: Pairs,
    },
    /// Something that somebody has to know.
    Alert(Alert),
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name, also its runbook's.
    pub alert: String,
    /// Fires where this gives a result.
    pub expr: String,
    /// For how long before it fires.
    pub hold: Option<String>,
    /// Labels put on.
    pub labels: Pairs,
    /// What people read.
    pub annotations: Pairs,
}

/// Names and values, in the order they are written.
pub type Pairs = Vec<(&'static str, String)>;

/// Where links of alerts lead, and by how much windows are shortened.
#[derive(Clone, Debug)]
pub struct Making {
    /// Runbooks lie below it, by the alert's name.
    pub runbooks: String,
    /// Dashboards lie below it: `routes/ROUTE` and `slos`.
    pub dashboards: String,
    /// Divides every window.
    pub scale: Scale,
}

/// The rules of one objective.
pub fn of_objective(objective: &Objective, making: &Making) -> Group {
    let scale = making.scale;
    let mut rules = recorded(objective, &objective.users, Some("all"), scale);
    if let Some(sides) = &objective.sides {
        rules.extend(recorded(objective, sides, None, scale));
    }
    rules.extend(constants(objective));
    rules.extend(derived(objective, scale));
    let reachable = pairs(objective.period_days).filter(|pair| pair.is_reachable(objective.budget));
    rules.extend(reachable.map(|pair| Rule::Alert(alerts::burn(objective, pair, making))));
    rules.push(Rule::Alert(alerts::exhausted(objective, making)));
    rules.push(Rule::Alert(alerts::absent(objective, making)));
    let interval = format!("{}s", scale.interval_seconds());
    Group { name: format!("cutover-slo-{}", objective.name), interval, rules }
}

/// Ratios over every window, and the counts that guards and budgets need.
fn recorded(
    objective: &Objective,
    indicator: &Indicator,
    side: Option<&str>,
    scale: Scale,
) -> Vec<Rule> {
    let labels = labels(objective, side);
    let record =
        |name: String, expr: String| Rule::Record { record: name, expr, labels: labels.clone() };
    let ratios = WINDOWS.iter().map(|window| {
        let (bad, total) = indicator.over(&scale.window(window));
        // Without a bad event ever there is no series of bad ones; the ratio is then 0.
        let ratio = format!("clamp_max(\n  (({bad}) or ({total}) * 0)\n/\n  (({total}) > 0)\n, 1)");
        record(format!("slo:sli_error:ratio_rate{window}"), ratio)
    });
    let (bad, total) = indicator.over(&scale.window("5m"));
    let per_second =
        if indicator.is_rate { "" } else { &*format!(" / {}", number(scale.seconds("5m"))) };
    let counts = [
        record("slo:bad_events:rate5m".into(), format!("(({bad}) or ({total}) * 0){per_second}")),
        record("slo:total_events:rate5m".into(), format!("({total}){per_second}")),
    ];
    let bad_events = pairs(objective.period_days).map(|pair| {
        let (bad, total) = indicator.over(&scale.window(pair.long));
        let window = if indicator.is_rate {
            &*format!(" * {}", number(scale.seconds(pair.long)))
        } else {
            ""
        };
        let increase = format!("(({bad}) or ({total}) * 0){window}");
        record(format!("slo:bad_events:increase{}", pair.long), increase)
    });
    ratios.chain(counts).chain(bad_events).collect()
}

/// What is promised, as series.
fn constants(objective: &Objective) -> Vec<Rule> {
    let labels = labels(objective, None);
    let record = |name: &str, value: String| Rule::Record {
        record: name.to_owned(),
        expr: format!("vector({value})"),
        labels: labels.clone(),
    };
    let info = [labels.clone(), vec![("cutover_owner", objective.owner.clone())]].concat();
    vec![
        record("slo:objective:ratio", number(1.0 - objective.budget)),
        record("slo:error_budget:ratio", number(objective.budget)),
        record("slo:time_period:days", objective.period_days.to_string()),
        Rule::Record { record: "slo:info".into(), expr: "vector(1)".into(), labels: info },
    ]
}

/// Burn rates and what is left. The period's ratio weighs events, not moments: a quiet night does
/// not make a bad day good.
fn derived(objective: &Objective, scale: Scale) -> Vec<Rule> {
    let Objective { name, budget, period_days, .. } = objective;
    let budget = number(*budget);
    let period = scale.window(&format!("{period_days}d"));
    let of = |series: &str| format!("{series}{{cutover_slo=\"{name}\"}}");
    // It is on the series already; without it here, rules of two objectives would look the same.
    let labels = vec![("cutover_slo", name.clone())];
    let record = |name: &str, expr: String| Rule::Record {
        record: name.to_owned(),
        expr,
        labels: labels.clone(),
    };
    let sum = |series: &str| format!("sum_over_time({}[{period}])", of(series));
    let ratio =
        format!("{}\n/\n({} > 0)", sum("slo:bad_events:rate5m"), sum("slo:total_events:rate5m"));
    let step = scale.interval_seconds();
    vec![
        record(&format!("slo:sli_error:ratio_rate{period_days}d"), ratio),
        record(
            &format!("slo:bad_events:increase{period_days}d"),
            format!("{} * {step}", sum("slo:bad_events:rate5m")),
        ),
        record(
            "slo:current_burn_rate:ratio",
            format!("{} / {budget}", of("slo:sli_error:ratio_rate5m")),
        ),
        record(
            "slo:period_burn_rate:ratio",
            format!("{} / {budget}", of(&format!("slo:sli_error:ratio_rate{period_days}d"))),
        ),
        record(
            "slo:period_error_budget_remaining:ratio",
            format!("1 - {}", of("slo:period_burn_rate:ratio")),
        ),
    ]
}

fn labels(objective: &Objective, side: Option<&str>) -> Pairs {
    let mut labels = vec![("cutover_slo", objective.name.clone())];
    labels.extend(objective.route.iter().map(|route| ("cutover_route", route.clone())));
    labels.extend(objective.journey.iter().map(|journey| ("journey", journey.clone())));
    labels.extend(side.map(|side| ("cutover_side", side.to_owned())));
    labels
}

#[cfg(test)]
mod tests;
