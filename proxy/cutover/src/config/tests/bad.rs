use std::path::Path;

use expect_test::{Expect, expect};

use super::super::*;

/// A process file that is right.
pub(super) const PROCESS: &str = r#"default = "monolith"
include = ["routes/*.toml"]

[[listener]]
listen = "127.0.0.1:8080"

[upstream.monolith]
url = "http://127.0.0.1:9000"

[upstream.registry]
url = "http://127.0.0.1:9101"
"#;

/// A team file that is right.
pub(super) const TEAM: &str = r#"[group.devices]
owner = "devices-team"
subject = ["path:id", "header:x-device-id"]

[[route]]
id = "device-read"
group = "devices"
match = { methods = ["GET"], path = "/devices/{id}" }
new = "registry"
"#;

pub(super) fn load(process: &str, team: &str, environment: Environment) -> Loaded {
    let texts = [("cutover.toml", process), ("routes/devices.toml", team)];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    load_texts(Path::new("cutover.toml"), &texts, &environment, Depth::Whole)
}

fn check(process: &str, team: &str, expected: Expect) {
    let loaded = load(process, team, Environment::default());
    assert_eq!(loaded.config.is_some(), loaded.report.errors() == 0);
    let rendered = match loaded.report.diagnostics() {
        [] => "nothing".to_owned(),
        _ => loaded.render(false),
    };
    expected.assert_eq(&format!("{rendered}\n"));
}

fn process(from: &str, to: &str, expected: Expect) {
    assert!(PROCESS.contains(from), "{from:?} is not in the file");
    check(&PROCESS.replacen(from, to, 1), TEAM, expected);
}

fn team(from: &str, to: &str, expected: Expect) {
    assert!(TEAM.contains(from), "{from:?} is not in the file");
    check(PROCESS, &TEAM.replacen(from, to, 1), expected);
}

