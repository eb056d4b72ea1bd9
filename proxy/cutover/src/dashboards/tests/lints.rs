//! The rules of Grafana's dashboard-linter, as its documentation states them, and two of ours.
//! Whether a query is right PromQL is for Prometheus to say: tests/e2e asks it.

use serde_json::Value;

use super::{
    super::{grafana::VariableQuery, promql::selectors},
    *,
};

/// Fails with all complaints at once.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Prometheus's own series and recorded ones have no process of ours behind them: rules sum it up.
fn is_of_a_process(metric: &str) -> bool {
    !metric.contains(':') && metric != "ALERTS"
}

#[test]
fn template_datasource_job_instance() {
    for file in all(HERE) {
        let variables = &file.dashboard.templating.list;
        let sources: Vec<_> = variables.iter().filter(|it| it.kind == "datasource").collect();
        assert!(matches!(&sources[..], [one] if one.name == "datasource"), "{}", file.name);
        assert_eq!(sources[0].label, "Data source");
        for name in ["job", "instance"] {
            let variable = variables.iter().find(|it| it.name == name).expect(name);
            assert_eq!(variable.label.to_lowercase(), name);
            assert!(variable.multi && variable.include_all, "{}: {name}", file.name);
            assert_eq!(variable.all_value, Some(".+"));
        }
        for variable in variables.iter().filter(|it| it.kind == "query") {
            // template-label-promql, template-on-time-change-reload
            let VariableQuery::Labels { query, .. } = &variable.query else {
                panic!("{}: {} asks nothing", file.name, variable.name)
            };
            assert!(query.starts_with("label_values("), "{query}");
            assert_eq!(variable.refresh, 2, "{}: {}", file.name, variable.name);
            assert_eq!(variable.datasource.as_ref().map(|it| it.uid), Some("${datasource}"));
        }
    }
}

#[test]
fn panel_datasource_title_description_units_targets() {
    let mut complaints = Vec::new();
    for file in all(HERE) {
        for panel in panels(&file) {
            let mut complain = |what: &str| {
                complaints.push(format!("{}: {}: {what}", file.name, panel.title));
            };
            let sources = panel.targets.iter().map(|target| &target.datasource);
            if sources.chain([&panel.datasource]).any(|source| source.uid != "${datasource}") {
                complain("has a data source of its own");
            }
            if panel.title.is_empty() || panel.description.len() < 10 {
                complain("says too little");
            }
            if !panel.description.contains(['.', ';']) {
                complain("its description is no sentence");
            }
            if panel.field_config.defaults.unit.is_empty() {
                complain("has no unit");
            }
            if panel.targets.is_empty() {
                complain("asks nothing");
            }
        }
    }
    none(complaints);
}

#[test]
fn target_job_and_instance() {
    let files = all(HERE);
    let mut complaints = Vec::new();
    for (place, target) in targets(&files) {
        for selector in selectors(&target.expr) {
            for label in ["job", "instance"] {
                let is_chosen = selector.has(label, "=~", &format!("${label}"));
                if is_of_a_process(&selector.metric) && !is_chosen {
                    complaints.push(format!("{place}: {} lacks {label}", selector.series()));
                }
            }
        }
    }
    none(complaints);
}

#[test]
fn target_rate_interval() {
    let files = all(HERE);
    let mut complaints = Vec::new();
    for (place, target) in targets(&files) {
        for selector in selectors(&target.expr) {
            let may = match selector.function.as_deref() {
                Some("rate" | "irate") => &["$__rate_interval"][..],
                Some("increase") => &["$__rate_interval", "$__range"],
                _ => continue,
            };
            let range = selector.range.as_deref().unwrap_or_default();
            if !may.contains(&range) {
                complaints.push(format!("{place}: over {range:?}, not {may:?}"));
            }
        }
    }
    none(complaints);
}

#[test]
fn target_counter_agg() {
    let files = all(HERE);
    let mut complaints = Vec::new();
    for (place, target) in targets(&files) {
        for selector in selectors(&target.expr) {
            let counts = ["_total", "_bucket", "_count", "_sum"];
            let is_counter = counts.iter().any(|end| selector.metric.ends_with(end));
            let function = selector.function.as_deref();
            if is_counter && !matches!(function, Some("rate" | "irate" | "increase")) {
                complaints.push(format!("{place}: {} as it is", selector.metric));
            }
        }
    }
    none(complaints);
}

#[test]
fn uneditable_dashboard_and_what_all_have() {
    for File { name, dashboard } in all(HERE) {
        assert!(!dashboard.editable, "{name}");
        assert_eq!((dashboard.refresh, dashboard.time.from), ("10s", "now-1h"), "{name}");
        assert_eq!(dashboard.tags, ["cutover"], "{name}");
        let mut others = dashboard.links.iter().filter(|link| link.kind == "dashboards");
        assert!(others.all(|link| link.include_vars && link.keep_time), "{name}");
        assert_eq!(dashboard.links.len(), 2, "{name}: the other dashboards, and the console");
        assert!(!dashboard.annotations.list.is_empty(), "{name}");
    }
}

#[test]
fn legacy_is_blue_and_new_is_orange() {
    for file in all(HERE) {
        for panel in panels(&file).into_iter().filter(|panel| panel.kind == "timeseries") {
            let shows_sides = panel.targets.iter().any(|target| {
                let legend = target.legend_format;
                let is_side = ["{{cutover_side}}", "{{side}}", "legacy", "new"];
                is_side.iter().any(|start| legend.starts_with(start))
            });
            for (side, colour) in [("/^legacy/", "blue"), ("/^new/", "orange")] {
                let given = panel.field_config.overrides.iter().any(|change| {
                    let property = &change.properties[0];
                    let is_colour = property.value.get("fixedColor").and_then(Value::as_str);
                    change.matcher.options == side && is_colour == Some(colour)
                });
                assert_eq!(given, shows_sides, "{}: {}: {side}", file.name, panel.title);
            }
        }
    }
}

#[test]
fn no_other_thing_is_blue_or_orange() {
    for file in all(HERE) {
        for panel in panels(&file) {
            let defaults = &panel.field_config.defaults;
            let steps = defaults.thresholds.iter().flat_map(|thresholds| &thresholds.steps);
            for step in steps {
                let is_side = step.color.contains("blue") || step.color.contains("orange");
                assert!(!is_side, "{}: {}: {}", file.name, panel.title, step.color);
            }
        }
    }
}
