use super::Metrics;

const TEXT: &str = "\
# HELP cutover_requests Requests.
# TYPE cutover_requests counter
cutover_requests_total{route=\"a\",side=\"new\"} 3
cutover_requests_total{route=\"a\",side=\"legacy\"} 4 # {trace_id=\"00\"} 1.0
cutover_requests_total{route=\"b\",side=\"new\"} 5
d_bucket{le=\"1.0\"} 2
d_bucket{le=\"2.0\"} 4
d_bucket{le=\"+Inf\"} 4
up 1
";

#[test]
fn sums_over_the_labels_left_open() {
    let metrics = Metrics::parse(TEXT);
    assert_eq!(metrics.sum("cutover_requests_total", &[("route", "a")]), 7.0);
    assert_eq!(metrics.sum("cutover_requests_total", &[("side", "new")]), 8.0);
    assert_eq!(metrics.sum("cutover_requests_total", &[("side", "none")]), 0.0);
    assert_eq!(metrics.sum("up", &[]), 1.0);
}

#[test]
fn quantiles_interpolate_within_a_bucket() {
    let metrics = Metrics::parse(TEXT);
    assert_eq!(metrics.quantile("d", &[], 0.5), Some(1.0));
    assert_eq!(metrics.quantile("d", &[], 0.75), Some(1.5));
    assert_eq!(metrics.quantile("d", &[], 1.0), Some(2.0));
    assert_eq!(metrics.quantile("e", &[], 0.5), None);
}
