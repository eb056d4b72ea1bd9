use cutover_domain::Side;
use cutover_telemetry::metrics::encode;
use prometheus_client::registry::Registry;

use super::*;
use crate::metrics::{Durations, GatewayMetrics, RouteMetrics};

struct Gateway {
    registry: Registry,
    metrics: GatewayMetrics,
}

// === impl Gateway ===

impl Gateway {
    fn new() -> Gateway {
        let mut registry = Registry::default();
        let metrics = GatewayMetrics::register(&mut registry);
        Gateway { registry, metrics }
    }

    fn route(&self, id: &str) -> Arc<Durations> {
        Durations::new(&self.metrics.routes.durations, id)
    }

    /// Samples of request durations that have an exemplar, and what follows them.
    fn exemplars(&self) -> Vec<String> {
        let text = self.metrics.with_exemplars(encode(&self.registry));
        assert!(text.ends_with("# EOF\n"));
        let samples = text.lines().filter(|line| !line.starts_with('#') && line.contains(" # "));
        samples.map(str::to_owned).collect()
    }
}

fn serve(route: &Durations, side: Side, millis: u64, traced: Option<&TraceContext>) {
    route.observe(side, Duration::from_millis(millis), traced);
}

#[test]
fn a_bucket_shows_its_latest_trace_and_no_other() {
    let gateway = Gateway::new();
    let (route, _other) = (gateway.route("read"), gateway.route("read-all"));
    let (first, latest) = (TraceContext::new_root(true), TraceContext::new_root(true));
    assert_eq!(gateway.exemplars(), [""; 0]);
    serve(&route, Side::New, 42, Some(&first));
    serve(&route, Side::New, 30, Some(&latest));
    serve(&route, Side::New, 31, None);
    serve(&route, Side::Legacy, 20_000, Some(&first));

    let shown = gateway.exemplars();
    let expected = |le: &str, side: &str, count: u64, trace: &TraceContext, seconds: &str| {
        let TraceContext { trace_id, span_id, .. } = trace;
        format!(
            "cutover_request_duration_seconds_bucket{{le=\"{le}\",cutover_route=\"read\",\
             cutover_side=\"{side}\"}} {count} # {{trace_id=\"{trace_id}\",\
             span_id=\"{span_id}\"}} {seconds} "
        )
    };
    let latest = expected("0.05", "new", 3, &latest, "0.03");
    let slow = expected("+Inf", "legacy", 1, &first, "20");
    assert_eq!(shown.len(), 2, "{shown:#?}");
    for expected in [latest, slow] {
        let line = shown.iter().find_map(|line| line.strip_prefix(&expected));
        let at: f64 = line.unwrap_or_else(|| panic!("{expected} in {shown:#?}")).parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - at).abs() < 60.0, "{at}");
    }
}

#[test]
fn exemplars_go_with_their_route_and_not_with_a_new_template() {
    let gateway = Gateway::new();
    let trace = TraceContext::new_root(true);
    let route = RouteMetrics::new(&gateway.metrics, "read", "/v1/devices/{id}");
    serve(&gateway.route("read"), Side::New, 1, Some(&trace));
    let again = RouteMetrics::new(&gateway.metrics, "read", "/v2/devices/{id}");
    route.forget_template();
    assert_eq!(gateway.exemplars().len(), 1);
    again.forget(&gateway.metrics);
    assert_eq!(gateway.exemplars(), [""; 0]);
}

#[test]
fn whoever_finds_another_there_gives_up() {
    let series = Series::default();
    let exemplar =
        |millis| Exemplar::of(&TraceContext::new_root(true), Duration::from_millis(millis), 0.05);
    series.put(exemplar(30));
    let held = series.0.get().unwrap().lock();
    series.put(exemplar(40));
    drop(held);
    assert_eq!(series.buckets()[0].seconds, 0.03);
    for bound in 0..100 {
        series.put(Exemplar { bound: f64::from(bound), ..exemplar(1) });
    }
    assert_eq!(series.buckets().len(), BUCKETS_MAX);
}
