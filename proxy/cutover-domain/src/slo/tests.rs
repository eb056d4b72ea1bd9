use super::*;

fn objective(percent: f64) -> Objective {
    Objective::from_percent(percent).unwrap()
}

#[test]
fn an_objective_leaves_a_budget() {
    assert!((objective(99.9).budget() - 0.001).abs() < 1e-12);
    for percent in [0.0, 100.0, -1.0, 101.0, f64::NAN] {
        assert_eq!(Objective::from_percent(percent), None, "{percent}");
    }
}

#[test]
fn the_least_requests_are_those_of_the_book() {
    for (percent, expected) in [(99.9, [70, 167, 334, 1000]), (99.0, [7, 17, 34, 100])] {
        let found = RULES.map(|rule| rule.requests_min(objective(percent)));
        for (found, expected) in found.into_iter().zip(expected) {
            // 1 / (1 − 0.999) is not exactly 1000.
            assert!(found.abs_diff(expected) <= 1, "{percent}: {found}, not {expected}");
        }
    }
}

#[test]
fn factors_that_cannot_be_reached_are_known() {
    let reachable = |percent| RULES.map(|rule| rule.is_reachable(objective(percent)));
    assert_eq!(reachable(99.9), [true; 4]);
    assert_eq!(reachable(93.06), [true; 4]);
    assert_eq!(reachable(93.0), [false, true, true, true]);
    assert_eq!(reachable(83.0), [false, false, true, true]);
}

#[test]
fn counters_that_fell_began_anew() {
    let tally = |requests, bad, slow| Tally { requests, bad, slow };
    assert_eq!(tally(10, 3, 1).since(&tally(4, 1, 1)), tally(6, 2, 0));
    assert_eq!(tally(3, 1, 0).since(&tally(4, 1, 1)), tally(3, 1, 0));
    assert_eq!(tally(9, 0, 0).since(&tally(4, 1, 0)), tally(9, 0, 0));
}

#[test]
fn what_is_slow_is_bad_for_latency_alone() {
    let tally = Tally { requests: 10, bad: 1, slow: 2 };
    assert_eq!(tally.bad_share(Indicator::Availability), 0.1);
    assert_eq!(tally.bad_share(Indicator::Latency), 0.3);
    assert_eq!(Tally::default().bad_share(Indicator::Latency), 0.0);
    let torn = Tally { requests: 1, bad: 2, slow: 0 };
    assert_eq!(
        (torn.good_for(Indicator::Availability), torn.bad_share(Indicator::Availability)),
        (0, 1.0)
    );
}
