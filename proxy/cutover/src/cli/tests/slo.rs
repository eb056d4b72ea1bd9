//! `cutover slo`: files that are committed, and OpenSLO files that are read.

use expect_test::expect_file;

use super::*;

const ROUTES: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata:
  name: device-read-availability
  displayName: Device reads succeed
  labels: {team: [devices]}
  annotations:
    cutover.dev/route: device-read
    cutover.dev/gate: "budget_remaining >= 0.25"
spec:
  service: device-read
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    metadata: {name: device-read-availability-sli}
    spec:
      ratioMetric:
        counter: true
        bad:   {metricSource: {type: Prometheus, spec: {query: 'sum(rate(cutover_requests_total{cutover_route="device-read",outcome=~"error|timeout"}[{{.window}}]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(cutover_requests_total{cutover_route="device-read"}[{{.window}}]))'}}}
  objectives: [{displayName: availability, target: 0.999}]
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: device-read-latency
  annotations: {cutover.dev/route: device-read}
spec:
  service: device-read
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        bad:   {metricSource: {type: Prometheus, spec: {query: 'sum(rate(cutover_request_duration_seconds_count{cutover_route="device-read"}[{{.window}}])) - sum(rate(cutover_request_duration_seconds_bucket{cutover_route="device-read",le="0.25"}[{{.window}}]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(cutover_request_duration_seconds_count{cutover_route="device-read"}[{{.window}}]))'}}}
  objectives: [{targetPercent: 95}]
"#;

fn import(text: &str, more: &[&str]) -> (tempfile::TempDir, Said) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slo.yaml");
    fs::write(&path, text).unwrap();
    let keep = dir.path().join("slos");
    let more = more.iter().map(|arg| arg.replace("SLOS", &keep.display().to_string()));
    let args = ["slo", "import"].map(str::to_owned).into_iter().chain([path.display().to_string()]);
    let said = cutover(args.chain(more));
    (dir, said)
}

fn check_import(text: &str, more: &[&str], expected: Expect) {
    let (dir, said) = import(text, more);
    said.check(dir.path(), expected);
}

/// What holds of the committed files; `UPDATE_EXPECT=1` makes them anew.
#[test]
fn committed_rules_are_what_the_example_makes() {
    let dir = tempfile::tempdir().unwrap();
    let (example, out) = (example("teams"), dir.path().to_owned());
    let said = cutover(["slo", "rules", "--config"].map(Into::into).into_iter().chain([
        example.into_os_string(),
        "--out".into(),
        out.clone().into_os_string(),
    ]));
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    let made = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    expect_file!["../../../../../dashboards/rules/objectives.yaml"]
        .assert_eq(&made("objectives.yaml"));
    expect_file!["../../../../../dashboards/rules/objectives_test.yaml"]
        .assert_eq(&made("objectives_test.yaml"));
    expect_file!["../../../../../dashboards/rules/process.yaml"].assert_eq(&made("process.yaml"));
    expect_file!["../../../../../dashboards/rules/process_test.yaml"]
        .assert_eq(&made("process_test.yaml"));
}

#[test]
fn shortened_rules_come_without_tests() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().display().to_string();
    let config = example("teams").display().to_string();
    let said = cutover(["slo", "rules", "-c", &config, "--scale", "60", "--out", &out]);
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    let rules = fs::read_to_string(dir.path().join("objectives.yaml")).unwrap();
    assert!(rules.contains("[5s]") && rules.contains("[12h]") && !rules.contains("[5m]"));
}

#[test]
fn objectives_of_a_route_become_its_slo() {
    check_import(
        ROUTES,
        &[],
        expect![[r##"
        # into the route `device-read`
        slo = { availability = 99.9, latency = { target = 95.0, under_ms = 250 } }
        --- stderr
        warning[no_effect]: `cutover.dev/gate` has no effect
         --> DIR/slo.yaml:9:23
          |
        9 |     cutover.dev/gate: "budget_remaining >= 0.25"
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: use cutover.dev/route, cutover.dev/min-bad-events or cutover.dev/runbook

        --- exit 0
    "##]],
    );
}

#[test]
fn what_is_no_routes_own_is_kept() {
    let own = ROUTES.split("---\n").next().unwrap().replace("30d", "28d");
    check_import(
        &own,
        &[],
        expect![[r#"
        --- stderr
        warning[no_effect]: `cutover.dev/gate` has no effect
         --> DIR/slo.yaml:9:23
          |
        9 |     cutover.dev/gate: "budget_remaining >= 0.25"
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: use cutover.dev/route, cutover.dev/min-bad-events or cutover.dev/runbook

        no route's own: device-read-availability
          = help: keep the file with --keep slos/, and name it in cutover.toml: slos = ["slos/*.yaml"]
        --- exit 0
    "#]],
    );
    let (dir, said) = import(&own, &["--keep", "SLOS"]);
    said.check(
        dir.path(),
        expect![[r#"
        DIR/slos/slo.yaml
        --- stderr
        warning[no_effect]: `cutover.dev/gate` has no effect
         --> DIR/slo.yaml:9:23
          |
        9 |     cutover.dev/gate: "budget_remaining >= 0.25"
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: use cutover.dev/route, cutover.dev/min-bad-events or cutover.dev/runbook

        --- exit 0
    "#]],
    );
    assert_eq!(fs::read_to_string(dir.path().join("slos/slo.yaml")).unwrap(), own);
}

#[test]
fn a_routes_own_is_not_kept_twice() {
    check_import(
        ROUTES,
        &["--keep", "SLOS"],
        expect![[r#"
        --- stderr
        warning[no_effect]: `cutover.dev/gate` has no effect
         --> DIR/slo.yaml:9:23
          |
        9 |     cutover.dev/gate: "budget_remaining >= 0.25"
          |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: use cutover.dev/route, cutover.dev/min-bad-events or cutover.dev/runbook

        error[slo_conflict]: the file has objectives of routes, which belong into the routes' own `slo`
          = help: split it, and keep the rest
        --- exit 1
    "#]],
    );
}

#[test]
fn no_yaml() {
    check_import(
        "apiVersion: [",
        &[],
        expect![[r#"
        --- stderr
        error[slo_file]: expected string scalar at line 1, column 13
         --> DIR/slo.yaml:1:13
          |
        1 | apiVersion: [
          |             ^

        error[slo_file]: the file holds no objective that can be used
          = help: `cutover explain --code CODE` tells more about a code in brackets
        --- exit 78
    "#]],
    );
}
