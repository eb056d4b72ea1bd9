use expect_test::{Expect, expect};

use super::*;

const SLO: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata:
  name: door-to-push
  displayName: 99 % of doors that open are told within 2 s.
  labels: {team: [events-team]}
  annotations: {cutover.dev/min-bad-events: "5"}
spec:
  service: notifications
  description: From the door's message to the push.
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:  {metricSource: {type: Prometheus, spec: {query: 'sum(rate(j_total{result="good"}[{{.window}}]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(j_total[{{.window}}]))'}}}
  objectives: [{target: 0.99}]
"#;

/// Flaws of the file after a change, each with the text that it is about.
fn check(from: &str, to: &str, expected: Expect) {
    assert!(SLO.contains(from), "{from:?} is not in the file");
    let text = SLO.replacen(from, to, 1);
    let flaws = parse(&text).expect_err("the change is a mistake");
    let told = flaws.iter().map(|flaw| {
        let hint = flaw.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}: {}{hint} at {:?}\n", flaw.code, flaw.message, &text[flaw.at.clone()])
    });
    expected.assert_eq(&told.collect::<String>());
}

#[test]
fn a_file_becomes_an_objective() {
    let parsed = parse(SLO).unwrap();
    let [Parsed { objective, at, notes }] = parsed.as_slice() else { panic!("{parsed:?}") };
    assert_eq!((&SLO[at.clone()], notes.len()), ("door-to-push", 0));
    assert_eq!(objective.title, "99 % of doors that open are told within 2 s");
    assert_eq!((objective.budget, objective.period_days), (0.01, 30));
    assert_eq!((objective.min_bad_events, objective.owner.as_str()), (5, "events-team"));
    assert_eq!(
        objective.users.bad,
        r#"(sum(rate(j_total[{{.window}}]))) - (sum(rate(j_total{result="good"}[{{.window}}])))"#
    );
}

#[test]
fn an_annotation_of_ours_that_is_unknown_is_told() {
    let text = SLO.replace("{cutover.dev/min", "{cutover.dev/gate: x, cutover.dev/min");
    assert_eq!(parse(&text).unwrap()[0].notes[0].message, "`cutover.dev/gate` has no effect");
}

#[test]
fn version_and_kind() {
    check(
        "openslo/v1",
        "openslo/v1alpha",
        expect![[r#"
        slo_file: `openslo/v1alpha` is no version that is understood (write `openslo/v1`) at "openslo/v1alpha"
    "#]],
    );
    check(
        "kind: SLO",
        "kind: Service",
        expect![[r#"
        slo_unsupported: a document of kind `Service` is not read (keep documents of kind `SLO` here, with the indicator inside) at "Service"
    "#]],
    );
}

#[test]
fn names_and_descriptions() {
    check(
        "door-to-push",
        "Door_to_push",
        expect![[r#"
        slo_file: `Door_to_push` is no DNS label (use 1 to 63 characters of a-z, 0-9 and -, none of them - at either end) at "Door_to_push"
    "#]],
    );
    let long = "x".repeat(1051);
    let text = SLO.replace("From the door's message to the push.", &long);
    assert_eq!(
        parse(&text).unwrap_err()[0].message,
        "the description is longer than 1050 characters"
    );
}

#[test]
fn indicators() {
    check(
        "  indicator:\n",
        "  indicatorRef: x\n  indicator:\n",
        expect![[r#"
        slo_file: `indicator` and `indicatorRef` exclude each other at ""
    "#]],
    );
    check(
        "        good:",
        "        bad:  {metricSource: {spec: {query: 'rate(x[{{.window}}])'}}}\n        good:",
        expect![[r#"
        slo_file: a ratio has one of `good` and `bad`, beside `total` at ""
    "#]],
    );
    check(
        "        total:",
        "        raw:",
        expect![[r#"
        slo_file: `raw` goes with `rawType` and without `good`, `bad` and `total` at ""
    "#]],
    );
    check(
        "counter: true",
        "counter: false",
        expect![[r#"
        slo_unsupported: events that do not come from counters cannot be added up at ""
    "#]],
    );
    check(
        "type: Prometheus",
        "type: Datadog",
        expect![[r#"
        slo_unsupported: metrics of `Datadog` are not asked at "Datadog"
    "#]],
    );
    check(
        "sum(rate(j_total[{{.window}}]))",
        "sum(rate(j_total[5m]))",
        expect![[r#"
        slo_file: the query does not count over `[{{.window}}]` (write it like sum(rate(name_total{...}[{{.window}}]))) at "'sum(rate(j_total[5m]))'"
    "#]],
    );
}

#[test]
fn windows_and_methods() {
    check(
        "duration: 30d",
        "duration: 1M",
        expect![[r#"
        slo_file: `1M` is no period from 7 to 90 days (write it in days or weeks, like 30d or 4w) at "1M"
    "#]],
    );
    check(
        "isRolling: true",
        "isRolling: false",
        expect![[r#"
        slo_file: a window has a `calendar` if and only if it does not roll at "30d"
    "#]],
    );
    check(
        "isRolling: true}",
        "isRolling: false, calendar: {startTime: x}}",
        expect![[r#"
        slo_unsupported: budgets of calendar months are not kept (use a rolling window, like 30d) at "30d"
    "#]],
    );
    check(
        "Occurrences",
        "Timeslices",
        expect![[r#"
        slo_unsupported: the budgeting method `Timeslices` is not computed (use `Occurrences`: each event counts) at "Timeslices"
    "#]],
    );
    check(
        "Occurrences",
        "occurrences",
        expect![[r#"
        slo_file: `occurrences` is no budgeting method (use `Occurrences`) at "occurrences"
    "#]],
    );
}

#[test]
fn objectives() {
    check(
        "{target: 0.99}",
        "{target: 0.99}, {target: 0.9}",
        expect![[r#"
        slo_unsupported: an SLO has one objective here (make a document of each) at "["
    "#]],
    );
    check(
        "{target: 0.99}",
        "{target: 1}",
        expect![[r#"
        slo_objective: a target lies above 0 and below 1 (`targetPercent`: 100) at "1"
    "#]],
    );
    check(
        "{target: 0.99}",
        "{target: 0.99, targetPercent: 99}",
        expect![[r#"
        slo_file: an objective has one of `target` and `targetPercent` at "["
    "#]],
    );
    check(
        "{target: 0.99}",
        "{target: 0.99, op: lte, value: 2}",
        expect![[r#"
        slo_file: `op` and `value` belong to a `thresholdMetric` at "lte"
    "#]],
    );
}

#[test]
fn what_is_no_openslo() {
    check(
        "  service: notifications\n",
        "",
        expect![[r#"
        slo_file: missing field `service` at line 18, column 3 at "objectives"
    "#]],
    );
    check(
        "  service:",
        "  servcie:",
        expect![[r#"
        slo_file: unknown field `servcie`, expected one of description, service, indicator, indicatorRef, timeWindow, budgetingMethod, objectives, alertPolicies at line 9, column 3 at "servcie"
    "#]],
    );
    check(
        "openslo/v1\n",
        "openslo/v1\n  x: [",
        expect![[r#"
        slo_file: mapping values are not allowed in this context at line 2, column 4 at ""
    "#]],
    );
}
