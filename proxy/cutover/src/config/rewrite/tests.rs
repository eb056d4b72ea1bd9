use expect_test::{Expect, expect};

use super::*;

fn check(text: &str, targets: &[(&str, &str)], expected: Expect) {
    let target = |text: &str| match text.strip_prefix("canary ") {
        Some(percent) => Target::canary(percent.parse().unwrap()),
        None => Target::phase(text.parse().unwrap()),
    };
    let truth: BTreeMap<String, Target> =
        targets.iter().map(|(id, at)| ((*id).to_owned(), target(at))).collect();
    let rewritten = rewrite_one(text, &truth);
    expected.assert_eq(&rewritten);
    let root = node::parse(&rewritten, 0, &mut Report::default());
    for route in root.get("route").unwrap().items() {
        let Value::String(id) = &route.get("id").unwrap().value else { panic!("no id") };
        if let Some(target) = truth.get(id) {
            assert_eq!(declared(route), Some(*target), "{id}");
        }
    }
    assert_eq!(rewrite_one(&rewritten, &truth), rewritten, "a second time changes nothing");
}

const TEXT: &str = r#"# Devices.
[[route]]
id = "a"            # the first
phase = "canary"    # since Tuesday
percent = 5.0
new = "x"

[[route]]
id = "b"            # the second
new = "x"

[[route]]
id = "c"
new = "x"
phase = "live"
"#;

#[test]
fn only_what_moved_changes() {
    check(
        TEXT,
        &[("a", "live"), ("b", "canary 12.5"), ("c", "live"), ("d", "live")],
        expect![[r##"
            # Devices.
            [[route]]
            id = "a"            # the first
            phase = "live"    # since Tuesday
            new = "x"

            [[route]]
            id = "b"            # the second
            phase = "canary"
            percent = 12.5
            new = "x"

            [[route]]
            id = "c"
            new = "x"
            phase = "live"
        "##]],
    );
}

#[test]
fn back_into_the_cohort() {
    check(
        TEXT,
        &[("a", "canary 50"), ("c", "canary 0.25")],
        expect![[r##"
            # Devices.
            [[route]]
            id = "a"            # the first
            phase = "canary"    # since Tuesday
            percent = 50
            new = "x"

            [[route]]
            id = "b"            # the second
            new = "x"

            [[route]]
            id = "c"
            new = "x"
            phase = "canary"
            percent = 0.25
        "##]],
    );
}

#[test]
fn inline_tables_keep_their_commas() {
    check(
        r#"route = [{ id = "a", percent = 5, phase = "canary" }, { percent = 5, phase = "canary", id = "b" }, { id = "c" }]"#,
        &[("a", "live"), ("b", "shadow"), ("c", "canary 1")],
        expect![[
            r#"route = [{ id = "a", phase = "live" }, { phase = "shadow", id = "b" }, { id = "c", phase = "canary", percent = 1 }]"#
        ]],
    );
}

#[test]
fn a_file_without_its_last_newline() {
    check(
        "[[route]]\nid = \"a\"",
        &[("a", "shadow")],
        expect![[r#"
            [[route]]
            id = "a"
            phase = "shadow""#]],
    );
}

#[test]
fn what_is_no_toml_stays() {
    let truth = BTreeMap::from([("a".to_owned(), Target::phase(Phase::Live))]);
    assert_eq!(rewrite_one("[[route]]\nid = \"a", &truth), "[[route]]\nid = \"a");
}
