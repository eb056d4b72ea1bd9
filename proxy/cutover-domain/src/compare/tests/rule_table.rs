//! What each rule lets through, and what it does not.

use super::*;

/// Each line: live, candidate, what is left of their differences.
fn check(path: &str, action: Action, table: &[(&str, &str, &str)]) {
    let rules = rules(&[(path, action.clone())]);
    for (live, candidate, expected) in table {
        let lines = lines(&answer(live), &answer(candidate), &rules);
        assert_eq!(lines.trim_end(), *expected, "{path} {action}: {live} {candidate}");
    }
}

fn ignore(kinds: &[Kind]) -> Action {
    Action::Ignore(Kinds::of(kinds))
}

fn unordered(key: &str) -> Action {
    Action::Unordered { key: key.into() }
}

fn renamed() -> Action {
    Action::Renamed { space: "ids".into() }
}

#[test]
fn ignored_kinds_at_one_path() {
    let table = [
        (r#"{"at":1}"#, r#"{"at":2}"#, ""),
        (r#"{"at":1}"#, r#"{"at":"x"}"#, "body.at type integer→text"),
        (r#"{"at":1,"x":1}"#, r#"{"at":2,"x":2}"#, "body.x value integer→integer"),
        (r#"{"a":{"at":1}}"#, r#"{"a":{"at":2}}"#, "body.a.at value integer→integer"),
    ];
    check("body.at", Action::Ignore(Kinds::UNGUARDED), &table);
    let table = [
        (r#"{"at":1}"#, "{}", ""),
        (r#"{"at":1}"#, r#"{"at":2}"#, "body.at value integer→integer"),
    ];
    check("body.at", ignore(&[Kind::Missing]), &table);
    let table = [(r#"{"a":[1,2]}"#, r#"{"a":["x",2]}"#, "")];
    check("body.a[]", ignore(&[Kind::Type]), &table);
}

#[test]
fn wildcards() {
    let table = [
        (r#"{"m":{"a":1,"b":1}}"#, r#"{"m":{"a":2,"b":2}}"#, ""),
        (r#"{"m":{"a":{"b":1}}}"#, r#"{"m":{"a":{"b":2}}}"#, "body.m.a.b value integer→integer"),
    ];
    check("body.m.*", ignore(&[Kind::Value]), &table);
    let table = [
        (r#"{"m":{"a":[1],"b":{"c":1}}}"#, r#"{"m":{"a":[2],"b":{"c":2}}}"#, ""),
        (r#"{"m":[1,2]}"#, r#"{"m":[2,1]}"#, "body.m order list→reordered"),
        (r#"{"mm":1}"#, r#"{"mm":2}"#, "body.mm value integer→integer"),
    ];
    check("body.m.**", ignore(&[Kind::Value]), &table);
    let table = [
        (r#"[{"at":1}]"#, r#"[{"at":2}]"#, ""),
        (r#"{"at":1}"#, r#"{"at":2}"#, ""),
        (r#"{"at":{"b":1}}"#, r#"{"at":{"b":2}}"#, "body.at.b value integer→integer"),
    ];
    check("body.**.at", ignore(&[Kind::Value]), &table);
}

#[test]
fn an_ignored_status_lets_the_rest_be_compared() {
    let rules = rules(&[("status", ignore(&[Kind::Status]))]);
    let created = |body: &str| Answer { status: 201, ..answer(body) };
    assert_eq!(lines(&answer("1"), &created("1"), &rules), "");
    assert_eq!(lines(&answer("1"), &created("2"), &rules), "body value integer→integer\n");
    assert_eq!(lines(&answer("1"), &with_status(404), &rules), "");
}

#[test]
fn tolerances() {
    let table = [
        (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, ""),
        (r#"{"a":[1,2]}"#, r#"{"a":[2,3]}"#, "body.a[] value integer→integer"),
        (
            r#"{"a":[1,2]}"#,
            r#"{"a":[2,1,1]}"#,
            "body.a length list→longer\nbody.a[] value integer→integer",
        ),
    ];
    check("body.a", Action::Tolerate(Tolerance::Order), &table);
    let table = [("{}", r#"{"a":1}"#, ""), (r#"{"a":1}"#, "{}", "body.a missing integer→absent")];
    check("body.*", Action::Tolerate(Tolerance::Extra), &table);
    let table = [
        (r#"{"a":1.00}"#, r#"{"a":1.01}"#, ""),
        (r#"{"a":1.01}"#, r#"{"a":1}"#, ""),
        (r#"{"a":1}"#, r#"{"a":1.0100000000000000001}"#, "body.a value integer→decimal"),
        (r#"{"a":"1"}"#, r#"{"a":"1.01"}"#, ""),
        (r#"{"a":"x"}"#, r#"{"a":"y"}"#, "body.a value text→text"),
    ];
    check("body.a", Action::Tolerate(Tolerance::Number("0.01".parse().unwrap())), &table);
    let table = [
        (r#"["2026-11-21T10:00:00Z"]"#, r#"["2026-11-21T11:00:02+01:00"]"#, ""),
        (r#"["2026-11-21T10:00:00Z"]"#, r#"["Sat, 21 Nov 2026 10:00:02 GMT"]"#, ""),
        (
            r#"["2026-11-21T10:00:00Z"]"#,
            r#"["2026-11-21T10:00:02.001Z"]"#,
            "body[] value rfc3339→rfc3339",
        ),
        (r#"["2026-11-21T10:00:00Z"]"#, r#"["soon"]"#, "body[] value rfc3339→text"),
    ];
    check("body[]", Action::Tolerate(Tolerance::Time { within_ms: 2_000 }), &table);
}

#[test]
fn unordered_lists() {
    let table = [
        (r#"[{"id":1,"x":1},{"id":2,"x":2}]"#, r#"[{"id":2,"x":2},{"id":1,"x":1}]"#, ""),
        (
            r#"[{"id":1,"x":1},{"id":2,"x":2}]"#,
            r#"[{"id":2,"x":9},{"id":1,"x":1}]"#,
            "body[].x value integer→integer",
        ),
        (r#"[{"id":1},{"id":2}]"#, r#"[{"id":2}]"#, "body[] missing map→absent"),
        (r#"[{"id":1}]"#, r#"[{"id":2},{"id":1}]"#, "body[] extra absent→map"),
        // Of elements of one name, and of those without one, the order counts.
        (
            r#"[{"id":1,"x":1},{"id":1,"x":2}]"#,
            r#"[{"id":1,"x":1},{"id":1,"x":3}]"#,
            "body[].x value integer→integer",
        ),
        (r#"[7,{"id":1}]"#, r#"[{"id":1},8]"#, "body[] value integer→integer"),
    ];
    check("body", unordered("id"), &table);
    let table = [
        ("[1,2,3]", "[3,1,2]", ""),
        ("[1,2,3]", "[3,1,1]", "body[] missing integer→absent\nbody[] extra absent→integer"),
    ];
    check("body", unordered(""), &table);
    let table = [(
        r#"[{"k":{"id":1},"x":1},{"k":{"id":2},"x":2}]"#,
        r#"[{"k":{"id":2},"x":2},{"k":{"id":1},"x":1}]"#,
        "",
    )];
    check("body", unordered("k.id"), &table);
}

#[test]
fn shapes_and_normalising() {
    let table = [
        (
            r#"["0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b11"]"#,
            r#"["0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b12"]"#,
            "",
        ),
        (r#"["0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b11"]"#, r#"["x"]"#, "body[] value uuid→text"),
        (r#"["0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b11"]"#, "[null]", "body[] type uuid→null"),
    ];
    check("body[]", Action::Shape(Format::Uuid), &table);
    let table = [("[1]", "[2]", ""), ("[1]", "[2.5]", "body[] value integer→decimal")];
    check("body[]", Action::Shape(Format::Integer), &table);
    let table =
        [(r#"[" A"]"#, r#"["a"]"#, ""), (r#"[" A"]"#, r#"["b"]"#, "body[] value text→text")];
    check("body[]", Action::Normalise(vec![Normal::Trim, Normal::LowerCase]), &table);
    let rules = rules(&[
        ("header.location", Action::Normalise(vec![Normal::Origin])),
        ("header.location", Action::Shape(Format::Integer)),
    ]);
    let location = |url| with_headers(&[("location", url)]);
    let [old, new] = [location("http://old:1/a?b"), location("https://new/a?b")];
    assert_eq!(lines(&old, &new, &rules), "");
    assert_eq!(
        lines(&old, &location("https://new/c"), &rules),
        "header.location header text→text\n"
    );
}

#[test]
fn what_is_left_out_is_compared_where_a_rule_asks() {
    let error = |body: &str| Answer { status: 404, ..answer(body) };
    let asked = rules(&[("body", Action::Compare)]);
    let line = "body.code value integer→integer\n";
    assert_eq!(lines(&error(r#"{"code":1}"#), &error(r#"{"code":2}"#), &asked), line);
    let failed = |status, body: &str| Answer { status, ..answer(body) };
    assert_eq!(lines(&failed(500, r#"{"code":1}"#), &failed(503, r#"{"code":2}"#), &asked), line);
    let asked =
        rules(&[("header.server", Action::Compare), ("header.set-cookie.s", Action::Compare)]);
    let headers = |server, cookie| with_headers(&[("server", server), ("set-cookie", cookie)]);
    let [live, candidate] = [headers("a", "s=1"), headers("b", "s=2")];
    assert_eq!(
        lines(&live, &candidate, &asked),
        "header.server header text→text\nheader.set-cookie.s header numeric text→numeric text\n"
    );
    assert_eq!(lines(&live, &candidate, &Rules::default()), "");
}

#[test]
fn renamed_values_map_one_to_one() {
    let rules = rules(&[("body.id", renamed()), ("body.items[].id", renamed())]);
    let bijections = &mut Bijections::default();
    let mut check = |live: &str, candidate: &str, agree: bool| {
        let [live, candidate] = [live, candidate].map(answer);
        let found = compared(&live, &candidate, None, &rules, bijections);
        let kinds: Vec<_> = found.iter().map(|found| (found.path.as_str(), found.kind)).collect();
        let expected: &[_] = if agree { &[] } else { &[("body.id", Kind::Value)] };
        assert_eq!(kinds, expected, "{live:?} {candidate:?}");
    };
    check(r#"{"id":"a"}"#, r#"{"id":"x"}"#, true);
    check(r#"{"id":"a"}"#, r#"{"id":"x"}"#, true);
    check(r#"{"id":"a"}"#, r#"{"id":"y"}"#, false);
    check(r#"{"id":"b"}"#, r#"{"id":"x"}"#, false);
    // Equal values are a pair like any other.
    check(r#"{"id":"a"}"#, r#"{"id":"a"}"#, false);
    check(r#"{"id":"c"}"#, r#"{"id":"c"}"#, true);
    check(r#"{"id":"c"}"#, r#"{"id":"z"}"#, false);
    // One space: what was learnt in the list holds outside.
    check(r#"{"items":[{"id":1},{"id":2}]}"#, r#"{"items":[{"id":11},{"id":12}]}"#, true);
    check(r#"{"id":2}"#, r#"{"id":12}"#, true);
    check(r#"{"id":1}"#, r#"{"id":12}"#, false);
    assert_eq!(bijections.len(), 4);
}

#[test]
fn renaming_is_the_candidates_alone_and_learns_nothing_from_a_reordered_list() {
    let rules = rules(&[("body[].id", renamed())]);
    let bijections = &mut Bijections::default();
    let live = answer(r#"[{"id":1,"x":1},{"id":2,"x":2}]"#);
    let turned = answer(r#"[{"id":2,"x":2},{"id":1,"x":1}]"#);
    let found = compared(&live, &turned, None, &rules, bijections);
    assert_eq!((found.len(), found[0].kind, bijections.len()), (1, Kind::Order, 0));
    let other = answer(r#"[{"id":3,"x":1},{"id":4,"x":2}]"#);
    let found = compared(&live, &other, Some(&other), &rules, bijections);
    assert_eq!((found.len(), bijections.len()), (1, 2));
    assert_eq!((found[0].candidate, found[0].reference), (false, Some(true)));
}

#[test]
fn a_rule_holds_until_it_expires() {
    let expires = NOW;
    let rule = Rule { expires: Some(expires), ..rule("body", ignore(&[Kind::Type])) };
    let rules = Rules::new(vec![rule]).unwrap();
    for (now, differ) in [(expires - 1, false), (expires, true), (expires + 1, true)] {
        let terms = Terms { rules: &rules, limits: &Limits::default(), now };
        let bijections = &mut Bijections::default();
        let found = compare(&answer("1"), &answer("null"), None, &terms, bijections).unwrap();
        assert_eq!(!found.is_empty(), differ, "{now}");
    }
}

#[test]
fn a_tolerated_element_does_not_hide_the_order_of_the_others() {
    let near = Action::Tolerate(Tolerance::Number("1".parse().unwrap()));
    let table = [("[1,2,30,40]", "[2,1,40,30]", "body order list→reordered")];
    check("body[]", near, &table);
}
