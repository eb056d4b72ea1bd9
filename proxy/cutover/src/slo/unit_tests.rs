//! promtool's unit tests of the rules, made with them: what has to fire does, what must not does
//! not.
//!
//! promtool compares floats exactly and alerts with every annotation, so tests count firing
//! alerts (`ALERTS`) instead of spelling them out.

mod custom;
mod objective;
mod process;

use std::fmt::Write;

use super::{
    Objective,
    yaml::{MADE, quoted},
};

/// One situation.
struct Case {
    name: String,
    /// Series and their values, a minute apart, in promtool's notation.
    series: Vec<(String, String)>,
    expected: Vec<Expected>,
}

/// What a query has to give.
struct Expected {
    expr: String,
    /// After so many minutes.
    minutes: u32,
    /// `None`: nothing.
    value: Option<u32>,
}

/// The tests of objectives; `rules` is the file of their rules, as promtool finds it.
pub fn of_objectives(rules: &str, objectives: &[Objective]) -> String {
    write(rules, objectives.iter().flat_map(objective::cases))
}

/// The tests of [`fixed`](super::fixed) alerts.
pub fn of_process(rules: &str) -> String {
    write(rules, process::cases())
}

fn write(rules: &str, cases: impl Iterator<Item = Case>) -> String {
    let mut text = format!("{MADE}rule_files:\n  - {rules}\nevaluation_interval: 1m\ntests:\n");
    for case in cases {
        case.write(&mut text);
    }
    text
}

/// Firing alerts, counted.
fn firing(alert: &str, more: &str) -> String {
    format!("count(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"{more}}})")
}

// === impl Case ===

impl Case {
    fn write(&self, text: &mut String) {
        let _ = writeln!(text, "  - name: {}\n    interval: 1m", quoted(&self.name));
        if self.series.is_empty() {
            text.push_str("    input_series: []\n");
        } else {
            text.push_str("    input_series:\n");
        }
        for (series, values) in &self.series {
            let _ = writeln!(text, "      - series: {}\n        values: {values}", quoted(series));
        }
        text.push_str("    promql_expr_test:\n");
        for Expected { expr, minutes, value } in &self.expected {
            let _ = writeln!(text, "      - expr: {}\n        eval_time: {minutes}m", quoted(expr));
            text.push_str(&match value {
                Some(value) => format!(
                    "        exp_samples:\n          - labels: '{{}}'\n            value: {value}\n"
                ),
                None => "        exp_samples: []\n".to_owned(),
            });
        }
    }
}
