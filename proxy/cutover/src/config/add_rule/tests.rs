use expect_test::{Expect, expect};

use super::*;

fn shape() -> Rule {
    Rule {
        path: "body.seen".into(),
        reason: "legacy's \"own\" clock".into(),
        shape: Some("rfc3339".into()),
        ..Rule::default()
    }
}

fn check(text: &str, route: &str, rule: &Rule, expected: Expect) {
    let added = add_rule(text, route, rule).expect("the route is there");
    expected.assert_eq(&added);
    // What was there is there still, in its order, and what was added is the rule.
    let before: toml::Table = text.parse().unwrap();
    let after: toml::Table = added.parse().unwrap();
    let rules = |file: &toml::Table| {
        let routes = file["route"].as_array().unwrap();
        let declared = routes.iter().find(|declared| declared["id"].as_str() == Some(route));
        declared.unwrap().get("rule").map_or(Vec::new(), |rules| rules.as_array().unwrap().clone())
    };
    let (mut wanted, found) = (rules(&before), rules(&after));
    wanted.push(toml::Value::try_from(rule).unwrap());
    assert_eq!(found, wanted);
    for line in text.lines().filter(|line| line.trim_start().starts_with('#')) {
        assert!(added.contains(line), "{line}");
    }
}

const TEXT: &str = r#"# Devices.
[group.devices]
owner = "devices-team"

[[route]]
id = "a"            # the first
shadow = {}

[route.slo]
availability = 99.9 # of users' requests

# The second one.
[[route]]
id = "b"

[[route.rule]]      # since the outage
path = "body.x"
ignore = []
reason = "x"
# The end.
"#;

#[test]
fn behind_what_belongs_to_the_route() {
    check(
        TEXT,
        "a",
        &shape(),
        expect![[r##"
        # Devices.
        [group.devices]
        owner = "devices-team"

        [[route]]
        id = "a"            # the first
        shadow = {}

        [route.slo]
        availability = 99.9 # of users' requests

        [[route.rule]]
        path = "body.seen"
        shape = "rfc3339"
        reason = "legacy's \"own\" clock"

        # The second one.
        [[route]]
        id = "b"

        [[route.rule]]      # since the outage
        path = "body.x"
        ignore = []
        reason = "x"
        # The end.
    "##]],
    );
}

#[test]
fn behind_the_rules_that_are_there() {
    let rule = Rule {
        path: "body.total".into(),
        reason: "rounds".into(),
        expires: Some("2026-12-31".into()),
        tolerate: Some(Tolerate { number: Some("0.01".into()), ..Tolerate::default() }),
        ..Rule::default()
    };
    check(
        TEXT,
        "b",
        &rule,
        expect![[r##"
        # Devices.
        [group.devices]
        owner = "devices-team"

        [[route]]
        id = "a"            # the first
        shadow = {}

        [route.slo]
        availability = 99.9 # of users' requests

        # The second one.
        [[route]]
        id = "b"

        [[route.rule]]      # since the outage
        path = "body.x"
        ignore = []
        reason = "x"

        [[route.rule]]
        path = "body.total"
        tolerate = { number = "0.01" }
        reason = "rounds"
        expires = "2026-12-31"
        # The end.
    "##]],
    );
}

#[test]
fn into_lists_as_their_authors_write_them() {
    let ignore = Rule {
        path: "status".into(),
        reason: "r".into(),
        ignore: Some(vec!["status".into()]),
        ..Rule::default()
    };
    check(
        "[[route]]\nid = \"a\"\nrule = [\n  { path = \"body\", compare = true, reason = \"r\" }, # all\n]\nnew = \"x\"\n",
        "a",
        &ignore,
        expect![[r#"
            [[route]]
            id = "a"
            rule = [
              { path = "body", compare = true, reason = "r" }, # all
              { path = "status", ignore = ["status"], reason = "r" },
            ]
            new = "x"
        "#]],
    );
    check(
        "[[route]]\nid = \"a\"\nrule = [\n  { path = \"body\", compare = true, reason = \"r\" } # all\n]\n",
        "a",
        &ignore,
        expect![[r#"
            [[route]]
            id = "a"
            rule = [
              { path = "body", compare = true, reason = "r" }, # all
              { path = "status", ignore = ["status"], reason = "r" }
            ]
        "#]],
    );
    check(
        "route = [{ id = \"b\" }, { id = \"a\", new = \"x\" }]\n",
        "a",
        &ignore,
        expect![[r#"
            route = [{ id = "b" }, { id = "a", new = "x", rule = [{ path = "status", ignore = ["status"], reason = "r" }] }]
        "#]],
    );
}

#[test]
fn only_a_route_that_the_text_declares() {
    assert_eq!(add_rule(TEXT, "c", &shape()), None);
    assert_eq!(add_rule("route = 7", "a", &shape()), None);
    assert_eq!(add_rule("[[route]\n", "a", &shape()), None);
    assert_eq!(add_rule("", "a", &shape()), None);
}

#[test]
fn alone() {
    expect![[r#"
        [[route.rule]]
        path = "body.seen"
        shape = "rfc3339"
        reason = "legacy's \"own\" clock"
    "#]]
    .assert_eq(&rule_text(&shape()));
}
