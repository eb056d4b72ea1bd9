use expect_test::{Expect, expect};

use super::*;

fn check(template: &str, expected: Expect) {
    let actual = match template.parse::<PathTemplate>() {
        Ok(template) => format!("{:?}", template.segments),
        Err(error) => format!("error: {error}"),
    };
    expected.assert_eq(&actual);
}

#[test]
fn templates_are_literals_parameters_and_a_rest() {
    check("/", expect!["[]"]);
    check("/a/{id}", expect!["[Literal([97]), Param(\"id\")]"]);
    check("/a%2Fb/{x...}", expect!["[Literal([97, 47, 98]), Rest(\"x\")]"]);
}

#[test]
fn what_could_never_match_is_refused() {
    check("a", expect!["error: a path template starts with `/`"]);
    check(
        "/a//b",
        expect!["error: a path with an empty segment (`//` or a `/` at the end) matches no route"],
    );
    check(
        "/a/",
        expect!["error: a path with an empty segment (`//` or a `/` at the end) matches no route"],
    );
    check("/a/%2e%2e", expect!["error: a path with the segment `%2e%2e` matches no route"]);
    check("/%zz", expect!["error: `%zz` has a `%` without two hexadecimal digits"]);
    check(
        "/a-{id}",
        expect![
            "error: `a-{id}` is no parameter: write a whole segment as {name} or {name...}, name of a-z, A-Z, 0-9 and _"
        ],
    );
    check(
        "/{}",
        expect![
            "error: `{}` is no parameter: write a whole segment as {name} or {name...}, name of a-z, A-Z, 0-9 and _"
        ],
    );
    check(
        "/{a...}/b",
        expect!["error: `{a...}` takes the rest of the path, so it must be the last segment"],
    );
    check("/{a}/{a}", expect!["error: the parameter `a` occurs twice"]);
    check("/a?b", expect!["error: a path template has no `?` and no `#`"]);
    check(&"/a".repeat(33), expect!["error: more than 32 segments"]);
}

#[test]
fn parameters_are_decoded_and_the_rest_is_raw() {
    let template: PathTemplate = "/homes/{home}/files/{path...}".parse().unwrap();
    let path = "/homes/a%2Fb/files/x/y%20z";
    assert_eq!(template.param(path, "home").as_deref(), Some("a/b"));
    assert_eq!(template.param(path, "path").as_deref(), Some("x/y%20z"));
    assert_eq!(template.param(path, "other"), None);
    assert_eq!(template.param("/homes/%ff/files/x", "home"), None, "not UTF-8");
}

#[test]
fn hosts_are_names_without_port() {
    assert_eq!("API.example.org".parse(), Ok(HostMatch::Exact("api.example.org".into())));
    assert_eq!("*.example.org".parse(), Ok(HostMatch::Suffix(".example.org".into())));
    assert_eq!("[::1]".parse(), Ok(HostMatch::Exact("[::1]".into())));
    for text in ["", "a:80", "*", "a.*.b", "a..b", "*.[::1]", "a b"] {
        assert_eq!(text.parse::<HostMatch>(), Err(BadHost(text.into())), "{text}");
    }
}

#[test]
fn a_literal_is_told_however_it_is_spelt() {
    let template: PathTemplate = "/a b/{id}/{rest...}".parse().unwrap();
    let [literal, param, rest] = template.segments() else { panic!("{template}") };
    assert!(literal.spells("a b") && literal.spells("a%20b") && literal.spells("%61%20b"));
    assert!(!literal.spells("a+b") && !literal.spells("a%2") && !literal.spells(""));
    assert!(!param.spells("{id}") && !rest.spells("x"));
}
