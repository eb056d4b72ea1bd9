use super::*;

#[test]
fn reads_queries_as_old_php_did() {
    let query = Query::parse("a=1&b=K%C3%BCche+%2B&a=2&&flag&bad=%zz%4&c=%ff&d=x=y".as_bytes());
    for (key, value) in [
        ("a", Some("2")),
        ("b", Some("Küche +")),
        ("flag", Some("")),
        ("bad", Some("%zz%4")),
        ("c", Some("\u{fffd}")),
        ("d", Some("x=y")),
        ("e", None),
    ] {
        assert_eq!(query.get(key), value, "{key}");
    }
}

#[test]
fn numbers_are_plain_and_positive() {
    for (text, expected) in [
        ("7", Some(7)),
        ("007", Some(7)),
        ("999999999999999999", Some(999_999_999_999_999_999)),
        ("1000000000000000000", None),
        ("0", None),
        ("", None),
        ("+7", None),
        ("-7", None),
        (" 7", None),
        ("7.0", None),
        ("٧", None),
    ] {
        assert_eq!(number(text), expected, "{text:?}");
    }
}