#[test]
fn nothing_wrong() {
    check(
        PROCESS,
        TEAM,
        expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn syntax_error() {
    process(
        r#"default = "monolith""#,
        r#"default = monolith"#,
        expect![[r#"
            error[syntax]: string values must be quoted, expected literal string
             --> cutover.toml:1:11
              |
            1 | default = monolith
              |           ^^^^^^^^
        "#]],
    );
}

#[test]
fn several_syntax_errors_at_once() {
    process(
        r#"default = "monolith""#,
        r#"default = monolith
other = "x"#,
        expect![[r#"
            error[syntax]: string values must be quoted, expected literal string
             --> cutover.toml:1:11
              |
            1 | default = monolith
              |           ^^^^^^^^

            error[unknown_key]: unknown key `other` in this file
             --> cutover.toml:2:1
              |
            2 | other = "x
              | ^^^^^
              |
              = help: use `admin`, `default`, `group`, `include`, `jwt`, `listener`, `route`, `server`, `store`, `telemetry` or `upstream`

            error[syntax]: invalid basic string, expected `"`
             --> cutover.toml:2:11
              |
            2 | other = "x
              |           ^
        "#]],
    );
}

#[test]
fn key_twice() {
    process(
        r#"default = "monolith""#,
        r#"default = "monolith"
default = "registry""#,
        expect![[r#"
            error[syntax]: duplicate key
             --> cutover.toml:2:1
              |
            2 | default = "registry"
              | ^^^^^^^
        "#]],
    );
}

#[test]
fn unknown_key_near_a_known_one() {
    process(
        r#"[[listener]]"#,
        r#"[store]
urll = "sqlite://x.db"
[[listener]]"#,
        expect![[r#"
            error[unknown_key]: unknown key `urll` in [store]
             --> cutover.toml:5:1
              |
            5 | urll = "sqlite://x.db"
              | ^^^^
              |
              = help: did you mean `url`?
        "#]],
    );
}

#[test]
fn unknown_table() {
    process(
        r#"[[listener]]"#,
        r#"[colour]
red = 1
[[listener]]"#,
        expect![[r#"
            error[unknown_key]: unknown key `colour` in this file
             --> cutover.toml:4:2
              |
            4 | [colour]
              |  ^^^^^^
              |
              = help: use `admin`, `default`, `group`, `include`, `jwt`, `listener`, `route`, `server`, `store`, `telemetry` or `upstream`
        "#]],
    );
}

#[test]
fn several_mistakes_in_one_table() {
    process(
        r#"listen = "127.0.0.1:8080""#,
        r#"listen = 8080
protocol = "htpp"
http3 = true"#,
        expect![[r#"
            error[wrong_type]: `listen` must be a string, not a whole number
             --> cutover.toml:5:10
              |
            5 | listen = 8080
              |          ^^^^

            error[unknown_value]: `htpp` is no value of `protocol`
             --> cutover.toml:6:12
              |
            6 | protocol = "htpp"
              |            ^^^^^^ did you mean `http`?
              |
              = help: use `http` or `mqtt`

            error[unknown_key]: unknown key `http3` in [[listener]]
             --> cutover.toml:7:1
              |
            7 | http3 = true
              | ^^^^^
              |
              = help: did you mean `http2`?
        "#]],
    );
}

#[test]
fn missing_default() {
    process(
        r#"default = "monolith"
"#,
        r#""#,
        expect![[r#"
            error[missing_key]: this file lacks `default`
             --> cutover.toml:1:1
              |
            1 | include = ["routes/*.toml"]
              | ^
              |
              = help: add `default = ...`: name of the upstream that serves whatever matches no route: the monolith
        "#]],
    );
}

#[test]
fn unknown_default() {
    process(
        r#"default = "monolith""#,
        r#"default = "monolit""#,
        expect![[r#"
            error[unknown_upstream]: upstream `monolit` is not declared
             --> cutover.toml:1:11
              |
            1 | default = "monolit"
              |           ^^^^^^^^^
              |
              = help: did you mean `monolith`?
        "#]],
    );
}

#[test]
fn listener_without_address() {
    process(
        r#"listen = "127.0.0.1:8080""#,
        r#""#,
        expect![[r#"
            error[missing_key]: [[listener]] lacks `listen`
             --> cutover.toml:4:1
              |
            4 | [[listener]]
              | ^^^^^^^^^^^^
              |
              = help: add `listen = ...`: `ADDRESS:PORT`; port 0 picks a free one
        "#]],
    );
}

#[test]
fn no_listener() {
    process(
        r#"[[listener]]
listen = "127.0.0.1:8080""#,
        r#""#,
        expect![[r#"
            error[missing_key]: there is no `[[listener]]`
             |
             = help: add one, like `[[listener]]` with `listen = "127.0.0.1:8080"`
        "#]],
    );
}

#[test]
fn host_name_to_listen_on() {
    process(
        r#"127.0.0.1:8080"#,
        r#"localhost:8080"#,
        expect![[r#"
            error[bad_address]: `localhost:8080` is no address to listen on
             --> cutover.toml:5:10
              |
            5 | listen = "localhost:8080"
              |          ^^^^^^^^^^^^^^^^
              |
              = help: write `127.0.0.1:8080` or `[::1]:8080`
        "#]],
    );
}

#[test]
fn every_interface_to_listen_on() {
    process(
        r#"127.0.0.1:8080"#,
        r#":8080"#,
        expect![[r#"
            error[bad_address]: `:8080` is no address to listen on
             --> cutover.toml:5:10
              |
            5 | listen = ":8080"
              |          ^^^^^^^
              |
              = help: for every interface write `0.0.0.0:8080` or `[::]:8080`
        "#]],
    );
}

#[test]
fn port_out_of_range_to_listen_on() {
    process(
        r#"127.0.0.1:8080"#,
        r#"127.0.0.1:80800"#,
        expect![[r#"
            error[bad_address]: `127.0.0.1:80800` is no address to listen on
             --> cutover.toml:5:10
              |
            5 | listen = "127.0.0.1:80800"
              |          ^^^^^^^^^^^^^^^^^
              |
              = help: `80800` is no port: use 0 to 65535
        "#]],
    );
}

#[test]
fn ipv6_without_brackets() {
    process(
        r#"127.0.0.1:8080"#,
        r#"::1:8080"#,
        expect![[r#"
            error[bad_address]: `::1:8080` is no address to listen on
             --> cutover.toml:5:10
              |
            5 | listen = "::1:8080"
              |          ^^^^^^^^^^
              |
              = help: write IPv6 addresses in brackets: `[::1]:8080`
        "#]],
    );
}

#[test]
fn mqtt_listener() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
protocol = "mqtt""#,
        expect![[r#"
            error[not_supported]: this version serves no MQTT listeners
             --> cutover.toml:5:12
              |
            5 | protocol = "mqtt"
              |            ^^^^^^
              |
              = help: leave this listener out; devices keep talking to their broker
        "#]],
    );
}

#[test]
fn listener_default_unknown() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
default = "nowhere""#,
        expect![[r#"
            error[unknown_upstream]: upstream `nowhere` is not declared
             --> cutover.toml:5:11
              |
            5 | default = "nowhere"
              |           ^^^^^^^^^
              |
              = help: declare it as `[upstream.nowhere]`, or use `monolith` or `registry`
        "#]],
    );
}

#[test]
fn cleartext_http2_with_tls() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
http2 = "cleartext"
tls = { cert = "a.pem", key = "b.pem" }"#,
        expect![[r#"
            error[wrong_protocol]: `http2 = "cleartext"` has no meaning with `tls`
             --> cutover.toml:5:9
              |
            5 | http2 = "cleartext"
              |         ^^^^^^^^^^^
              |
              = help: leave it out: over TLS, ALPN offers HTTP/2 anyway

            error[tls_file]: a.pem: cannot be read: No such file or directory (os error 2)
             --> cutover.toml:6:16
              |
            6 | tls = { cert = "a.pem", key = "b.pem" }
              |                ^^^^^^^ tls.cert
              |
              = help: check that the file exists and that this user may read it
        "#]],
    );
}

#[test]
fn certificate_file_missing() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
tls = { cert = "missing.pem", key = "missing.key" }"#,
        expect![[r#"
            error[tls_file]: missing.pem: cannot be read: No such file or directory (os error 2)
             --> cutover.toml:5:16
              |
            5 | tls = { cert = "missing.pem", key = "missing.key" }
              |                ^^^^^^^^^^^^^ tls.cert
              |
              = help: check that the file exists and that this user may read it
        "#]],
    );
}

#[test]
fn limit_out_of_range() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
limits = { head_bytes_max = 10 }"#,
        expect![[r#"
            error[out_of_range]: `head_bytes_max` must be between 1024 and 1048576
             --> cutover.toml:5:29
              |
            5 | limits = { head_bytes_max = 10 }
              |                             ^^
        "#]],
    );
}

#[test]
fn timeout_of_zero() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
timeouts = { head_ms = 0 }"#,
        expect![[r#"
            error[out_of_range]: `head_ms` must be at least 1
             --> cutover.toml:5:24
              |
            5 | timeouts = { head_ms = 0 }
              |                        ^
        "#]],
    );
}

#[test]
fn timeout_as_text() {
    process(
        r#"[[listener]]"#,
        r#"[[listener]]
timeouts = { head_ms = "10s", idle_ms = "60000" }"#,
        expect![[r#"
            error[wrong_type]: `head_ms` must be a whole number, not a string
             --> cutover.toml:5:24
              |
            5 | timeouts = { head_ms = "10s", idle_ms = "60000" }
              |                        ^^^^^

            error[wrong_type]: `idle_ms` must be a whole number, not a string
             --> cutover.toml:5:41
              |
            5 | timeouts = { head_ms = "10s", idle_ms = "60000" }
              |                                         ^^^^^^^
              |
              = help: write 60000 without quotes
        "#]],
    );
}

#[test]
fn address_twice() {
    process(
        r#"[upstream.monolith]"#,
        r#"[[listener]]
listen = "127.0.0.1:8080"
[upstream.monolith]"#,
        expect![[r#"
            error[address_twice]: two listeners ask for 127.0.0.1:8080
             --> cutover.toml:8:10
              |
            5 | listen = "127.0.0.1:8080"
              |          ---------------- asked for here first
            ...
            8 | listen = "127.0.0.1:8080"
              |          ^^^^^^^^^^^^^^^^
              |
              = help: give one of them another port
        "#]],
    );
}

#[test]
fn admin_on_a_listeners_address() {
    process(
        r#"[upstream.monolith]"#,
        r#"[admin]
listen = "127.0.0.1:8080"
[upstream.monolith]"#,
        expect![[r#"
            error[address_twice]: two listeners ask for 127.0.0.1:8080
             --> cutover.toml:8:10
              |
            5 | listen = "127.0.0.1:8080"
              |          ---------------- asked for here first
            ...
            8 | listen = "127.0.0.1:8080"
              |          ^^^^^^^^^^^^^^^^
              |
              = help: give one of them another port
        "#]],
    );
}

#[test]
fn admin_exposed() {
    process(
        r#"[upstream.monolith]"#,
        r#"[admin]
listen = "0.0.0.0:9900"
[upstream.monolith]"#,
        expect![[r#"
            error[admin_exposed]: an admin API beyond loopback needs TLS
             --> cutover.toml:8:10
              |
            8 | listen = "0.0.0.0:9900"
              |          ^^^^^^^^^^^^^^ tokens would cross the network in cleartext
              |
              = help: add `tls = { cert = "...", key = "..." }`, or listen on 127.0.0.1
        "#]],
    );
}

#[test]
fn override_key_by_value() {
    process(
        r#"[upstream.monolith]"#,
        r#"[admin]
override_key = "correct horse battery staple"
[upstream.monolith]"#,
        expect![[r#"
            error[secret_by_value]: a secret is given by reference, not by value
             --> cutover.toml:8:16
              |
            8 | override_key = ******************************
              |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: put it into a file with mode 0600 and write `file:PATH`, or `env:NAME`
        "#]],
    );
}

#[test]
fn override_key_not_set() {
    process(
        r#"[upstream.monolith]"#,
        r#"[admin]
override_key = "env:NO_SUCH_KEY"
[upstream.monolith]"#,
        expect![[r#"
            error[secret_unreadable]: the environment variable `NO_SUCH_KEY` is not set
             --> cutover.toml:8:16
              |
            8 | override_key = "env:NO_SUCH_KEY"
              |                ^^^^^^^^^^^^^^^^^
              |
              = help: on a machine that does not hold secrets, use `--no-files`
        "#]],
    );
}

#[test]
fn override_key_file_missing() {
    process(
        r#"[upstream.monolith]"#,
        r#"[admin]
override_key = "file:no-such-file"
[upstream.monolith]"#,
        expect![[r#"
            error[secret_unreadable]: the secret file `no-such-file` cannot be read: No such file or directory (os error 2)
             --> cutover.toml:8:16
              |
            8 | override_key = "file:no-such-file"
              |                ^^^^^^^^^^^^^^^^^^^
              |
              = help: on a machine that does not hold secrets, use `--no-files`
        "#]],
    );
}

#[test]
fn postgres_store() {
    process(
        r#"[upstream.monolith]"#,
        r#"[store]
url = "postgres://u:p@db/cutover"
[upstream.monolith]"#,
        expect![[r#"
            error[not_supported]: this version keeps its store in SQLite only
             --> cutover.toml:8:7
              |
            8 | url = ***************************
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: use `sqlite://cutover.db`
        "#]],
    );
}

#[test]
fn store_of_no_kind() {
    process(
        r#"[upstream.monolith]"#,
        r#"[store]
url = "cutover.db"
[upstream.monolith]"#,
        expect![[r#"
            error[bad_url]: this is no store
             --> cutover.toml:8:7
              |
            8 | url = ************
              |       ^^^^^^^^^^^^
              |
              = help: write it like `sqlite://cutover.db` or `sqlite:///var/lib/cutover/cutover.db`
        "#]],
    );
}

#[test]
fn jwt_without_key() {
    process(
        r#"[upstream.monolith]"#,
        r#"[jwt]
[upstream.monolith]"#,
        expect![[r#"
            error[jwt_unverified]: `[jwt]` has no `key`
             --> cutover.toml:7:1
              |
            7 | [jwt]
              | ^^^^^ claims that nobody verified would choose the side
              |
              = help: add `key = "file:..."`; or `trust_unverified = true` if something in front has verified the tokens
        "#]],
    );
}

#[test]
fn jwt_algorithm() {
    process(
        r#"[upstream.monolith]"#,
        r#"[jwt]
algorithm = "none"
key = "env:X"
[upstream.monolith]"#,
        expect![[r#"
            error[unknown_value]: `none` is no value of `algorithm`
             --> cutover.toml:8:13
              |
            8 | algorithm = "none"
              |             ^^^^^^
              |
              = help: use `ES256`, `RS256`, `EdDSA` or `HS256`
        "#]],
    );
}

#[test]
fn sample_ratio_out_of_range() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry]
sample_ratio = 5
[upstream.monolith]"#,
        expect![[r#"
            error[out_of_range]: `sample_ratio` must be between 0.0 and 1.0
             --> cutover.toml:8:16
              |
            8 | sample_ratio = 5
              |                ^
        "#]],
    );
}

#[test]
fn otlp_of_no_kind() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry]
otlp = "localhost:4318"
[upstream.monolith]"#,
        expect![[r#"
            error[bad_url]: this is no OTLP receiver: its scheme is neither http nor https
             --> cutover.toml:8:8
              |
            8 | otlp = "localhost:4318"
              |        ^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:4318`; empty means none
        "#]],
    );
}

#[test]
fn otlp_with_credentials() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry]
otlp = "http://me:secret@localhost:4318"
[upstream.monolith]"#,
        expect![[r#"
            error[bad_url]: this is no OTLP receiver: credentials belong into `otlp_headers`
             --> cutover.toml:8:8
              |
            8 | otlp = *********************************
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:4318`; empty means none
        "#]],
    );
}

#[test]
fn trust_without_networks() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry.trace]
trust = "cidr"
[upstream.monolith]"#,
        expect![[r#"
            error[missing_key]: `trust = "cidr"` needs `cidrs`
             --> cutover.toml:8:9
              |
            8 | trust = "cidr"
              |         ^^^^^^
              |
              = help: add the networks that are trusted, like `cidrs = ["10.0.0.0/8"]`
        "#]],
    );
}

#[test]
fn network_with_bits_behind() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry.trace]
trust = "cidr"
cidrs = ["10.1.0.0/8"]
[upstream.monolith]"#,
        expect![[r#"
            error[bad_network]: `10.1.0.0/8` is no network: it has bits set behind the prefix; write it like 10.0.0.0/8 or fd00::/8
             --> cutover.toml:9:10
              |
            9 | cidrs = ["10.1.0.0/8"]
              |          ^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn log_level() {
    process(
        r#"[upstream.monolith]"#,
        r#"[telemetry.log]
level = "inof"
[upstream.monolith]"#,
        expect![[r#"
            error[unknown_value]: `inof` is no value of `level`
             --> cutover.toml:8:9
              |
            8 | level = "inof"
              |         ^^^^^^ did you mean `info`?
              |
              = help: use `error`, `warn`, `info`, `debug` or `trace`
        "#]],
    );
}

#[test]
fn too_many_workers() {
    process(
        r#"[upstream.monolith]"#,
        r#"[server]
workers = 1000
[upstream.monolith]"#,
        expect![[r#"
            error[out_of_range]: `workers` must be between 1 and 256
             --> cutover.toml:8:11
              |
            8 | workers = 1000
              |           ^^^^
        "#]],
    );
}

#[test]
fn fraction_of_a_worker() {
    process(
        r#"[upstream.monolith]"#,
        r#"[server]
workers = 1.5
[upstream.monolith]"#,
        expect![[r#"
            error[wrong_type]: `workers` must be a whole number, not a number with decimals
             --> cutover.toml:8:11
              |
            8 | workers = 1.5
              |           ^^^
        "#]],
    );
}

#[test]
fn number_too_large() {
    process(
        r#"[upstream.monolith]"#,
        r#"[server]
drain_ms = 99999999999999999999
[upstream.monolith]"#,
        expect![[r#"
            error[out_of_range]: the number does not fit into 64 bits
             --> cutover.toml:8:12
              |
            8 | drain_ms = 99999999999999999999
              |            ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn date_instead_of_text() {
    process(
        r#"[upstream.monolith]"#,
        r#"[store]
url = 2026-11-21
[upstream.monolith]"#,
        expect![[r#"
            error[wrong_type]: `url` must be a string, not a date
             --> cutover.toml:8:7
              |
            8 | url = 2026-11-21
              |       ^^^^^^^^^^
        "#]],
    );
}

#[test]
fn upstream_without_scheme() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"127.0.0.1:9000"#,
        expect![[r#"
            error[bad_url]: `127.0.0.1:9000` is no upstream URL: it has no scheme
             --> cutover.toml:8:7
              |
            8 | url = "127.0.0.1:9000"
              |       ^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_scheme() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"ftp://127.0.0.1:9000"#,
        expect![[r#"
            error[bad_url]: `ftp://127.0.0.1:9000` is no upstream URL: `ftp` is none of http, https, h2c, mqtt and mqtts
             --> cutover.toml:8:7
              |
            8 | url = "ftp://127.0.0.1:9000"
              |       ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_port() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"http://127.0.0.1:90000"#,
        expect![[r#"
            error[bad_url]: `http://127.0.0.1:90000` is no upstream URL: `90000` is no port (1 to 65535)
             --> cutover.toml:8:7
              |
            8 | url = "http://127.0.0.1:90000"
              |       ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_path() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"http://127.0.0.1:9000/api"#,
        expect![[r#"
            error[bad_url]: `http://127.0.0.1:9000/api` is no upstream URL: requests keep their own path, so it has none
             --> cutover.toml:8:7
              |
            8 | url = "http://127.0.0.1:9000/api"
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_credentials() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"http://me:secret@127.0.0.1:9000"#,
        expect![[r#"
            error[bad_url]: `http://***@127.0.0.1:9000` is no upstream URL: it must not hold credentials
             --> cutover.toml:8:7
              |
            8 | url = *********************************
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_host() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"http://exa mple:9000"#,
        expect![[r#"
            error[bad_url]: `http://exa mple:9000` is no upstream URL: `exa mple` is no host
             --> cutover.toml:8:7
              |
            8 | url = "http://exa mple:9000"
              |       ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_ipv6() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"http://[::zz]:9000"#,
        expect![[r#"
            error[bad_url]: `http://[::zz]:9000` is no upstream URL: `::zz` is no IPv6 address
             --> cutover.toml:8:7
              |
            8 | url = "http://[::zz]:9000"
              |       ^^^^^^^^^^^^^^^^^^^^
              |
              = help: write it like `http://127.0.0.1:9000`
        "#]],
    );
}

#[test]
fn upstream_certificates_in_cleartext() {
    process(
        r#""http://127.0.0.1:9000""#,
        r#""http://127.0.0.1:9000"
tls = { server_name = "x" }"#,
        expect![[r#"
            error[wrong_protocol]: `tls` has no meaning for http
             --> cutover.toml:9:1
              |
            9 | tls = { server_name = "x" }
              | ^^^
              |
              = help: use an `https://` URL, or leave `tls` out
        "#]],
    );
}

#[test]
fn upstream_certificate_without_key() {
    process(
        r#""http://127.0.0.1:9000""#,
        r#""https://127.0.0.1:9000"
tls = { cert = "x.pem" }"#,
        expect![[r#"
            error[missing_key]: `cert` needs `key` beside it
             --> cutover.toml:9:16
              |
            9 | tls = { cert = "x.pem" }
              |                ^^^^^^^
        "#]],
    );
}

#[test]
fn upstream_name() {
    process(
        r#"[upstream.monolith]"#,
        r#"[upstream.Mono_Lith]
url = "http://a"
[upstream.monolith]"#,
        expect![[r#"
            error[bad_name]: `Mono_Lith` is no name
             --> cutover.toml:7:11
              |
            7 | [upstream.Mono_Lith]
              |           ^^^^^^^^^
              |
              = help: use 1 to 64 characters of a-z, 0-9 and -
        "#]],
    );
}

#[test]
fn unused_upstream() {
    process(
        r#"[upstream.monolith]"#,
        r#"[upstream.old]
url = "http://a"
[upstream.monolith]"#,
        expect![[r#"
            warning[unused]: nothing refers to upstream `old`
             --> cutover.toml:7:11
              |
            7 | [upstream.old]
              |           ^^^
        "#]],
    );
}

#[test]
fn include_matches_nothing() {
    process(
        r#"include = ["routes/*.toml"]"#,
        r#"include = ["routes/*.toml", "teams/*.toml", "more.toml"]"#,
        expect![[r#"
            warning[include_empty]: `teams/*.toml` matches no file
             --> cutover.toml:2:29
              |
            2 | include = ["routes/*.toml", "teams/*.toml", "more.toml"]
              |                             ^^^^^^^^^^^^^^
              |
              = help: names are relative to the directory of the process file

            error[file_unreadable]: `more.toml` does not exist
             --> cutover.toml:2:45
              |
            2 | include = ["routes/*.toml", "teams/*.toml", "more.toml"]
              |                                             ^^^^^^^^^^^
              |
              = help: names are relative to the directory of the process file
        "#]],
    );
}

#[test]
fn include_outside() {
    process(
        r#"include = ["routes/*.toml"]"#,
        r#"include = ["routes/*.toml", "../x.toml"]"#,
        expect![[r#"
            error[include_outside]: `../x.toml` leads out of the configuration's directory
             --> cutover.toml:2:29
              |
            2 | include = ["routes/*.toml", "../x.toml"]
              |                             ^^^^^^^^^^^
              |
              = help: keep team files below the directory of the process file
        "#]],
    );
}

#[test]
fn include_of_the_wrong_type() {
    process(
        r#"include = ["routes/*.toml"]"#,
        r#"include = "routes/*.toml""#,
        expect![[r#"
            error[wrong_type]: `include` must be an array, not a string
             --> cutover.toml:2:11
              |
            2 | include = "routes/*.toml"
              |           ^^^^^^^^^^^^^^^
              |
              = help: write it in brackets: `["routes/*.toml"]`
        "#]],
    );
}

#[test]
fn default_speaks_mqtt() {
    process(
        r#"http://127.0.0.1:9000"#,
        r#"mqtt://127.0.0.1"#,
        expect![[r#"
            error[wrong_protocol]: upstream `monolith` speaks MQTT, listeners HTTP
             --> cutover.toml:1:11
              |
            1 | default = "monolith"
              |           ^^^^^^^^^^
        "#]],
    );
}

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
              = help: use `group`, `route` or `upstream`
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
            nothing
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
               = help: declare `sync` or `shared_store = true` in `[group.devices]`, or stop at `shadow`
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
               = help: put routes that write the same entities into one group
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

/// A process file with this variable set.
fn environment(name: &str, value: &str, expected: Expect) {
    let loaded = load(PROCESS, TEAM, Environment::from_iter([(name, value)]));
    expected.assert_eq(&format!("{}\n", loaded.render(false)));
}

#[test]
fn misspelt_variable() {
    environment(
        "CUTOVER__STORE__ULR",
        "sqlite://x.db",
        expect![[r#"
            error[unknown_key]: unknown key `ulr` in [store]
             --> environment:1:1
              |
            1 | CUTOVER__STORE__ULR=sqlite://x.db
              | ^^^^^^^^^^^^^^^^^^^
              |
              = help: did you mean `url`?
        "#]],
    );
}

#[test]
fn variable_of_the_wrong_type() {
    environment(
        "CUTOVER__SERVER__WORKERS",
        "many",
        expect![[r#"
            error[wrong_type]: `workers` must be a whole number, not a string
             --> environment:1:26
              |
            1 | CUTOVER__SERVER__WORKERS=many
              |                          ^^^^
        "#]],
    );
}

#[test]
fn variable_with_a_bad_value() {
    environment(
        "CUTOVER__ADMIN__LISTEN",
        "0.0.0.0:9900",
        expect![[r#"
            error[admin_exposed]: an admin API beyond loopback needs TLS
             --> environment:1:24
              |
            1 | CUTOVER__ADMIN__LISTEN=0.0.0.0:9900
              |                        ^^^^^^^^^^^^ tokens would cross the network in cleartext
              |
              = help: add `tls = { cert = "...", key = "..." }`, or listen on 127.0.0.1
        "#]],
    );
}

#[test]
fn variable_into_a_value_that_is_no_table() {
    environment(
        "CUTOVER__DEFAULT__X",
        "1",
        expect![[r#"
            error[unknown_key]: `CUTOVER__DEFAULT__X` overrides something inside a value that is no table
             --> environment:1:21
              |
            1 | CUTOVER__DEFAULT__X=1
              |                     ^
        "#]],
    );
}

#[test]
fn secret_in_a_variable() {
    environment(
        "CUTOVER__ADMIN__OVERRIDE_KEY",
        "hunter2hunter2",
        expect![[r#"
            error[secret_by_value]: a secret is given by reference, not by value
             --> environment:1:30
              |
            1 | CUTOVER__ADMIN__OVERRIDE_KEY=**************
              |                              ^^^^^^^^^^^^^^
              |
              = help: put it into a file with mode 0600 and write `file:PATH`, or `env:NAME`
        "#]],
    );
}

#[test]
fn short_override_key() {
    let process = format!("{PROCESS}\n[admin]\noverride_key = \"env:KEY\"\n");
    let loaded = load(&process, TEAM, Environment::from_iter([("KEY", "short")]));
    expect![[r#"
        error[weak_key]: the override key has 5 bytes; use at least 32 random ones
          --> cutover.toml:14:16
           |
        14 | override_key = "env:KEY"
           |                ^^^^^^^^^
           |
           = help: make one with `openssl rand -hex 32`
    "#]]
    .assert_eq(&format!("{}\n", loaded.render(false)));
}

#[test]
fn jwt_key_of_another_kind() {
    let process = format!("{PROCESS}\n[jwt]\nkey = \"env:KEY\"\n");
    let loaded = load(&process, TEAM, Environment::from_iter([("KEY", "no PEM")]));
    expect![[r#"
        error[secret_unreadable]: the key is no key for ES256: give a PEM public key (HS256: the secret itself): InvalidKeyFormat
          --> cutover.toml:14:7
           |
        14 | key = "env:KEY"
           |       ^^^^^^^^^
    "#]].assert_eq(&format!("{}\n", loaded.render(false)));
}

#[test]
fn too_many_thresholds() {
    let route = |at: usize| {
        format!(
            "[[route]]\nid = \"r{at}\"\ngroup = \"devices\"\nmatch = {{ path = \"/r{at}\" }}\n\
             slo = {{ latency = {{ target = 95, under_ms = {} }} }}\n",
            301 + at
        )
    };
    let team = format!("{TEAM}{}", (0..9).map(route).collect::<String>());
    check(
        PROCESS,
        &team,
        expect![[r#"
            error[slo_thresholds]: more than 8 different latency thresholds
              --> routes/devices.toml:54:45
               |
            54 | slo = { latency = { target = 95, under_ms = 309 } }
               |                                             ^^^ each becomes a bucket of every route's latency histogram
               |
               = help: use one that is there already, in ms: 301, 302, 303, 304, 305, 306, 307, 308, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000
        "#]],
    );
}

#[test]
fn missing_process_file() {
    let loaded = super::super::load(
        Path::new("/nowhere/cutover.toml"),
        &Environment::default(),
        Depth::Whole,
    );
    expect![[r#"
        error[file_unreadable]: `/nowhere/cutover.toml` cannot be read: No such file or directory (os error 2)
         |
         = help: name the configuration, or run in the directory of `cutover.toml`
    "#]].assert_eq(&format!("{}\n", loaded.render(false)));
}
