//! What differs without any rule.

use expect_test::expect;

use super::*;

#[test]
fn values_in_maps() {
    check(
        r#"{"a":1,"b":{"c":"x"}}"#,
        r#"{"b":{"c":"y"},"a":1.0}"#,
        expect!["body.b.c value text→text"],
    );
    check(r#"{"a":null}"#, "{}", expect!["body.a missing null→absent"]);
    check("{}", r#"{"a":[1]}"#, expect!["body.a extra absent→list"]);
    check(r#"{"a":null}"#, r#"{"a":"x"}"#, expect!["body.a type null→text"]);
    check(r#"{"a":1}"#, r#"{"a":"1"}"#, expect!["body.a type integer→numeric text"]);
    check(r#"{"a":true}"#, r#"{"a":false}"#, expect!["body.a value bool→bool"]);
    check(r#"{"a":[]}"#, r#"{"a":{}}"#, expect!["body.a type empty list→empty map"]);
    check("1", "[1]", expect!["body type integer→list"]);
    check(
        r#"{"a":{"gone":1},"z":1}"#,
        r#"{"a":{"new":1},"z":2}"#,
        expect![[r#"
            body.a.gone missing integer→absent
            body.a.new extra absent→integer
            body.z value integer→integer"#]],
    );
}

#[test]
fn numbers_are_exact() {
    check("[1, 1.0, 100, 0]", "[1.0, 10e-1, 1e2, -0.0]", expect![""]);
    check("9007199254740993", "9007199254740992", expect!["body value integer→integer"]);
    check("0.1000000000000000055511151231257827", "0.1", expect!["body value decimal→decimal"]);
    check("1e400", "1e401", expect!["body value integer→integer"]);
}

#[test]
fn lists() {
    check("[1,2,3]", "[1,5,3]", expect!["body[] value integer→integer"]);
    check("[1,2,3]", "[3,1,2]", expect!["body order list→reordered"]);
    check("[1,2,2]", "[1,1,2]", expect!["body[] value integer→integer"]);
    check(r#"[{"a":1},{"a":2}]"#, r#"[{"a":2},{"a":1}]"#, expect!["body order list→reordered"]);
    check("[[1,2],[3,4]]", "[[2,1],[4,3]]", expect!["body[] order list→reordered"]);
    // The first of two lists of one path differs, the second is in another order.
    check(
        "[[1,2],[3,4]]",
        "[[1,5],[4,3]]",
        expect![[r#"
            body[] order list→reordered
            body[][] value integer→integer"#]],
    );
    check(
        r#"[[{"a":1},{"a":2}],[{"a":1}]]"#,
        r#"[[{"a":2},{"a":1}],[{"a":9}]]"#,
        expect![[r#"
            body[] order list→reordered
            body[][].a value integer→integer"#]],
    );
}

#[test]
fn lists_of_other_length() {
    check("[1,2,3]", "[1,2]", expect!["body length list→shorter"]);
    check("[]", "[1]", expect!["body length list→longer"]);
    check("[2,3,4]", "[1,2,3,4]", expect!["body length list→longer"]);
    check("[1,2,5,3,4]", "[1,2,3,4]", expect!["body length list→shorter"]);
    check("[1,1,1]", "[1,1]", expect!["body length list→shorter"]);
    // A change beside the loss is not hidden by it.
    check(
        r#"[{"a":1},{"a":2},{"a":3}]"#,
        r#"[{"a":"x"},{"a":3}]"#,
        expect![[r#"
            body length list→shorter
            body[].a type integer→text"#]],
    );
}

#[test]
fn keys_that_are_ids() {
    check(
        r#"{"byId":{"17":{"x":1},"18":{"x":1}}}"#,
        r#"{"byId":{"17":{"x":2},"19":{"x":1}}}"#,
        expect![[r#"
            body.byId{} missing map→absent
            body.byId{} extra absent→map
            body.byId{}.x value integer→integer"#]],
    );
    let wide = |last: &str| {
        let entries: Vec<String> = (0..=KEYS_MAX).map(|n| format!(r#""k{n}x":1"#)).collect();
        format!(r#"{{"m":{{{},"z":{last}}}}}"#, entries.join(","))
    };
    check(&wide("1"), &wide("2"), expect!["body.m{} value integer→integer"]);
    check(r#"{"a b":1}"#, r#"{"a b":2}"#, expect![[r#"body."a b" value integer→integer"#]]);
    check(r#"{"a.b":1}"#, r#"{"a.b":2}"#, expect![[r#"body."a.b" value integer→integer"#]]);
}

#[test]
fn statuses() {
    let errors = |live: u16, candidate: u16| {
        let live = Answer { status: live, ..answer(r#"{"error":"x"}"#) };
        let candidate = Answer { status: candidate, ..answer(r#"{"fault":"y","at":7}"#) };
        lines(&live, &candidate, &Rules::default())
    };
    assert_eq!(errors(500, 503), "");
    assert_eq!(errors(404, 404), "");
    assert_eq!(errors(404, 400), "status status 404→400\n");
    assert_eq!(errors(404, 500), "status status 404→500\n");
    assert_eq!(errors(200, 500), "status status 200→500\n");
    assert_eq!(errors(200, 201), "status status 200→201\n");
    assert_eq!(
        errors(201, 201),
        "body.at extra absent→integer\nbody.error missing text→absent\nbody.fault extra absent→text\n"
    );
}

#[test]
fn an_errors_headers_are_compared_unless_they_describe_its_body() {
    let error = |headers| Answer { status: 401, ..with_headers(headers) };
    let live = error(&[("www-authenticate", "Basic"), ("content-type", "text/html")]);
    let candidate = error(&[("www-authenticate", "Bearer"), ("content-language", "de")]);
    assert_eq!(
        lines(&live, &candidate, &Rules::default()),
        "header.www-authenticate header text→text\n"
    );
}

#[test]
fn headers() {
    let check = |live: &[(&str, &str)], candidate: &[(&str, &str)], expected: &str| {
        let lines = lines(&with_headers(live), &with_headers(candidate), &Rules::default());
        assert_eq!(lines.trim_end(), expected, "{live:?} {candidate:?}");
    };
    check(&[("x-a", "1")], &[("x-a", "2")], "header.x-a header numeric text→numeric text");
    check(&[("x-a", "1")], &[], "header.x-a missing numeric text→absent");
    check(&[], &[("x-a", "b")], "header.x-a extra absent→text");
    check(&[("x-a", "1"), ("x-a", "2")], &[("x-a", "1, 2")], "");
    check(&[("x-a", "1"), ("x-a", "2")], &[("x-a", "2, 1")], "header.x-a header text→text");
    check(&[("vary", "Accept, Origin")], &[("vary", "origin"), ("vary", "accept")], "");
    check(&[("vary", "Accept")], &[("vary", "Accept, Origin")], "header.vary header text→text");
    check(&[("date", "x"), ("x-request-id", "1")], &[("server", "y"), ("date", "z")], "");
    check(&[("etag", "\"1\"")], &[("etag", "W/\"2\"")], "");
    check(&[("etag", "\"1\"")], &[], "header.etag missing text→absent");
    for (live, candidate, expected) in [
        ("application/json", "application/json; charset=UTF-8", ""),
        ("text/html;charset=\"utf-8\"", "Text/HTML; charset=utf-8", ""),
        ("multipart/mixed; boundary=A", "multipart/mixed; boundary=b", ""),
        ("text/html; charset=utf-8", "text/html", "header.content-type header text→text"),
        ("application/json", "text/json", "header.content-type header text→text"),
        (
            "application/json",
            "application/json; charset=latin1",
            "header.content-type header text→text",
        ),
    ] {
        check(&[("content-type", live)], &[("content-type", candidate)], expected);
    }
}

#[test]
fn cookies_are_compared_but_for_their_values() {
    let check = |live: &[&str], candidate: &[&str], expected: &str| {
        let answer = |values: &[&str]| {
            let fields: Vec<(&str, &str)> = values.iter().map(|v| ("set-cookie", *v)).collect();
            with_headers(&fields)
        };
        let lines = lines(&answer(live), &answer(candidate), &Rules::default());
        assert_eq!(lines.trim_end(), expected, "{live:?} {candidate:?}");
    };
    check(&["s=1; Path=/; HttpOnly"], &["s=2; httponly; path=/"], "");
    check(&["s=1; Max-Age=5"], &["s=1; max-age=9"], "");
    check(&["a=1", "b=1"], &["b=2", "a=2"], "");
    check(&["s=1; Secure"], &["s=1"], "header.set-cookie.s header text→empty text");
    check(&["s=1", "t=1"], &["s=1"], "header.set-cookie.t missing empty text→absent");
    check(&["s=1; Path=/a"], &["s=1; Path=/A"], "header.set-cookie.s header text→text");
}

#[test]
fn bodies_of_each_sort() {
    let check = |live: Body, candidate: Body, expected: &str| {
        let of = |body| Answer { body, ..with_headers(&[]) };
        let lines = lines(&of(live.clone()), &of(candidate.clone()), &Rules::default());
        assert_eq!(lines.trim_end(), expected, "{live:?} {candidate:?}");
    };
    let text = |text: &str| Body::Text(text.to_owned());
    let opaque = |length, hash| Body::Opaque { length, hash };
    check(text("a  b\n"), text(" a b"), "");
    check(text("a b"), text("ab"), "body text text→text");
    check(opaque(3, 7), opaque(3, 7), "");
    check(opaque(3, 7), opaque(4, 7), "body length bytes→longer");
    check(opaque(3, 7), opaque(3, 8), "body value bytes→bytes");
    check(Body::Empty, text("x"), "body extra absent→text body");
    check(Body::Value(json("1")), Body::Empty, "body missing integer→absent");
    check(Body::Value(json("{}")), text("{}"), "body type empty map→text body");
    let frames = Body::Frames;
    let frame = |text| Frame::Value(json(text));
    let bytes = |hash| Frame::Opaque { length: 1, hash };
    check(frames(vec![frame("{\"a\":1}")]), frames(vec![frame("{\"a\":1.0}")]), "");
    check(
        frames(vec![frame("{\"a\":1}"), bytes(1)]),
        frames(vec![frame("{\"a\":2}"), bytes(2)]),
        "body[] value bytes→bytes\nbody[].a value integer→integer",
    );
    check(frames(vec![bytes(1)]), frames(vec![bytes(1), bytes(2)]), "body length frames→longer");
    check(frames(vec![bytes(1)]), frames(vec![frame("1")]), "body[] type bytes→integer");
}

#[test]
fn grpc_trailers_are_the_same_wherever_they_stand() {
    let ok = |code: &str| Answer {
        trailers: vec![("grpc-status".into(), code.into())],
        ..with_headers(&[])
    };
    let at_once = with_headers(&[("grpc-status", "5"), ("grpc-message", "gone")]);
    assert_eq!(lines(&ok("5"), &at_once, &Rules::default()), "");
    assert_eq!(
        lines(&ok("0"), &at_once, &Rules::default()),
        "trailer.grpc-status header numeric text→numeric text\n"
    );
    assert_eq!(
        lines(&ok("0"), &with_headers(&[]), &Rules::default()),
        "trailer.grpc-status missing numeric text→absent\n"
    );
}

#[test]
fn limits() {
    let check = |limits: Limits, body: &str, fits: bool| {
        let terms = Terms { rules: &Rules::default(), limits: &limits, now: NOW };
        let [small, large] = [answer("1"), answer(body)];
        let expected = if fits { Ok(()) } else { Err(Incomparable::Limit) };
        for (live, candidate, reference) in
            [(&large, &small, &small), (&small, &large, &small), (&small, &small, &large)]
        {
            let bijections = &mut Bijections::default();
            let outcome = compare(live, candidate, Some(reference), &terms, bijections);
            assert_eq!(outcome.map(|_| ()), expected, "{limits:?} {body}");
        }
    };
    check(Limits { depth: 3, nodes: 9 }, r#"{"a":[1]}"#, true);
    check(Limits { depth: 2, nodes: 9 }, r#"{"a":[1]}"#, false);
    check(Limits { depth: 9, nodes: 5 }, r#"{"a":[1,2],"b":3}"#, true);
    check(Limits { depth: 9, nodes: 4 }, r#"{"a":[1,2],"b":3}"#, false);
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    check(Limits::default(), &nested(64), true);
    check(Limits::default(), &nested(65), false);
    let list = |nodes: usize| format!("[{}]", vec!["1"; nodes - 1].join(","));
    check(Limits::default(), &list(20_000), true);
    check(Limits::default(), &list(20_001), false);
}

#[test]
fn a_search_ends_after_a_thousand_places() {
    // 40 keys of 25 each, all with this value. The body itself is the first place.
    let wide = |value: &str| {
        let keys = |count: u8, value: &str| {
            let key =
                |at: u8| format!("k{}{}", char::from(b'a' + at / 26), char::from(b'a' + at % 26));
            let entries = (0..count).map(|at| format!(r#""{}":{value}"#, key(at)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        };
        answer(&format!(r#"{{"a":{},"last":{value}}}"#, keys(40, &keys(25, value))))
    };
    let check = |rules: &Rules, reference: &Answer| {
        let terms = Terms { rules, limits: &Limits::default(), now: NOW };
        let (live, candidate) = (wide("1"), wide("2"));
        compare(&live, &candidate, Some(reference), &terms, &mut Bijections::default())
    };
    let told = |differences: &[Difference]| {
        let has_last = differences.iter().any(|difference| difference.path.as_str() == "body.last");
        (differences.len(), has_last, differences[0].reference)
    };
    assert_eq!(told(&check(&Rules::default(), &wide("1")).unwrap()), (999, false, Some(false)));
    assert_eq!(told(&check(&Rules::default(), &wide("3")).unwrap()), (999, false, Some(true)));
    // What excuses all that was looked at may not excuse the rest.
    let excused = rules(&[("body.a.*.*", Action::Shape(Format::Integer))]);
    assert_eq!(check(&excused, &wide("1")), Err(Incomparable::Limit));
    let all_but_one = rules(&[("body.a.kaa.*", Action::Shape(Format::Integer))]);
    assert_eq!(told(&check(&all_but_one, &wide("1")).unwrap()), (974, false, Some(false)));
}

#[test]
fn the_second_answer_tells_noise_from_the_rest() {
    let check = |live: &Answer, candidate: &Answer, reference: &Answer, expected: &str| {
        let bijections = &mut Bijections::default();
        let found = compared(live, candidate, Some(reference), &Rules::default(), bijections);
        let lines: Vec<String> = found
            .iter()
            .map(|d| format!("{} {} {} {:?}", d.path, d.kind, d.candidate, d.reference))
            .collect();
        assert_eq!(lines.join("\n"), expected);
    };
    let [one, two] = [answer(r#"{"at":1,"x":1}"#), answer(r#"{"at":2,"x":1}"#)];
    check(&one, &one, &one, "");
    check(&one, &two, &one, "body.at value true Some(false)");
    check(&one, &one, &two, "body.at value false Some(true)");
    check(&one, &two, &two, "body.at value true Some(true)");
    check(
        &one,
        &answer(r#"{"at":"1","x":2}"#),
        &two,
        "body.at type true Some(false)\nbody.at value false Some(true)\nbody.x value true Some(false)",
    );
    // What the second answer does not have, it says nothing of.
    check(&one, &two, &with_status(503), "body.at value true None\nstatus status false Some(true)");
    check(
        &answer(r#"{"a":{"b":1},"ab":1}"#),
        &answer(r#"{"a":{"b":2},"ab":2}"#),
        &answer(r#"{"ab":1}"#),
        "body.a missing false Some(true)\nbody.a.b value true None\nbody.ab value true Some(false)",
    );
}

#[test]
fn duplicate_keys_make_no_map() {
    let entry = |key: &str| (key.into(), Value::Null);
    assert_eq!(Map::new(vec![entry("a"), entry("b"), entry("a")]), Err(Incomparable::DuplicateKey));
    let map = Map::new(vec![entry("b"), entry("a")]).unwrap();
    assert_eq!(map.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((map.len(), map.get("b"), map.get("c")), (2, Some(&Value::Null), None));
}

#[test]
fn the_volatile_list_is_sorted_and_gives_reasons() {
    assert!(VOLATILE.is_sorted_by(|a, b| a.name < b.name));
    assert!(VOLATILE.iter().all(|field| !field.reason.is_empty()));
    assert!(VOLATILE.iter().all(|field| field.name == field.name.to_ascii_lowercase()));
}
