use super::*;

#[test]
fn naive_time_has_no_zone() {
    assert_eq!(naive(0), "1970-01-01 00:00:00");
    assert_eq!(naive(1_709_296_496), "2024-03-01 12:34:56");
    assert_eq!(naive(1_709_164_800), "2024-02-29 00:00:00");
    assert_eq!(naive(-1), "1969-12-31 23:59:59");
}

#[test]
fn http_date_names_day_and_month() {
    assert_eq!(http_date(1_709_296_496), "Fri, 01 Mar 2024 12:34:56 GMT");
    assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
}
