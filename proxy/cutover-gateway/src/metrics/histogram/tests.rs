use prometheus_client::{encoding::text::encode, registry::Registry};

use super::*;

#[test]
fn buckets_are_inclusive_and_cumulated_in_text() {
    let histogram = Buckets::new(&[0.001, 0.01]).new_metric();
    for micros in [500, 1000, 1001, 20_000] {
        histogram.observe(Duration::from_micros(micros));
    }
    assert_eq!(histogram.counts(), [2, 1, 1]);
    let mut registry = Registry::default();
    registry.register("h", "help", histogram);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "h_sum 0.022501",
        "h_count 4",
        "h_bucket{le=\"0.001\"} 2",
        "h_bucket{le=\"0.01\"} 3",
        "h_bucket{le=\"+Inf\"} 4",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
    }
}
