use super::*;

#[test]
fn ids_and_names() {
    for key in [
        "17",
        "-3",
        "1.5",
        "2026-11-21",
        "2026-11-21T10:00:00Z",
        "1_000",
        "0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b11",
        "0123456789abcdef",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "ann@example.org",
        "dev-0042",
        "+49 151 23456789",
        "550e8400e29b",
        "SN12A34B",
        "Erika Maier",
        "Émile Zola",
        "Günther von Berg",
        "x2345678901234567890123456789012345678901234567890123456789012345",
    ] {
        assert!(is_id(key), "{key}");
    }
    for key in [
        "",
        "id",
        "deadbeef",
        "x17",
        "ipv4",
        "sha256",
        "first name",
        "Name",
        "Name ",
        "@type",
        "@context",
        "$ref",
        "-",
        "a-b",
        "lastSeenTimestampMillis",
        "internationalisation_2",
        "user@host",
        "€",
    ] {
        assert!(!is_id(key), "{key}");
    }
}

#[test]
fn keys_are_quoted_where_they_must_be() {
    for (key, written) in [
        ("name", "name"),
        ("last-seen", "last-seen"),
        ("größe", "größe"),
        ("@type", "@type"),
        ("", "\"\""),
        ("a.b", "\"a.b\""),
        ("a b", "\"a b\""),
        ("*", "\"*\""),
        ("a\"\\", "\"a\\\"\\\\\""),
        ("a\n", "\"a\\u{a}\""),
    ] {
        let mut out = String::new();
        write_path(Root::Body, &[Segment::key(key), Segment::Element], &mut out);
        assert_eq!(out, format!("body.{written}[]"));
        assert_eq!(out.parse::<Path>().unwrap().as_str(), out);
    }
}

#[test]
fn inside() {
    let inside =
        |path: &str, outer: &str| path.parse::<Path>().unwrap().is_inside(&outer.parse().unwrap());
    assert!(inside("body.a.b", "body.a"));
    assert!(inside("body.a[]", "body.a"));
    assert!(inside("body.a{}", "body"));
    assert!(!inside("body.a", "body.a"));
    assert!(!inside("body.ab", "body.a"));
    assert!(!inside("header.body", "body"));
}

#[test]
fn fields_that_describe_the_body_belong_to_it() {
    let of_body = |path: &str| path.parse::<Path>().unwrap().is_of_body();
    assert!(of_body("body") && of_body("body.a") && of_body("header.content-type"));
    assert!(!of_body("status") && !of_body("header.allow") && !of_body("header.body"));
}
