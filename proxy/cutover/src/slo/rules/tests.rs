use crate::{
    config::document::{Latency, Route, Slo},
    slo::of_routes,
};

use super::*;

fn route(slo: Slo) -> Route {
    let text = r#"{ "id": "device-read", "group": "devices", "match": { "path": "/x" } }"#;
    Route { slo: Some(slo), ..serde_json::from_str(text).unwrap() }
}

fn rules(slo: Slo) -> Vec<Rule> {
    let making = Making {
        runbooks: "http://runbooks".into(),
        dashboards: "http://dashboards".into(),
        scale: Scale::REAL,
    };
    let route = route(slo);
    let objectives = of_routes([(&route, "devices-team")]);
    objectives.iter().flat_map(|objective| of_objective(objective, &making).rules).collect()
}

fn burns(rules: &[Rule]) -> Vec<(String, String)> {
    let label = |alert: &Alert, name: &str| {
        let found = alert.labels.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let alerts = rules.iter().filter_map(|rule| match rule {
        Rule::Alert(alert) if alert.alert == SLO_ERROR_BUDGET_BURN => {
            Some((label(alert, "severity"), label(alert, "window")))
        }
        _ => None,
    });
    alerts.collect()
}

fn pairs_of(text: &[(&str, &str)]) -> Vec<(String, String)> {
    text.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn four_windows_page_or_make_a_ticket() {
    let slo = Slo { availability: Some(99.9), ..Slo::default() };
    let expected = [("page", "1h"), ("page", "6h"), ("ticket", "1d"), ("ticket", "3d")];
    assert_eq!(burns(&rules(slo)), pairs_of(&expected));
}

#[test]
fn what_can_never_burn_so_fast_has_no_alert() {
    let latency = Some(Latency { target: 90.0, under_ms: 300 });
    let rules = rules(Slo { latency, ..Slo::default() });
    assert_eq!(burns(&rules), pairs_of(&[("page", "6h"), ("ticket", "1d"), ("ticket", "3d")]));
}

#[test]
fn nothing_is_recorded_twice() {
    let latency = Some(Latency { target: 95.0, under_ms: 1000 });
    let rules = rules(Slo { availability: Some(99.9), latency, ..Slo::default() });
    let mut names: Vec<_> = rules
        .iter()
        .filter_map(|rule| match rule {
            Rule::Record { record, labels, .. } => Some((record.clone(), labels.clone())),
            Rule::Alert(_) => None,
        })
        .collect();
    let before = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), before);
}
