use super::*;
use crate::SideCounters;

const HOUR_MS: u64 = 60 * 60_000;

fn promise() -> Objectives {
    Objectives { availability: Objective::from_percent(99.0), ..Objectives::default() }
}

fn counters(legacy: (u64, u64), new: (u64, u64, u64)) -> RouteCounters {
    let (ok, error) = legacy;
    let legacy = SideCounters { ok, error, ..SideCounters::default() };
    let (ok, error, fallback) = new;
    let new = SideCounters { ok, error, fallback, rejected: 50, ..SideCounters::default() };
    RouteCounters { legacy, new, ..RouteCounters::default() }
}

fn of(spent: &[Spent], whose: Whose) -> (u64, u64, f64) {
    let spent = spent.iter().find(|spent| spent.whose == whose).unwrap();
    let window = &spent.windows[0];
    (window.requests, window.bad, (window.burn * 100.0).round() / 100.0)
}

#[test]
fn a_rescued_request_is_bad_for_new_and_good_for_users() {
    let mut meters = Meters::new(1.0, 0);
    meters.look(&counters((0, 0), (0, 0, 0)), 1_000);
    meters.look(&counters((899, 1), (90, 2, 8)), 2_000);
    let spent = meters.spent(&promise());
    assert_eq!(of(&spent, Whose::Legacy), (900, 1, 0.11));
    assert_eq!(of(&spent, Whose::New), (100, 10, 10.0));
    assert_eq!(of(&spent, Whose::Users), (1_000, 3, 0.3));
}

#[test]
fn windows_are_as_long_as_they_are_scaled_and_keep_their_limits() {
    let windows = |scale| {
        let spent = Meters::new(scale, 0).spent(&promise()).swap_remove(0);
        let window = |window: &Window| (window.length_ms / 1_000, window.limit);
        [0, 2, 7].map(|place| window(&spent.windows[place]))
    };
    let limits = [Some(14.4), Some(14.4), None];
    let lengths = |scale| windows(scale).map(|window| window.0);
    assert_eq!(lengths(1.0), [300, 3_600, 2_592_000]);
    assert_eq!(lengths(60.0), [5, 60, 43_200]);
    for scale in [1.0, 60.0] {
        assert_eq!(windows(scale).map(|window| window.1), limits);
    }
}

#[test]
fn what_was_before_the_first_look_is_not_known() {
    let mut meters = Meters::new(1.0, 0);
    meters.look(&counters((0, 1_000), (0, 0, 0)), 1_000);
    assert_eq!(of(&meters.spent(&promise()), Whose::Users), (0, 0, 0.0));
}

#[test]
fn a_budget_is_left_or_overspent() {
    let mut meters = Meters::new(1.0, 0);
    meters.look(&counters((0, 0), (0, 0, 0)), 0);
    meters.look(&counters((995, 5), (0, 0, 0)), HOUR_MS);
    let left = |meters: &Meters| meters.spent(&promise())[0].budget_left;
    assert!((left(&meters) - 0.5).abs() < 1e-9, "{}", left(&meters));
    meters.look(&counters((1_960, 40), (0, 0, 0)), 2 * HOUR_MS);
    assert!((left(&meters) + 1.0).abs() < 1e-9, "{}", left(&meters));
}
