use super::*;

#[test]
fn last_value_wins_and_escapes_are_decoded() {
    let query = Query::parse(b"a=1&b=x+y%21&a=2&&flag&bad=%zz%4");
    assert_eq!(query.get("a"), Some("2"));
    assert_eq!(query.get("b"), Some("x y!"));
    assert_eq!(query.get("flag"), Some(""));
    assert_eq!(query.get("bad"), Some("%zz%4"));
    assert_eq!(query.get("none"), None);
    assert_eq!(query.pairs().count(), 5);
}

#[test]
fn numbers_are_plain_digits() {
    assert_eq!(number("7"), Some(7));
    assert_eq!(number("007"), Some(7));
    for bad in ["", "0", "+7", "-7", "7a", " 7", "1.0", "9999999999999999999"] {
        assert_eq!(number(bad), None, "{bad}");
    }
}

#[test]
fn slash_stays_in_its_segment_until_decoded() {
    assert_eq!(percent_decode(b"a%2Fb%e9"), b"a/b\xe9");
}
