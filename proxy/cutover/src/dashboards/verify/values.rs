//! What stands for a dashboard's variables.

use serde_json::Value;

use super::{Ask, Terms};
use crate::dashboards::grafana::{Variable, VariableQuery};

/// The variable without which there is no Cutover to be seen.
const JOB: &str = "job";

/// Values of variables, `$` and name first. Longer names come first, since one may begin as
/// another does.
#[derive(Debug)]
pub(super) struct Values(Vec<(String, String)>);

// === impl Values ===

impl Values {
    /// Asks for the values of `variables`, each with those before it filled in.
    pub(super) fn of(
        variables: &[Variable],
        prometheus: &dyn Ask,
        terms: Terms,
    ) -> Result<Values, String> {
        let mut values = Values(Vec::new());
        values.put("__rate_interval", seconds(terms.rate_seconds()));
        values.put("__interval", seconds(terms.step_seconds()));
        values.put("__range", seconds(terms.range.as_secs_f64()));
        for variable in variables {
            let VariableQuery::Labels { query, .. } = &variable.query else { continue };
            let call = values.fill(query);
            let found = labels(&call, prometheus, terms)
                .map_err(|why| format!("variable `{}`: {why}", variable.name))?;
            if found.is_empty() && variable.name == JOB {
                return Err(nobody(&call));
            }
            values.put(variable.name, any_of(&found));
        }
        Ok(values)
    }

    /// `text` with every variable replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        let Values(values) = self;
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn put(&mut self, name: &str, value: String) {
        self.0.push((format!("${name}"), value));
        self.0.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }
}

/// All values of `label_values(SELECTOR, LABEL)`.
fn labels(call: &str, prometheus: &dyn Ask, terms: Terms) -> Result<Vec<String>, String> {
    let inner = call.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (selector, label) = inner
        .and_then(|inner| inner.rsplit_once(", "))
        .ok_or_else(|| format!("`{call}` is no `label_values(SELECTOR, LABEL)`"))?;
    let query = [
        ("match[]", selector.to_owned()),
        ("start", terms.begin_seconds().to_string()),
        ("end", terms.now_seconds.to_string()),
    ];
    let found = prometheus.ask(&format!("/api/v1/label/{label}/values"), &query)?;
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(found.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// A regular expression of `values`. None is what a house has that declares no journey, say: then
/// everything, as Grafana takes "All".
fn any_of(values: &[String]) -> String {
    match values {
        [] => ".+".to_owned(),
        values => values.iter().map(|value| literal(value)).collect::<Vec<_>>().join("|"),
    }
}

fn nobody(call: &str) -> String {
    format!(
        "variable `{JOB}`: `{call}` gives no value: is this the Prometheus that scrapes Cutover?"
    )
}

/// A regular expression within a PromQL string that matches `text` alone.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            literal.push_str(r"\\");
        }
        literal.push(c);
    }
    literal
}

fn seconds(seconds: f64) -> String {
    format!("{}s", seconds.max(1.0).round())
}
