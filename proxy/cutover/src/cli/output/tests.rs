use super::*;

#[test]
fn moments_over_leap_years() {
    assert_eq!(utc(0), "1970-01-01 00:00:00Z");
    assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00Z");
    assert_eq!(utc(1_795_251_495_999), "2026-11-21 08:58:15Z");
    assert_eq!(utc(4_107_542_399_000), "2100-02-28 23:59:59Z");
}

#[test]
fn ages_in_their_largest_unit() {
    assert_eq!(age(0), "0s");
    assert_eq!(age(119_999), "119s");
    assert_eq!(age(120_000), "2m");
    assert_eq!(age(3 * 3_600_000), "3h");
    assert_eq!(age(50 * 3_600_000), "2d");
}
