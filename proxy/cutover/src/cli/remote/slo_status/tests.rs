use super::*;

fn window(length_ms: u64, requests: u64, burn: f64, limit: Option<f64>) -> BurnRow {
    BurnRow { length_ms, seen: 1.0, requests, bad: 0, burn, limit }
}

#[test]
fn burn_rates_are_told_by_window_and_too_much_is_marked() {
    let row = |whose: &str, burn: f64, budget_left: f64| SloRow {
        route: "read".into(),
        indicator: "availability".into(),
        whose: whose.into(),
        target: 99.9,
        budget_left,
        windows: vec![
            window(300_000, 100, burn, Some(14.4)),
            window(3_600_000, 0, 0.0, Some(14.4)),
            window(2_592_000_000, 100, 0.25, None),
        ],
    };
    let rows = [row("users", 0.5, 0.75), row("new", 20.0, -1.5)];
    let expected = "\
ROUTE  OBJECTIVE     WHOSE  TARGET  BUDGET    5m      1h  30d
read   availability  users  99.9%   75.00%    0.5×    -   0.2×
read   availability  new    99.9%   -150.00%  20.0×!  -   0.2×";
    assert_eq!(text(&rows), expected);
}
