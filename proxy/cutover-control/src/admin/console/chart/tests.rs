use expect_test::{Expect, expect};

use super::*;
use crate::{
    api::PhaseName,
    live::{LiveNumbers, SideNumbers},
};

fn check_split(phase: PhaseName, percent: Option<f64>, expected: Expect) {
    expected.assert_eq(&split(&TargetRow { phase, percent }).into_string());
}

fn point(rps: f64, latency_ms_p95: Option<f64>) -> Point {
    let side = SideNumbers { requests_per_second: rps, success: Some(1.0), latency_ms_p95 };
    Point::of(&LiveNumbers { legacy: side, ..LiveNumbers::default() })
}

#[test]
fn shares_side_by_side() {
    check_split(
        PhaseName::Canary,
        Some(25.0),
        expect![[
            r#"<svg class="split" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="legacy serves 75 %, new 25 %"><rect class="legacy" x="0" y="0" width="75" height="6"></rect><rect class="new" x="75" y="0" width="25" height="6"></rect></svg>"#
        ]],
    );
    check_split(
        PhaseName::Legacy,
        None,
        expect![[
            r#"<svg class="split" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="legacy serves 100 %, new 0 %"><rect class="legacy" x="0" y="0" width="100" height="6"></rect><rect class="new" x="100" y="0" width="0" height="6"></rect></svg>"#
        ]],
    );
}

#[test]
fn a_small_share_is_still_to_be_seen() {
    let small = split(&TargetRow { phase: PhaseName::Canary, percent: Some(0.5) }).into_string();
    assert!(small.contains("new 0.5 %") && small.contains(r#"x="98""#), "{small}");
}

#[test]
fn lines_end_at_the_right_edge_and_keep_their_gaps() {
    let points = [point(10.0, Some(100.0)), point(20.0, None), point(0.0, Some(50.0))];
    assert_eq!(line(Series::Rate, 0, &points), "M236 22.5h0L238 2L240 43");
    assert_eq!(line(Series::Latency, 0, &points), "M236 2h0M240 22.5h0");
    assert_eq!(line(Series::Latency, 1, &points), "", "new had no requests");
    assert_eq!(line(Series::Rate, 0, &[]), "");
}

#[test]
fn a_quiet_route_is_not_blown_up() {
    assert_eq!(top(Series::Rate, &[point(0.2, None)]), 1.0);
    assert_eq!(top(Series::Rate, &[point(7.0, None)]), 7.0);
}
