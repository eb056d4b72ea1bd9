use super::*;

#[test]
fn factors_of_thirty_days_are_the_workbooks() {
    let factors: Vec<String> = pairs(30).map(|pair| number(pair.factor)).collect();
    assert_eq!(factors, ["14.4", "6", "3", "1"]);
    let factors: Vec<String> = pairs(28).map(|pair| number(pair.factor)).collect();
    assert_eq!(factors, ["13.44", "5.6", "2.8", "0.933333333333"]);
}

#[test]
fn a_short_period_has_factors_of_its_own() {
    let factors: Vec<String> = pairs(7).map(|pair| number(pair.factor)).collect();
    assert_eq!(factors, ["13.44", "3.5", "1.4", "0.98"]);
}

#[test]
fn a_factor_is_dropped_where_failing_always_would_not_reach_it() {
    let dropped = |percent: f64| unreachable((100.0 - percent) / 100.0, 30).count();
    assert_eq!(dropped(99.9), 0);
    assert_eq!(dropped(93.1), 0, "14.4 is possible above 93.06 %");
    assert_eq!(dropped(93.0), 1);
    assert_eq!(dropped(83.0), 2, "6 is possible above 83.3 %");
}

#[test]
fn durations_are_written_in_the_largest_whole_unit() {
    let sixty = Scale::new(60).unwrap();
    let written: Vec<String> = WINDOWS.iter().map(|window| sixty.window(window)).collect();
    assert_eq!(written, ["5s", "30s", "1m", "2m", "6m", "24m", "72m"]);
    assert_eq!(Scale::REAL.window("30d"), "30d");
    assert_eq!(sixty.window("30d"), "12h");
    assert_eq!(Scale::new(7).unwrap().window("5m"), "42857ms");
    assert_eq!((Scale::new(0), Scale::new(61)), (None, None));
}

#[test]
fn numbers_have_no_dust() {
    assert_eq!(number(1.0 - 0.999), "0.001");
    assert_eq!(number(14.4 * 0.001), "0.0144");
    assert_eq!(number(3.0), "3");
}
