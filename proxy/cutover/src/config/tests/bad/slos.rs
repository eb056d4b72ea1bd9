//! OpenSLO files that `slos` names, beside routes' own objectives.

use super::*;

const FILE: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata:
  name: fleet
spec:
  service: fleet
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        bad: {metricSource: {spec: {query: 'sum(rate(bad_total[{{.window}}]))'}}}
        total: {metricSource: {spec: {query: 'sum(rate(all_total[{{.window}}]))'}}}
  objectives: [{target: 0.99}]
"#;

fn slos(from: &str, to: &str, expected: Expect) {
    assert!(FILE.contains(from), "{from:?} is not in the file");
    let process = format!("slos = [\"slos/*.yaml\"]\n{PROCESS}");
    let team = format!("{TEAM}slo = {{ availability = 99.9 }}\n");
    let texts = [
        ("cutover.toml", process),
        ("routes/devices.toml", team),
        ("slos/fleet.yaml", FILE.replacen(from, to, 1)),
    ];
    let texts = texts.map(|(path, text)| (path.to_owned(), text));
    let loaded =
        load_texts(Path::new("cutover.toml"), &texts, &Environment::default(), Depth::Whole);
    let names = loaded.config.as_ref().map(|config| {
        config.objectives.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
    });
    let names = names.unwrap_or("refused".to_owned());
    expected.assert_eq(&format!("{names}\n{}\n", loaded.render(false)));
}

#[test]
fn objectives_of_files_stand_behind_those_of_routes() {
    slos(
        "fleet",
        "fleet",
        expect![[r#"
        device-read-availability, fleet

    "#]],
    );
}

#[test]
fn a_name_that_a_route_has() {
    slos(
        "name: fleet",
        "name: device-read-availability",
        expect![[r#"
        refused
        error[slo_conflict]: the objective `device-read-availability` is declared twice
          --> slos/fleet.yaml:4:9
           |
         4 |   name: device-read-availability
           |         ^^^^^^^^^^^^^^^^^^^^^^^^
           |
          ::: routes/devices.toml:10:7
           |
        10 | slo = { availability = 99.9 }
           |       ----------------------- declared here first
           |
           = help: rename one of them; our own are called ROUTE-availability, ROUTE-latency, JOURNEY-journey
    "#]],
    );
}

#[test]
fn a_route_that_is_not_there() {
    let route = "name: fleet\n  annotations: {cutover.dev/route: device-reed}";
    slos(
        "name: fleet",
        route,
        expect![[r#"
        refused
        error[slo_conflict]: the objective `fleet` is about the route `device-reed`, which is not declared
         --> slos/fleet.yaml:4:9
          |
        4 |   name: fleet
          |         ^^^^^
          |
          = help: did you mean `device-read`?
    "#]],
    );
}

#[test]
fn a_threshold_that_is_no_bucket() {
    let bucket = r#"sum(rate(cutover_request_duration_seconds_bucket{le="0.3"}[{{.window}}]))"#;
    slos(
        "sum(rate(bad_total[{{.window}}]))",
        bucket,
        expect![[r#"
        refused
        error[slo_thresholds]: `fleet` counts below 0.3 s, where no bucket ends
         --> slos/fleet.yaml:4:9
          |
        4 |   name: fleet
          |         ^^^^^
          |
          = help: use a bound of the histogram, or declare the threshold as a route's `slo`
    "#]],
    );
}

#[test]
fn an_objective_too_low_to_burn_fast() {
    slos(
        "0.99",
        "0.9",
        expect![[r#"
        device-read-availability, fleet
        warning[slo_unreachable]: `fleet` can never burn 14.4 times too fast: even failing always does not
         --> slos/fleet.yaml:4:9
          |
        4 |   name: fleet
          |         ^^^^^ no alert looks at its last 1h
          |
          = help: raise the objective, or live with the slower alerts
    "#]],
    );
}

#[test]
fn a_flaw_of_the_file() {
    slos(
        "0.99",
        "1.5",
        expect![[r#"
        refused
        error[slo_objective]: a target lies above 0 and below 1 (`targetPercent`: 100)
          --> slos/fleet.yaml:14:25
           |
        14 |   objectives: [{target: 1.5}]
           |                         ^^^
    "#]],
    );
}
