use super::*;

fn numbers(rps: f64) -> HashMap<&'static str, LiveNumbers> {
    let legacy = SideNumbers { requests_per_second: rps, ..SideNumbers::default() };
    [("read", LiveNumbers { legacy, ..LiveNumbers::default() })].into()
}

#[test]
fn ten_minutes_are_kept_and_no_more() {
    let mut trend = Trend::default();
    for at in 0..POINTS_MAX as u64 + 5 {
        trend.push(at * EVERY_MS, &numbers(at as f64));
    }
    let points = trend.of("read");
    assert_eq!(points.len(), POINTS_MAX);
    assert_eq!(Series::Rate.of(&points[0])[0], Some(5.0), "the oldest went");
    assert_eq!(points.len() as u64 * EVERY_MS, 600_000);
}

#[test]
fn one_point_every_five_seconds_also_when_the_clock_is_set_back() {
    let mut trend = Trend::default();
    trend.push(100_000, &numbers(1.0));
    assert!(!trend.is_due(104_999));
    assert!(trend.is_due(105_000) && trend.is_due(50_000));
}

#[test]
fn routes_that_are_gone_are_forgotten() {
    let mut trend = Trend::default();
    trend.push(5_000, &numbers(1.0));
    trend.push(10_000, &HashMap::new());
    assert!(trend.of("read").is_empty() && trend.routes.is_empty());
}

#[test]
fn failures_are_what_is_left_of_success() {
    let new = SideNumbers { success: Some(0.75), ..SideNumbers::default() };
    let point = Point::of(&LiveNumbers { new, ..LiveNumbers::default() });
    assert_eq!(Series::Failures.of(&point), [None, Some(25.0)]);
}
