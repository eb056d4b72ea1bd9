use super::*;

/// Monday, 16 November 2026, 00:00 UTC.
const MONDAY_MS: u64 = 1_794_787_200_000;

fn at(day: u64, hour: u64, minute: u64) -> u64 {
    MONDAY_MS + ((day * 24 + hour) * 60 + minute) * MINUTE_MS
}

/// Monday to Thursday, 9 to 16 o'clock, by a clock one hour ahead.
fn office() -> Schedule {
    let window =
        Window { days: Days::of([0, 1, 2, 3]), from_minute: 9 * 60, until_minute: 16 * 60 };
    Schedule { open: vec![window], blackouts: vec![], ahead_minutes: 60 }
}

#[test]
fn it_is_open_in_its_hours() {
    let office = office();
    for (day, hour, minute, open) in [
        (0, 7, 59, false),
        (0, 8, 0, true),
        (0, 14, 59, true),
        (0, 15, 0, false),
        (3, 10, 0, true),
        (4, 10, 0, false),
        (6, 10, 0, false),
    ] {
        assert_eq!(office.is_open(at(day, hour, minute)), open, "day {day}, {hour}:{minute}");
    }
    assert!(Schedule::default().is_open(at(6, 3, 0)), "no window is always");
}

#[test]
fn a_window_may_go_past_midnight() {
    let night = Window { days: Days::of([6]), from_minute: 22 * 60, until_minute: 2 * 60 };
    let night = Schedule { open: vec![night], ..Schedule::default() };
    for (day, hour, open) in
        [(6, 21, false), (6, 22, true), (7, 1, true), (7, 2, false), (7, 22, false), (6, 1, false)]
    {
        assert_eq!(night.is_open(at(day, hour, 0)), open, "day {day}, {hour} o'clock");
    }
}

#[test]
fn it_says_when_it_opens() {
    let mut office = office();
    assert_eq!(office.opens_ms(at(0, 10, 0)), Some(at(0, 10, 0)));
    assert_eq!(office.opens_ms(at(0, 3, 0) + 1), Some(at(0, 8, 0)));
    assert_eq!(office.opens_ms(at(3, 20, 0)), Some(at(7, 8, 0)));
    office.blackouts = vec![(at(2, 12, 0), at(23, 12, 0))];
    assert!(!office.is_open(at(2, 12, 0)));
    assert_eq!(office.opens_ms(at(2, 12, 0)), Some(at(23, 12, 0)), "a Wednesday at noon");
    office.blackouts = vec![(at(2, 12, 0), at(25, 12, 0))];
    assert_eq!(office.opens_ms(at(2, 12, 0)), Some(at(28, 8, 0)), "ends on a Friday");
    let never = Window { days: Days::default(), from_minute: 0, until_minute: 1 };
    let never = Schedule { open: vec![never], ..Schedule::default() };
    assert_eq!(never.opens_ms(at(0, 0, 0)), None);
}
