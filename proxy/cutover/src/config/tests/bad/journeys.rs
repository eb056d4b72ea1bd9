//! `[journey.NAME]`.

use super::*;

/// A journey that is right, beside a route that writes.
const JOURNEY: &str = r#"
[[route]]
id = "device-write"
group = "devices"
match = { methods = ["PATCH"], path = "/devices/{id}" }

[journey.device-state]
start = { route = "device-write" }
end = { route = "device-read" }
correlate = ["path:id", "answer:etag"]
within_ms = 2000
target = 99.0
"#;

fn journey(from: &str, to: &str, expected: Expect) {
    assert!(JOURNEY.contains(from), "{from:?} is not in the file");
    check(PROCESS, &format!("{TEAM}{}", JOURNEY.replacen(from, to, 1)), expected);
}

#[test]
fn nothing_wrong_with_it() {
    journey(
        "",
        "",
        expect![[r#"
        nothing
    "#]],
    );
}

#[test]
fn a_route_that_is_not_there() {
    journey(
        r#"{ route = "device-read" }"#,
        r#"{ route = "device-raed" }"#,
        expect![[r#"
        error[bad_journey]: route `device-raed` is not declared
          --> routes/devices.toml:18:17
           |
        18 | end = { route = "device-raed" }
           |                 ^^^^^^^^^^^^^
           |
           = help: did you mean `device-read`?
    "#]],
    );
}

#[test]
fn ends_that_are_mixed_up() {
    journey(
        r#"start = { route = "device-write" }
end = { route = "device-read" }"#,
        r#"start = { route = ["device-write", "device-read"] }
end = { route = "device-write" }"#,
        expect![[r#"
            error[bad_journey]: no request of route `device-read` changes anything, so none begins a journey
              --> routes/devices.toml:17:36
               |
            17 | start = { route = ["device-write", "device-read"] }
               |                                    ^^^^^^^^^^^^^
               |
               = help: name the route of the changes; this one may be an `end`

            error[bad_journey]: no request of route `device-write` only reads, so none ends a journey
              --> routes/devices.toml:18:17
               |
            18 | end = { route = "device-write" }
               |                 ^^^^^^^^^^^^^^
               |
               = help: name the route of the reads; this one may be a `start`
        "#]],
    );
}

#[test]
fn nothing_that_names_the_entity() {
    journey(
        r#"["path:id", "answer:etag"]"#,
        r#"["answer:etag"]"#,
        expect![[r#"
        error[bad_journey]: nothing in `correlate` names the entity
          --> routes/devices.toml:19:13
           |
        19 | correlate = ["answer:etag"]
           |             ^^^^^^^^^^^^^^^ a reader of one device says nothing about the state of another
           |
           = help: add what both requests have in common, like `path:id`
    "#]],
    );
}

#[test]
fn a_source_that_is_none() {
    journey(
        r#""answer:etag""#,
        r#""body:version""#,
        expect![[r#"
        error[bad_journey]: `body:version` is no part of a correlation: use path:NAME, header:NAME or answer:NAME
          --> routes/devices.toml:19:25
           |
        19 | correlate = ["path:id", "body:version"]
           |                         ^^^^^^^^^^^^^^
    "#]],
    );
    journey(
        r#""answer:etag""#,
        r#""answer:e tag""#,
        expect![[r#"
        error[bad_journey]: `answer:e tag` is no part of a correlation: use path:NAME, header:NAME or answer:NAME
          --> routes/devices.toml:19:25
           |
        19 | correlate = ["path:id", "answer:e tag"]
           |                         ^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn a_parameter_that_a_template_lacks() {
    journey(
        r#""path:id""#,
        r#""path:device""#,
        expect![[r#"
        error[bad_journey]: the template of route `device-write` has no parameter `device`
          --> routes/devices.toml:17:19
           |
        17 | start = { route = "device-write" }
           |                   ^^^^^^^^^^^^^^ its path is `/devices/{id}`
           |
           = help: every route of a journey names the entity by the same parameters

        error[bad_journey]: the template of route `device-read` has no parameter `device`
          --> routes/devices.toml:18:17
           |
        18 | end = { route = "device-read" }
           |                 ^^^^^^^^^^^^^ its path is `/devices/{id}`
           |
           = help: every route of a journey names the entity by the same parameters
    "#]],
    );
}

#[test]
fn lost_before_it_is_late() {
    journey(
        "target = 99.0",
        "lost_ms = 2000\ntarget = 99.0",
        expect![[r#"
        error[bad_journey]: `lost_ms` must be more than `within_ms`, 2000
          --> routes/devices.toml:21:11
           |
        21 | lost_ms = 2000
           |           ^^^^
           |
           = help: what comes after `within_ms` and before `lost_ms` is late
    "#]],
    );
}

#[test]
fn a_promise_without_a_budget() {
    journey(
        "target = 99.0",
        "target = 100",
        expect![[r#"
        error[slo_objective]: an objective lies above 0 and below 100 %, 100 does not
          --> routes/devices.toml:21:10
           |
        21 | target = 100
           |          ^^^
           |
           = help: 100 % leaves no budget for a single failure; use 99.9 or 99.99
    "#]],
    );
}

#[test]
fn a_journey_twice_over_files() {
    let (_, own) = JOURNEY.split_once("\n[journey").unwrap();
    let process = format!("{PROCESS}\n[journey{own}");
    check(
        &process,
        &format!("{TEAM}{JOURNEY}"),
        expect![[r#"
        error[duplicate_id]: the journey `device-state` is declared twice
          --> routes/devices.toml:16:10
           |
        16 | [journey.device-state]
           |          ^^^^^^^^^^^^
           |
          ::: cutover.toml:13:10
           |
        13 | [journey.device-state]
           |          ------------ declared here first
           |
           = help: rename one of them
    "#]],
    );
}

#[test]
fn a_route_of_any_method_fits_both_ends() {
    journey(
        r#"match = { methods = ["PATCH"], "#,
        "match = { ",
        expect![[r#"
        nothing
    "#]],
    );
}

#[test]
fn a_broken_route_is_no_second_mistake() {
    journey(
        r#"path = "/devices/{id}""#,
        r#"path = "devices/{id}""#,
        expect![[r#"
        error[bad_template]: a path template starts with `/`
          --> routes/devices.toml:14:39
           |
        14 | match = { methods = ["PATCH"], path = "devices/{id}" }
           |                                       ^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn too_many() {
    let mut file = format!("{TEAM}{JOURNEY}");
    let (_, own) = JOURNEY.split_once("[journey.device-state]").unwrap();
    (0..32).for_each(|at| file.push_str(&format!("[journey.x{at}]{own}")));
    check(
        PROCESS,
        &file,
        expect![[r#"
        error[bad_journey]: more than 32 journeys
          --> routes/devices.toml:76:10
           |
        76 | [journey.x9]
           |          ^^
    "#]],
    );
}
