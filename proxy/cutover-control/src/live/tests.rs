use super::*;

const BOUNDS: [f64; 3] = [0.1, 0.2, 0.4];

fn counters(route: &str, ok: u64, fallback: u64, latency: [u64; 4]) -> RouteCounters {
    let new = SideCounters { ok, fallback, latency: latency.to_vec(), ..SideCounters::default() };
    let bounds_seconds = BOUNDS.into();
    RouteCounters { route: route.into(), bounds_seconds, new, ..RouteCounters::default() }
}

#[test]
fn numbers_are_those_between_oldest_and_newest() {
    let mut window = Window::default();
    window.push(0, vec![counters("a", 100, 0, [100, 0, 0, 0])]);
    assert_eq!(window.numbers("a"), LiveNumbers::default(), "one sample is no rate");
    window.push(2_000, vec![counters("a", 190, 10, [100, 100, 0, 0])]);
    let numbers = window.numbers("a");
    assert_eq!(numbers.requests_per_second, 50.0);
    assert_eq!(numbers.new.success, Some(0.9));
    assert_eq!(numbers.new.latency_ms_p95, Some(195.0));
    assert_eq!(numbers.legacy, SideNumbers::default());
    assert_eq!(window.numbers("never"), LiveNumbers::default());
}

#[test]
fn who_names_no_subject_is_known_after_some_requests() {
    let counters =
        |ok, no_subject| RouteCounters { no_subject, ..counters("a", ok, 0, [ok, 0, 0, 0]) };
    let mut window = Window::default();
    window.push(0, vec![counters(100, 7)]);
    window.push(1_000, vec![counters(119, 26)]);
    assert_eq!(window.numbers("a").no_subject, None);
    window.push(2_000, vec![counters(140, 27)]);
    assert_eq!(window.numbers("a").no_subject, Some(0.5));
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let mut window = Window::default();
    for second in 0..60 {
        let ok = if second < 40 { second * 1_000 } else { 39_000 };
        window.push(second * 1_000, vec![counters("a", ok, 0, [ok, 0, 0, 0])]);
        assert!(window.samples.len() <= 11);
    }
    assert_eq!(window.numbers("a").requests_per_second, 0.0);
}

#[test]
fn a_route_that_came_back_counts_from_zero() {
    let mut window = Window::default();
    window.push(0, vec![counters("a", 1_000, 0, [1_000, 0, 0, 0])]);
    window.push(1_000, vec![counters("a", 8, 0, [8, 0, 0, 0])]);
    assert_eq!(window.numbers("a").requests_per_second, 8.0);
    window.push(2_000, vec![]);
    assert_eq!(window.numbers("a"), LiveNumbers::default(), "it is gone");
}

#[test]
fn buckets_that_end_elsewhere_count_whole() {
    let mut window = Window::default();
    window.push(0, vec![counters("a", 1_000, 0, [1_000, 0, 0, 0])]);
    let bounds_seconds = [0.1, 0.2, 0.3, 0.4].into();
    let new = SideCounters { ok: 1_100, latency: vec![0, 0, 100, 0, 0], ..SideCounters::default() };
    window.push(1_000, vec![RouteCounters { bounds_seconds, new, ..counters("a", 0, 0, [0; 4]) }]);
    let numbers = window.numbers("a").new;
    assert_eq!((numbers.requests_per_second, numbers.latency_ms_p95), (100.0, Some(295.0)));
}

#[test]
fn quantiles_stay_within_the_bounds() {
    for (counts, expected) in [
        (vec![], None::<f64>),
        (vec![0, 0, 0, 0], None),
        (vec![10, 0, 0, 0], Some(0.095)),
        (vec![0, 0, 0, 10], Some(0.4)),
        (vec![95, 0, 5, 0], Some(0.1)),
        (vec![0, 0, 10, 0], Some(0.39)),
    ] {
        let found = quantile(&counts, &BOUNDS, 0.95);
        let close = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            (found, expected) => found == expected,
        };
        assert!(close, "{counts:?}: {found:?}, not {expected:?}");
    }
    assert_eq!(quantile(&[1], &[], 0.95), None);
}
