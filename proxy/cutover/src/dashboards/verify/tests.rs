use std::cell::RefCell;

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::dashboards::{HERE, all};

/// A Prometheus that answers every query alike.
struct Always {
    /// Values of every label but `journey`.
    values: Value,
    journeys: Value,
    data: Result<Value, String>,
    asked: RefCell<Vec<String>>,
}

impl Always {
    fn new(data: Result<Value, String>) -> Always {
        let values = json!(["a.b", "c"]);
        Always { journeys: values.clone(), values, data, asked: RefCell::default() }
    }

    fn verify(&self) -> Result<Vec<Finding>, String> {
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        verify(&all(HERE), self, Terms { now_seconds: 1000.0, range: minute, scrape: second })
    }
}

impl Ask for Always {
    fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Value, String> {
        if path.ends_with("/journey/values") {
            return Ok(self.journeys.clone());
        }
        if path.ends_with("/values") {
            return Ok(self.values.clone());
        }
        if path.ends_with("/series") {
            return Ok(json!([]));
        }
        self.asked.borrow_mut().push(query[0].1.clone());
        self.data.clone()
    }
}

fn matrix(value: &str) -> Result<Value, String> {
    Ok(json!({
        "resultType": "matrix",
        "result": [{ "metric": {}, "values": [[940, "NaN"], [941, value]] }],
    }))
}

#[test]
fn every_variable_is_filled_in() {
    let prometheus = Always::new(matrix("1"));
    let findings = prometheus.verify().unwrap();
    assert!(findings.iter().all(|finding| finding.state == State::Ok));
    let asked = prometheus.asked.borrow();
    assert_eq!(asked.len(), findings.len());
    assert!(asked.len() > 80, "{}", asked.len());
    for query in &*asked {
        assert!(!query.contains('$') && !query.contains('@'), "{query}");
    }
    let rate = asked.iter().find(|query| query.contains("cutover_retries_total"));
    expect![[r#"sum(rate(cutover_retries_total{job=~"a\\.b|c",instance=~"a\\.b|c",cutover_route=~"a\\.b|c"}[4s]))"#]]
        .assert_eq(rate.unwrap());
}

#[test]
fn what_is_nowhere_a_number_is_empty() {
    let findings = Always::new(matrix("NaN")).verify().unwrap();
    let bad = findings.iter().filter(|finding| finding.state == State::Empty).count();
    let may = findings.iter().filter(|finding| finding.state == State::EmptyOk).count();
    assert!(bad > 60 && may > 5 && bad + may == findings.len(), "{bad} empty, {may} may be");
    let revision = findings.iter().find(|finding| finding.panel == "Now / Revision").unwrap();
    expect![[r#"no series cutover_revision{job=~"a\\.b|c",instance=~"a\\.b|c"}"#]]
        .assert_eq(revision.detail.as_deref().unwrap());
}

#[test]
fn a_refusal_is_told_even_where_nothing_is_wanted() {
    let findings = Always::new(Err("parse error".into())).verify().unwrap();
    let told = |finding: &Finding| finding.detail.as_deref() == Some("parse error");
    assert!(findings.iter().all(|finding| finding.state == State::Error && told(finding)));
}

#[test]
fn without_values_there_is_nothing_to_ask() {
    let prometheus = Always { values: json!([]), ..Always::new(matrix("1")) };
    let why = prometheus.verify().unwrap_err();
    expect![[r#"overview: variable `job`: `label_values(cutover_build_info, job)` gives no value: is this the Prometheus that scrapes Cutover?"#]]
        .assert_eq(&why);
    assert!(prometheus.asked.borrow().is_empty());
}

#[test]
fn a_house_without_journeys_is_asked_all_the_same() {
    let prometheus = Always { journeys: json!([]), ..Always::new(matrix("NaN")) };
    let findings = prometheus.verify().unwrap();
    let of_journeys = || findings.iter().filter(|finding| finding.dashboard == "journeys");
    assert!(of_journeys().all(|finding| finding.state == State::EmptyOk));
    let open = of_journeys().find(|finding| finding.panel == "Now / Open").unwrap();
    expect![[r#"sum(cutover_journey_open{job=~"a\\.b|c",instance=~"a\\.b|c",journey=~".+"})"#]]
        .assert_eq(&open.expr);
    assert_eq!(open.detail.as_deref(), Some("no journey is declared"));
}
