//! A team's file.

use super::*;

#[test]
fn route_without_id() {
    team(
        r#"id = "device-read"
"#,
        r#""#,
        expect![[r#"
            error[missing_key]: [[route]] lacks `id`
             --> routes/devices.toml:5:1
              |
            5 | [[route]]
              | ^^^^^^^^^
              |
              = help: add `id = ...`: unique, of `a-z`, `0-9` and `-`; used in metrics, logs and commands
        "#]],
    );
}

#[test]
fn route_id() {
    team(
        r#"id = "device-read""#,
        r#"id = "Device Read""#,
        expect![[r#"
            error[bad_name]: `Device Read` is no name
             --> routes/devices.toml:6:6
              |
            6 | id = "Device Read"
              |      ^^^^^^^^^^^^^
              |
              = help: use 1 to 64 characters of a-z, 0-9 and -
        "#]],
    );
}

#[test]
fn route_id_twice() {
    team(
        r#"[[route]]"#,
        r#"[[route]]
id = "device-read"
group = "devices"
match = { path = "/x" }
[[route]]"#,
        expect![[r#"
            error[duplicate_id]: the route `device-read` is declared twice
              --> routes/devices.toml:10:6
               |
             6 | id = "device-read"
               |      ------------- declared here first
            ...
            10 | id = "device-read"
               |      ^^^^^^^^^^^^^
               |
               = help: rename one of them
        "#]],
    );
}

#[test]
fn group_twice_over_files() {
    team(
        r#"[group.devices]"#,
        r#"[upstream.registry]
url = "http://a"
[group.devices]"#,
        expect![[r#"
            error[duplicate_id]: the upstream `registry` is declared twice
              --> routes/devices.toml:1:11
               |
             1 | [upstream.registry]
               |           ^^^^^^^^
               |
              ::: cutover.toml:10:11
               |
            10 | [upstream.registry]
               |           -------- declared here first
               |
               = help: rename one of them
        "#]],
    );
}

#[test]
fn unknown_group() {
    team(
        r#"group = "devices""#,
        r#"group = "device""#,
        expect![[r#"
            error[unknown_group]: group `device` is not declared
             --> routes/devices.toml:7:9
              |
            7 | group = "device"
              |         ^^^^^^^^
              |
              = help: did you mean `devices`?
        "#]],
    );
}

#[test]
fn unknown_upstream() {
    team(
        r#"new = "registry""#,
        r#"new = "registri""#,
        expect![[r#"
            error[unknown_upstream]: upstream `registri` is not declared
             --> routes/devices.toml:9:7
              |
            9 | new = "registri"
              |       ^^^^^^^^^^
              |
              = help: did you mean `registry`?
        "#]],
    );
}

#[test]
fn unknown_upstreams_far_off() {
    team(
        r#"new = "registry""#,
        r#"new = "x"
legacy = "y""#,
        expect![[r#"
            error[unknown_upstream]: upstream `x` is not declared
             --> routes/devices.toml:9:7
              |
            9 | new = "x"
              |       ^^^
              |
              = help: declare it as `[upstream.x]`, or use `monolith` or `registry`

            error[unknown_upstream]: upstream `y` is not declared
              --> routes/devices.toml:10:10
               |
            10 | legacy = "y"
               |          ^^^
               |
               = help: declare it as `[upstream.y]`, or use `monolith` or `registry`
        "#]],
    );
}

#[test]
fn process_table_in_a_team_file() {
    team(
        r#"[[route]]"#,
        r#"[admin]
listen = "127.0.0.1:1"
[[route]]"#,
        expect![[r#"
            error[unknown_key]: unknown key `admin` in this file
             --> routes/devices.toml:5:2
              |
            5 | [admin]
              |  ^^^^^
              |
              = help: use `group`, `journey`, `route` or `upstream`
        "#]],
    );
}

#[test]
fn unknown_route_key() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phsae = "shadow""#,
        expect![[r#"
            error[unknown_key]: unknown key `phsae` in [[route]]
              --> routes/devices.toml:10:1
               |
            10 | phsae = "shadow"
               | ^^^^^
               |
               = help: did you mean `phase`?
        "#]],
    );
}

#[test]
fn unknown_phase() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canry""#,
        expect![[r#"
            error[unknown_value]: `canry` is no value of `phase`
              --> routes/devices.toml:10:9
               |
            10 | phase = "canry"
               |         ^^^^^^^ did you mean `canary`?
               |
               = help: use `legacy`, `shadow`, `canary`, `live` or `retired`
        "#]],
    );
}

#[test]
fn unknown_phase_far_off() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "prod""#,
        expect![[r#"
            error[unknown_value]: `prod` is no value of `phase`
              --> routes/devices.toml:10:9
               |
            10 | phase = "prod"
               |         ^^^^^^
               |
               = help: use `legacy`, `shadow`, `canary`, `live` or `retired`
        "#]],
    );
}

#[test]
fn canary_without_percent() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary""#,
        expect![[r#"
            error[bad_percent]: `canary` needs `percent`
              --> routes/devices.toml:10:9
               |
            10 | phase = "canary"
               |         ^^^^^^^^
               |
               = help: add the cohort's share, like `percent = 5.0`
        "#]],
    );
}

#[test]
fn canary_of_nobody() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary"
percent = 0"#,
        expect![[r#"
            error[bad_percent]: `canary` needs a percentage above 0
              --> routes/devices.toml:11:11
               |
            11 | percent = 0
               |           ^
               |
               = help: for nobody, use `phase = "shadow"` or `"legacy"`
        "#]],
    );
}

#[test]
fn percent_above_100() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary"
percent = 101"#,
        expect![[r#"
            error[bad_percent]: `101` is no percentage: use 0 to 100 with at most two decimals
              --> routes/devices.toml:11:11
               |
            11 | percent = 101
               |           ^^^
        "#]],
    );
}

#[test]
fn percent_too_fine() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary"
percent = 0.125"#,
        expect![[r#"
            error[bad_percent]: `0.125` is no percentage: use 0 to 100 with at most two decimals
              --> routes/devices.toml:11:11
               |
            11 | percent = 0.125
               |           ^^^^^
        "#]],
    );
}

#[test]
fn percent_as_text() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary"
percent = "5 %""#,
        expect![[r#"
            error[wrong_type]: `percent` must be a number, not a string
              --> routes/devices.toml:11:11
               |
            11 | percent = "5 %"
               |           ^^^^^
               |
               = help: write 5 without quotes
        "#]],
    );
}

#[test]
fn percent_not_a_number() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "canary"
percent = nan"#,
        expect![[r#"
            error[out_of_range]: `percent` must be a finite number
              --> routes/devices.toml:11:11
               |
            11 | percent = nan
               |           ^^^
        "#]],
    );
}

#[test]
fn percent_outside_canary() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
phase = "live"
percent = 5"#,
        expect![[r#"
            error[bad_percent]: only `canary` takes a percentage
              --> routes/devices.toml:11:1
               |
            11 | percent = 5
               | ^^^^^^^ the phase is `live`
               |
               = help: leave `percent` out, or set `phase = "canary"`
        "#]],
    );
}

#[test]
fn shadow_percent() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
shadow = { percent = 200, credentials = "keep" }"#,
        expect![[r#"
            error[unknown_value]: `keep` is no value of `credentials`
              --> routes/devices.toml:10:41
               |
            10 | shadow = { percent = 200, credentials = "keep" }
               |                                         ^^^^^^
               |
               = help: use `forward`, `drop` or `session`
        "#]],
    );
}

#[test]
fn template_without_slash() {
    team(
        r#""/devices/{id}""#,
        r#""devices/{id}""#,
        expect![[r#"
            error[bad_template]: a path template starts with `/`
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "devices/{id}" }
              |                                     ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_braces() {
    team(
        r#""/devices/{id}""#,
        r#""/devices/x{id}""#,
        expect![[r#"
            error[bad_template]: `x{id}` is no parameter: write a whole segment as {name} or {name...}, name of a-z, A-Z, 0-9 and _
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/devices/x{id}" }
              |                                     ^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_empty_segment() {
    team(
        r#""/devices/{id}""#,
        r#""/devices/""#,
        expect![[r#"
            error[bad_template]: a path with an empty segment (`//` or a `/` at the end) matches no route
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/devices/" }
              |                                     ^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_rest_in_the_middle() {
    team(
        r#""/devices/{id}""#,
        r#""/{all...}/devices""#,
        expect![[r#"
            error[bad_template]: `{all...}` takes the rest of the path, so it must be the last segment
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/{all...}/devices" }
              |                                     ^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_broken_escape() {
    team(
        r#""/devices/{id}""#,
        r#""/devices/%zz""#,
        expect![[r#"
            error[bad_template]: `%zz` has a `%` without two hexadecimal digits
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/devices/%zz" }
              |                                     ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_a_name_twice() {
    team(
        r#""/devices/{id}""#,
        r#""/{id}/{id}""#,
        expect![[r#"
            error[bad_template]: the parameter `id` occurs twice
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/{id}/{id}" }
              |                                     ^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn template_with_query() {
    team(
        r#""/devices/{id}""#,
        r#""/devices?x=1""#,
        expect![[r#"
            error[bad_template]: a path template has no `?` and no `#`
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/devices?x=1" }
              |                                     ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn method_in_lower_case() {
    team(
        r#"["GET"]"#,
        r#"["get"]"#,
        expect![[r#"
            error[bad_method]: `get` is no method
             --> routes/devices.toml:8:22
              |
            8 | match = { methods = ["get"], path = "/devices/{id}" }
              |                      ^^^^^
              |
              = help: write `GET`: case matters
        "#]],
    );
}

#[test]
fn method_misspelt() {
    team(
        r#"["GET"]"#,
        r#"["GET", "PSOT"]"#,
        expect![[r#"
            error[bad_method]: `PSOT` is no method
             --> routes/devices.toml:8:29
              |
            8 | match = { methods = ["GET", "PSOT"], path = "/devices/{id}" }
              |                             ^^^^^^
              |
              = help: did you mean `POST`?
        "#]],
    );
}

#[test]
fn methods_as_text() {
    team(
        r#"["GET"]"#,
        r#""GET""#,
        expect![[r#"
            error[wrong_type]: `methods` must be an array, not a string
             --> routes/devices.toml:8:21
              |
            8 | match = { methods = "GET", path = "/devices/{id}" }
              |                     ^^^^^
              |
              = help: write it in brackets: `["GET"]`
        "#]],
    );
}

#[test]
fn host_with_port() {
    team(
        r#"methods = ["GET"]"#,
        r#"host = "example.org:80""#,
        expect![[r#"
            error[bad_host]: `example.org:80` is no host: write a name without port, `*.` only in front
             --> routes/devices.toml:8:18
              |
            8 | match = { host = "example.org:80", path = "/devices/{id}" }
              |                  ^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn header_name() {
    team(
        r#"methods = ["GET"]"#,
        r#"headers = { "x y" = "1" }"#,
        expect![[r#"
            error[bad_header]: `x y` is no header name
             --> routes/devices.toml:8:23
              |
            8 | match = { headers = { "x y" = "1" }, path = "/devices/{id}" }
              |                       ^^^^^
        "#]],
    );
}

#[test]
fn header_absent() {
    team(
        r#"methods = ["GET"]"#,
        r#"headers = { x-beta = false }"#,
        expect![[r#"
            error[bad_header]: a route cannot ask for a header to be absent
             --> routes/devices.toml:8:32
              |
            8 | match = { headers = { x-beta = false }, path = "/devices/{id}" }
              |                                ^^^^^
              |
              = help: let a second route, with the header, take those requests
        "#]],
    );
}

#[test]
fn header_value() {
    team(
        r#"methods = ["GET"]"#,
        r#"headers = { x-beta = "a\nb" }"#,
        expect![[r#"
            error[bad_header]: this is no header value
             --> routes/devices.toml:8:32
              |
            8 | match = { headers = { x-beta = "a\nb" }, path = "/devices/{id}" }
              |                                ^^^^^^
        "#]],
    );
}

#[test]
fn subject_source() {
    team(
        r#"["path:id", "header:x-device-id"]"#,
        r#"["path:id", "heeder:x-device-id", "cert:dn"]"#,
        expect![[r#"
            error[bad_source]: `heeder:x-device-id` is no subject source: use cert:cn, cert:san, mqtt:client_id, mqtt:username, jwt:CLAIM, cookie:NAME, header:NAME, path:NAME or addr
             --> routes/devices.toml:3:23
              |
            3 | subject = ["path:id", "heeder:x-device-id", "cert:dn"]
              |                       ^^^^^^^^^^^^^^^^^^^^

            error[bad_source]: `cert:dn` is no subject source: use cert:cn, cert:san, mqtt:client_id, mqtt:username, jwt:CLAIM, cookie:NAME, header:NAME, path:NAME or addr
             --> routes/devices.toml:3:45
              |
            3 | subject = ["path:id", "heeder:x-device-id", "cert:dn"]
              |                                             ^^^^^^^^^
        "#]],
    );
}

#[test]
fn subject_that_no_request_has() {
    team(
        r#"["path:id", "header:x-device-id"]"#,
        r#""path:device""#,
        expect![[r#"
            warning[no_subject]: requests of route `device-read` can name no subject
             --> routes/devices.toml:8:37
              |
            8 | match = { methods = ["GET"], path = "/devices/{id}" }
              |                                     ^^^^^^^^^^^^^^^ its path has none of the parameters that `subject` names
              |
              = help: in `canary` legacy would serve them all; add a source such as `header:x-device-id` to `subject`
        "#]],
    );
}

#[test]
fn no_subject_at_all() {
    team(
        r#"subject = ["path:id", "header:x-device-id"]
"#,
        r#""#,
        expect![[r#"
            warning[no_subject]: requests of route `device-read` can name no subject
             --> routes/devices.toml:7:37
              |
            7 | match = { methods = ["GET"], path = "/devices/{id}" }
              |                                     ^^^^^^^^^^^^^^^ `[group.devices]` declares no `subject`
              |
              = help: in `canary` legacy would serve them all; add a source such as `header:x-device-id` to `subject`
        "#]],
    );
}

#[test]
fn jwt_subject_without_jwt() {
    team(
        r#"["path:id", "header:x-device-id"]"#,
        r#""jwt:sub""#,
        expect![[r#"
            error[jwt_unverified]: group `devices` reads a JWT claim, but there is no `[jwt]`
             --> routes/devices.toml:3:11
              |
            3 | subject = "jwt:sub"
              |           ^^^^^^^^^
              |
              = help: add `[jwt]` with `key = "file:..."` to the process file
        "#]],
    );
}

#[test]
fn attribute_without_values() {
    team(
        r#"subject ="#,
        r#"cohort = { attributes = [{ source = "header:x-region", values = [] }] }
subject ="#,
        expect![[r#"
            error[out_of_range]: `values` must not be empty
             --> routes/devices.toml:3:65
              |
            3 | cohort = { attributes = [{ source = "header:x-region", values = [] }] }
              |                                                                 ^^
        "#]],
    );
}

#[test]
fn subject_on_both_lists() {
    team(
        r#"subject ="#,
        r#"cohort = { deny = ["a", "b"], allow = ["b"] }
subject ="#,
        expect![[r#"
            warning[cohort_clash]: a subject is on both lists
             --> routes/devices.toml:3:40
              |
            3 | cohort = { deny = ["a", "b"], allow = ["b"] }
              |                                        ^^^ `deny` stands above `allow`, so legacy serves it
              |
              = help: take it off one of them
        "#]],
    );
}

#[test]
fn group_without_owner() {
    team(
        r#"owner = "devices-team"
"#,
        r#""#,
        expect![[r#"
            error[missing_key]: [group.devices] lacks `owner`
             --> routes/devices.toml:1:1
              |
            1 | [group.devices]
              | ^^^^^^^^^^^^^^^
              |
              = help: add `owner = ...`: the team that answers for it
        "#]],
    );
}

#[test]
fn overlap() {
    team(
        r#"[[route]]"#,
        r#"[[route]]
id = "any-device"
group = "devices"
match = { methods = ["GET", "POST"], path = "/devices/{device}" }
[[route]]"#,
        expect![[r#"
            error[overlap]: routes `any-device` and `device-read` overlap with equal rank, so a request would have no single route
              --> routes/devices.toml:12:9
               |
             8 | match = { methods = ["GET", "POST"], path = "/devices/{device}" }
               |         --------------------------------------------------------- overlaps with this
            ...
            12 | match = { methods = ["GET"], path = "/devices/{id}" }
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: make one more specific: by method, host, a literal segment or a header
        "#]],
    );
}

#[test]
fn unreachable() {
    team(
        r#"methods = ["GET"]"#,
        r#"headers = { x-beta = "1", X-Beta = "2" }"#,
        expect![[r#"
            warning[no_write_class]: route `device-read` writes, and does not say how
             --> routes/devices.toml:8:9
              |
            8 | match = { headers = { x-beta = "1", X-Beta = "2" }, path = "/devices/{id}" }
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ without a class it cannot leave `legacy`
              |
              = help: add `writes = "..."`: `safe`, `idempotent`, `dry_run`, `sandbox` or `unsafe`

            error[unreachable]: route `device-read` can never be met: it asks for two values of header `x-beta`
             --> routes/devices.toml:8:21
              |
            8 | match = { headers = { x-beta = "1", X-Beta = "2" }, path = "/devices/{id}" }
              |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: ask for one value, and let a second route take the other
        "#]],
    );
}

#[test]
fn move_without_new() {
    team(
        r#"new = "registry""#,
        r#"phase = "shadow""#,
        expect![[r#"
            error[no_new]: `shadow` needs an upstream `new`
             --> routes/devices.toml:9:9
              |
            9 | phase = "shadow"
              |         ^^^^^^^^
              |
              = help: add `new = "NAME"`, or leave the route in `legacy`
        "#]],
    );
}

#[test]
fn write_without_class_may_stay_in_legacy() {
    team(
        r#"methods = ["GET"]"#,
        r#"methods = ["PATCH"]"#,
        expect![[r#"
            warning[no_write_class]: route `device-read` writes, and does not say how
             --> routes/devices.toml:8:21
              |
            8 | match = { methods = ["PATCH"], path = "/devices/{id}" }
              |                     ^^^^^^^^^ without a class it cannot leave `legacy`
              |
              = help: add `writes = "..."`: `safe`, `idempotent`, `dry_run`, `sandbox` or `unsafe`
        "#]],
    );
}

#[test]
fn write_without_class_in_shadow() {
    team(
        r#"["GET"], path = "/devices/{id}" }"#,
        r#"["PATCH"], path = "/devices/{id}" }
phase = "shadow""#,
        expect![[r#"
            error[no_write_class]: a route that writes needs a class before it leaves `legacy`
             --> routes/devices.toml:9:9
              |
            9 | phase = "shadow"
              |         ^^^^^^^^
              |
              = help: add `writes = "..."`: `safe`, `idempotent`, `dry_run`, `sandbox` or `unsafe`
        "#]],
    );
}

#[test]
fn write_past_shadow() {
    team(
        r#"["GET"], path = "/devices/{id}" }"#,
        r#"["PUT"], path = "/devices/{id}" }
writes = "idempotent"
phase = "live""#,
        expect![[r#"
            error[writes_stay]: a route that writes cannot be in `live` yet
              --> routes/devices.toml:10:9
               |
            10 | phase = "live"
               |         ^^^^^^ its group keeps the two sides' stores apart
               |
               = help: stop at `shadow`, or declare `shared_store = true` in `[group.devices]` if there is one store
        "#]],
    );
}

#[test]
fn sync_that_nothing_does() {
    team(
        r#"[[route]]"#,
        r#"[group.names]
owner = "x"
sync = { anything = "goes" }

[[route]]"#,
        expect![[r#"
            error[not_supported]: this version keeps no stores in step
             --> routes/devices.toml:7:8
              |
            7 | sync = { anything = "goes" }
              |        ^^^^^^^^^^^^^^^^^^^^^
              |
              = help: leave `sync` out; until there is one, a route that writes stops at `shadow`
        "#]],
    );
}

#[test]
fn group_split() {
    team(
        r#"[[route]]"#,
        r#"[group.names]
owner = "x"
subject = "path:id"
[[route]]
id = "rename"
group = "names"
match = { methods = ["PUT"], path = "/devices/{id}" }
[[route]]
id = "register"
group = "devices"
match = { methods = ["POST"], path = "/devices" }
[[route]]"#,
        expect![[r#"
            error[group_split]: writes to `/devices` are split over the groups `names` and `devices`
              --> routes/devices.toml:14:9
               |
            10 | group = "names"
               |         ------- the same entities move here
            ...
            14 | group = "devices"
               |         ^^^^^^^^^
               |
               = help: put routes of the same entities into one group

            warning[group_split]: reads of `/devices` and writes to it are split over the groups `names` and `devices`
              --> routes/devices.toml:18:9
               |
            10 | group = "names"
               |         ------- the same entities move here
            ...
            18 | group = "devices"
               |         ^^^^^^^^^ new may write what legacy reads, or the reverse
               |
               = help: put routes of the same entities into one group
        "#]],
    );
}

#[test]
fn route_to_mqtt() {
    team(
        r#"[[route]]"#,
        r#"[upstream.broker]
url = "mqtt://127.0.0.1"
[[route]]
id = "x"
group = "devices"
match = { path = "/x" }
legacy = "broker"
[[route]]"#,
        expect![[r#"
            error[wrong_protocol]: upstream `broker` speaks MQTT, this route HTTP
              --> routes/devices.toml:11:10
               |
            11 | legacy = "broker"
               |          ^^^^^^^^
        "#]],
    );
}

#[test]
fn objective_of_100() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
slo = { availability = 100, latency = { target = 0, under_ms = 300 } }"#,
        expect![[r#"
            error[slo_objective]: an objective lies above 0 and below 100 %, 100 does not
              --> routes/devices.toml:10:24
               |
            10 | slo = { availability = 100, latency = { target = 0, under_ms = 300 } }
               |                        ^^^
               |
               = help: 100 % leaves no budget for a single failure; use 99.9 or 99.99

            error[slo_objective]: an objective lies above 0 and below 100 %, 0 does not
              --> routes/devices.toml:10:50
               |
            10 | slo = { availability = 100, latency = { target = 0, under_ms = 300 } }
               |                                                  ^
               |
               = help: write it in percent, like 99.9
        "#]],
    );
}

#[test]
fn threshold_of_zero() {
    team(
        r#"new = "registry""#,
        r#"new = "registry"
slo = { latency = { target = 95, under_ms = 0 } }"#,
        expect![[r#"
            error[out_of_range]: `under_ms` must be between 1 and 60000
              --> routes/devices.toml:10:45
               |
            10 | slo = { latency = { target = 95, under_ms = 0 } }
               |                                             ^
        "#]],
    );
}

#[test]
fn reads_and_writes_in_two_groups() {
    team(
        r#"[[route]]"#,
        r#"[group.names]
owner = "x"
subject = "path:id"
[[route]]
id = "rename"
group = "names"
match = { methods = ["PUT"], path = "/devices/{id}" }
writes = "idempotent"
[[route]]"#,
        expect![[r#"
            warning[group_split]: reads of `/devices` and writes to it are split over the groups `names` and `devices`
              --> routes/devices.toml:15:9
               |
            10 | group = "names"
               |         ------- the same entities move here
            ...
            15 | group = "devices"
               |         ^^^^^^^^^ new may write what legacy reads, or the reverse
               |
               = help: put routes of the same entities into one group
        "#]],
    );
}

#[test]
fn unused_group() {
    team(
        r#"[[route]]"#,
        r#"[group.homes]
owner = "x"
[[route]]"#,
        expect![[r#"
            warning[unused]: nothing refers to group `homes`
             --> routes/devices.toml:5:8
              |
            5 | [group.homes]
              |        ^^^^^
        "#]],
    );
}

#[test]
fn mistakes_in_several_tables_are_all_told() {
    team(
        r#"[[route]]"#,
        r#"[[route]]
id = 7
[[route]]
id = "x"
group = "y"
match = { path = "z" }
[[route]]"#,
        expect![[r#"
            error[missing_key]: [[route]] lacks `group`
             --> routes/devices.toml:5:1
              |
            5 | [[route]]
              | ^^^^^^^^^
              |
              = help: add `group = ...`: id of the group that it moves with

            error[missing_key]: [[route]] lacks `match`
             --> routes/devices.toml:5:1
              |
            5 | [[route]]
              | ^^^^^^^^^
              |
              = help: add `match = ...`: which requests it is about

            error[wrong_type]: `id` must be a string, not a whole number
             --> routes/devices.toml:6:6
              |
            6 | id = 7
              |      ^

            error[unknown_group]: group `y` is not declared
             --> routes/devices.toml:9:9
              |
            9 | group = "y"
              |         ^^^
              |
              = help: declare it as `[group.y]`, or use `devices`

            error[bad_template]: a path template starts with `/`
              --> routes/devices.toml:10:18
               |
            10 | match = { path = "z" }
               |                  ^^^
        "#]],
    );
}

#[test]
fn no_methods_at_all() {
    team(
        r#"methods = ["GET"]"#,
        r#"methods = []"#,
        expect![[r#"
            error[out_of_range]: `methods` must not be empty
             --> routes/devices.toml:8:21
              |
            8 | match = { methods = [], path = "/devices/{id}" }
              |                     ^^
              |
              = help: leave `methods` out for the default, which is any
        "#]],
    );
}

#[test]
fn an_empty_salt() {
    team(
        r#"owner = "devices-team""#,
        r#"owner = "devices-team"
salt = """#,
        expect![[r#"
            error[out_of_range]: `salt` must not be empty
             --> routes/devices.toml:3:8
              |
            3 | salt = ""
              |        ^^
              |
              = help: leave `salt` out for the default, which is the group's id
        "#]],
    );
}

#[test]
fn both_sides_are_one_upstream() {
    team(
        r#"new = "registry""#,
        r#"new = "monolith""#,
        expect![[r#"
            warning[unused]: nothing refers to upstream `registry`
              --> cutover.toml:10:11
               |
            10 | [upstream.registry]
               |           ^^^^^^^^

            warning[same_upstream]: `legacy` and `new` are both `monolith`
             --> routes/devices.toml:9:7
              |
            9 | new = "monolith"
              |       ^^^^^^^^^^ moving the route would move nothing
              |
              = help: name the service that takes over, or leave `new` out until there is one
        "#]],
    );
}

#[test]
fn a_method_that_is_not_safe() {
    team(
        r#"methods = ["GET"], path = "/devices/{id}" }"#,
        r#"methods = ["GET", "POST"], path = "/devices/{id}" }
writes = "safe""#,
        expect![[r#"
            warning[safe_writes]: `POST` is declared `safe`
             --> routes/devices.toml:9:10
              |
            9 | writes = "safe"
              |          ^^^^^^ where new fails, legacy answers the request again: a write might happen twice
              |
              = help: use `idempotent` or `unsafe`, unless such a request changes nothing
        "#]],
    );
}

#[test]
fn every_method_declared_safe() {
    team(
        r#"methods = ["GET"], path = "/devices/{id}" }"#,
        r#"path = "/devices/{id}" }
writes = "safe""#,
        expect![[r#"
            warning[safe_writes]: every method, `POST` too, is declared `safe`
             --> routes/devices.toml:9:10
              |
            9 | writes = "safe"
              |          ^^^^^^ where new fails, legacy answers the request again: a write might happen twice
              |
              = help: use `idempotent` or `unsafe`, unless such a request changes nothing
        "#]],
    );
}

#[test]
fn a_key_of_the_cohort_in_the_group() {
    team(
        r#"owner = "devices-team""#,
        r#"owner = "devices-team"
deny = ["x"]"#,
        expect![[r#"
            error[unknown_key]: unknown key `deny` in [group.devices]
             --> routes/devices.toml:3:1
              |
            3 | deny = ["x"]
              | ^^^^
              |
              = help: put it into `[group.devices.cohort]`
        "#]],
    );
}
