use std::hint::black_box;

use super::*;
use crate::metrics::GatewayMetrics;

/// Counting cannot be turned off, so the bench cannot tell what it costs.
#[test]
#[ignore = "measures time, so it belongs to the slow tier, in a release build"]
fn what_counting_costs_a_request() {
    const REQUESTS: u32 = 200_000;
    let metrics = GatewayMetrics::register(&mut Registry::default());
    let route = RouteMetrics::new(&metrics, "read", "/v1/devices/{id}");
    let durations = Durations::new(&metrics.routes.durations, "read");
    let upstream = UpstreamLabel {
        name: "registry".into(),
        scheme: Scheme::Http,
        address: "10.0.0.5".into(),
        port: 8080,
    };
    let end = Instant::now();
    let round = || {
        let began = Instant::now();
        for number in 0..REQUESTS {
            let duration = Duration::from_micros(u64::from(number % 20_000));
            let (method, status) = (&Method::GET, Some(StatusCode::OK));
            route.attempted(Side::New, method, status, black_box(&upstream), duration);
            let served = Served {
                side: Side::New,
                phase: Phase::Canary,
                outcome: Outcome::Ok,
                method,
                status,
                version: Version::HTTP_11,
                scheme: Scheme::Http,
                subject: Some(u64::from(number) << 16),
                end,
                duration,
                overhead: duration,
                traced: None,
            };
            route.served(&durations, black_box(&served));
        }
        began.elapsed() / REQUESTS
    };
    let best = (0..20).map(|_| round()).min().unwrap();
    println!("counting a request and its attempt: {} ns", best.as_nanos());
    assert!(best < Duration::from_nanos(500), "{best:?}");
}
