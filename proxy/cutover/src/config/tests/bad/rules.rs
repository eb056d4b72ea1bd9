//! Rules of comparison, and what samples may keep.

use super::*;

#[test]
fn a_rule_without_an_action() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
reason = "r"
path = "body.a""#,
        expect![[r#"
            error[bad_rule]: a rule has one action, this one has 0: give one of `ignore`, `tolerate`, `unordered_by`, `shape`, `renamed`, `normalise`, `compare`
              --> routes/devices.toml:11:1
               |
            11 | [[route.rule]]
               | ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_with_two_actions() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
ignore = []
compare = true"#,
        expect![[r#"
            error[bad_rule]: a rule has one action, this one has 2: give one of `ignore`, `tolerate`, `unordered_by`, `shape`, `renamed`, `normalise`, `compare`
              --> routes/devices.toml:11:1
               |
            11 | [[route.rule]]
               | ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_for_no_path() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "bdoy.a"
reason = "r"
ignore = []"#,
        expect![[r#"
            error[bad_rule]: `bdoy.a` is no path: start with `status`, `header.NAME`, `trailer.NAME` or `body`
              --> routes/devices.toml:12:8
               |
            12 | path = "bdoy.a"
               |        ^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_without_a_reason() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = " "
ignore = []"#,
        expect![[r#"
            error[bad_rule]: the rule for `body.a` gives no reason: say why this may differ
              --> routes/devices.toml:11:1
               |
            11 | [[route.rule]]
               | ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_that_ignores_what_breaks_clients_everywhere() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.**"
reason = "r"
ignore = ["missing"]
expires = "2099-12-31""#,
        expect![[r#"
            error[bad_rule]: the rule for `body.**` would ignore `missing` at many places: that kind breaks clients and is ignored only at one exact path
              --> routes/devices.toml:11:1
               |
            11 | [[route.rule]]
               | ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_that_ignores_what_breaks_clients_for_good() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
ignore = ["type"]"#,
        expect![[r#"
            error[bad_rule]: the rule for `body.a` would ignore `type` for good: that kind breaks clients, give the rule an expiry (usually 30 days)
              --> routes/devices.toml:11:1
               |
            11 | [[route.rule]]
               | ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_with_an_unknown_kind() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
ignore = ["colour"]"#,
        expect![[r#"
            error[bad_rule]: `colour` is no kind of difference: write status, header, missing, extra, type, value, order, length or text
              --> routes/devices.toml:14:11
               |
            14 | ignore = ["colour"]
               |           ^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_with_no_day() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
ignore = []
expires = "2026-02-30""#,
        expect![[r#"
            error[bad_rule]: `2026-02-30` is no day: write it like `2026-12-31`
              --> routes/devices.toml:15:11
               |
            15 | expires = "2026-02-30"
               |           ^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_with_an_unknown_format() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
shape = "guid""#,
        expect![[r#"
            error[bad_rule]: `guid` is no format: write uuid, ulid, rfc3339, date, http-date, integer, number, hex, base64, jwt or non-empty
              --> routes/devices.toml:14:9
               |
            14 | shape = "guid"
               |         ^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_that_tolerates_two_things() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
tolerate = { order = true, extra = true }"#,
        expect![[r#"
            error[bad_rule]: `tolerate` has one of `order = true`, `extra = true`, `number`, `time_ms`
              --> routes/devices.toml:14:12
               |
            14 | tolerate = { order = true, extra = true }
               |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_rule_with_a_distance_that_is_no_number() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
tolerate = { number = "little" }"#,
        expect![[r#"
            error[bad_rule]: no decimal number: write digits, with `-`, `.` and `e` where JSON allows them
              --> routes/devices.toml:14:23
               |
            14 | tolerate = { number = "little" }
               |                       ^^^^^^^^
        "#]],
    );
}

#[test]
fn rules_without_copies() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
[[route.rule]]
path = "body.a"
reason = "r"
ignore = []"#,
        expect![[r#"
            warning[no_effect]: `rule` is about copies, and this route has none
              --> routes/devices.toml:10:1
               |
            10 | [[route.rule]]
               | ^^^^^^^^^^^^^^
               |
               = help: add `shadow = {}` to have its requests copied and compared
        "#]],
    );
}

#[test]
fn a_rule_whose_time_is_over() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = {}
[[route.rule]]
path = "body.a"
reason = "r"
expires = "2020-01-01"
ignore = []"#,
        expect![[r#"
            warning[no_effect]: the last day of this rule, 2020-01-01, is past: it does nothing
              --> routes/devices.toml:14:11
               |
            14 | expires = "2020-01-01"
               |           ^^^^^^^^^^^^
               |
               = help: remove the rule, or give it a later day
        "#]],
    );
}

#[test]
fn credentials_in_samples() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = { keep = ["body.status", "request.header.Authorization"] }"#,
        expect![[r#"
            error[bad_keep]: `request.header.Authorization` would keep credentials: what stands at `authorization` is never kept
              --> routes/devices.toml:10:35
               |
            10 | shadow = { keep = ["body.status", "request.header.Authorization"] }
               |                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_place_that_is_none() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = { keep = ["querry.limit"] }"#,
        expect![[r#"
            error[bad_keep]: `querry.limit` is no place of a request or an answer: start with `body`, `header.NAME`, `trailer.NAME`, or for requests with `query.NAME`, `path.NAME`, `request.header.NAME`, `request.body`
              --> routes/devices.toml:10:20
               |
            10 | shadow = { keep = ["querry.limit"] }
               |                    ^^^^^^^^^^^^^^
        "#]],
    );
}
