use super::*;

#[test]
fn naive_text_goes_there_and_back() {
    let known = [
        ("1970-01-01 00:00:00", 0),
        ("2024-03-01 12:34:56", 1_709_296_496),
        ("2000-02-29 23:59:59", 951_868_799),
        ("1969-12-31 23:59:59", -1),
        ("0000-01-01 00:00:00", -62_167_219_200),
        ("9999-12-31 23:59:59", 253_402_300_799),
    ];
    for (text, seconds) in known {
        assert_eq!(parse_naive(text), Some(seconds * MICROS), "{text}");
        assert_eq!(format_naive(seconds * MICROS), text);
    }
}

#[test]
fn every_day_of_four_centuries_comes_back() {
    for day in -80_000..70_000 {
        let (year, month, date) = civil_from_days(day);
        assert_eq!(days_from_civil(year, month, date), day);
    }
}

#[test]
fn text_that_would_not_come_back_is_refused() {
    let refused = [
        "",
        "2024-03-01",
        "2024-03-01T12:34:56",
        "2024-03-01 12:34:56.5",
        "2024-03-01 12:34:56Z",
        "0000-00-00 00:00:00",
        "2023-02-29 00:00:00",
        "2024-13-01 00:00:00",
        "2024-03-01 24:00:00",
        "2024-03-01 12:60:00",
        "2024-03-01 12:34:60",
        "+024-03-01 12:34:56",
        "2024-03-01 12:34:5é",
    ];
    for text in refused {
        assert_eq!(parse_naive(text), None, "{text}");
    }
}

#[test]
fn a_fixed_clock_stands_still() {
    assert_eq!(Clock::Fixed(7).now_micros(), 7_000_000);
    assert_eq!(Clock::Fixed(-1).now_seconds(), -1);
    assert!(Clock::System.now_seconds() > 1_700_000_000);
}
