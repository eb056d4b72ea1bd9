use super::*;

#[test]
fn one_moment_has_many_spellings() {
    let moments = [
        "1994-11-06T08:49:37Z",
        "1994-11-06t08:49:37.000z",
        "1994-11-06 09:19:37.0+00:30",
        "1994-11-05T22:49:37-10:00",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    ];
    for text in moments {
        assert_eq!(Moment::parse(text), Some(Moment(784_111_777 * NANOS)), "{text}");
    }
    let epoch = |text| Moment::rfc3339(text).map(|moment| moment.0);
    assert_eq!(epoch("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(epoch("1969-12-31T23:59:59.5Z"), Some(-NANOS / 2));
    assert_eq!(epoch("2000-02-29T00:00:00.1234567891Z"), Some(951_782_400 * NANOS + 123_456_789));
    assert_eq!(Moment::date("2000-03-01"), Some(Moment(951_868_800 * NANOS)));
}

#[test]
fn what_is_no_moment() {
    for text in [
        "",
        "2026-11-21",
        "2026-11-21T10:00:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:61Z",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00+1:00",
        "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00Zx",
        "2026-11-2١T10:00:00Z",
        "+026-11-21T10:00:00Z",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
    ] {
        assert_eq!(Moment::parse(text), None, "{text}");
    }
}

#[test]
fn days_begin_at_midnight() {
    assert_eq!(day_start("1970-01-02"), Some(86_400));
    assert_eq!(day_start("2000-03-01"), Some(951_868_800));
    assert_eq!(day_start("1969-12-31"), None);
    assert_eq!(day_start("2026-02-30"), None);
}

#[test]
fn distance() {
    let moment = |text| Moment::parse(text).unwrap();
    let [one, two] = [moment("2026-11-21T10:00:00Z"), moment("2026-11-21T10:00:00.002Z")];
    assert!(one.is_within(2, two) && two.is_within(2, one) && one.is_within(0, one));
    assert!(!one.is_within(1, two) && !two.is_within(1, one));
}

#[test]
fn a_day_is_written_as_it_is_read() {
    for text in ["1970-01-01", "2000-02-29", "2026-11-21", "2099-12-31", "9999-12-31"] {
        let start = day_start(text).unwrap();
        assert_eq!((day(start), day(start + 86_399)), (text.to_owned(), text.to_owned()));
    }
}
