use super::*;

fn route(slo: Slo) -> Route {
    let text = r#"{ "id": "device-read", "group": "devices", "match": { "path": "/x" } }"#;
    Route { slo: Some(slo), ..serde_json::from_str(text).unwrap() }
}

#[test]
fn budgets_have_no_dust() {
    assert_eq!(budget(99.9), 0.001);
    assert_eq!(budget(99.99), 0.0001);
    assert_eq!(budget(95.0), 0.05);
}

#[test]
fn a_routes_objectives_are_its_slo_again() {
    let latency = Some(Latency { target: 95.0, under_ms: 300 });
    let route =
        route(Slo { availability: Some(99.95), latency: latency.clone(), ..Slo::default() });
    let objectives = of_routes([(&route, "devices-team")]);
    let back: Vec<_> = objectives.iter().filter_map(Objective::as_route_slo).collect();
    let availability = Slo { availability: Some(99.95), ..Slo::default() };
    let latency = Slo { latency, ..Slo::default() };
    assert_eq!(back, [("device-read", availability), ("device-read", latency)]);
}

#[test]
fn bounds_are_written_as_the_metrics_are() {
    assert_eq!(
        (bound(300), bound(1000), bound(10_000)),
        ("0.3".into(), "1.0".into(), "10.0".into())
    );
}

#[test]
fn white_space_makes_no_other_query() {
    assert!(same_query("sum (rate(a[5m]))", "sum(rate(a[5m]))\n"));
    assert!(!same_query("sum(rate(a[5m]))", "sum(rate(b[5m]))"));
}
