use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cutover_route: ConfigLabel,
    signal: Signal,
}

#[test]
fn labels_are_encoded_and_escaped() {
    let family = Family::<Labels, Counter>::default();
    let labels =
        Labels { cutover_route: ConfigLabel::from_config("read \"a\""), signal: Signal::Logs };
    family.get_or_create(&labels).inc();
    let mut registry = Registry::default();
    registry.register("requests", "Requests", family);
    let text = encode(&registry);
    assert!(
        text.contains(r#"requests_total{cutover_route="read \"a\"",signal="logs"} 1"#),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn own_series_are_there_from_the_start() {
    let mut registry = Registry::default();
    let metrics = TelemetryMetrics::new();
    metrics.register(&mut registry);
    register_build_info(&mut registry, "1.2.3");
    metrics.dropped(Signal::Traces, DropReason::Timeout, 3);
    let text = encode(&registry);
    for line in [
        r#"cutover_telemetry_dropped_total{signal="traces",reason="timeout"} 3"#,
        r#"cutover_telemetry_dropped_total{signal="traces",reason="queue_full"} 0"#,
        r#"cutover_telemetry_dropped_total{signal="logs",reason="queue_full"} 0"#,
        r#"cutover_telemetry_exported_total{signal="traces"} 0"#,
        "cutover_telemetry_queue_length 0",
        r#"cutover_build_info{version="1.2.3"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn thresholds_become_bounds_once_and_in_order() {
    let bounds = duration_seconds_with(&[0.3, 0.1, -1.0]);
    assert_eq!(bounds.len(), DURATION_SECONDS.len() + 1);
    assert!(bounds.is_sorted());
    assert!(bounds.contains(&0.3));
}
