//! The process file.

use super::*;

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
              = help: use `admin`, `default`, `gates`, `group`, `include`, `journey`, `jwt`, `listener`, `route`, `server`, `slos`, `store`, `telemetry` or `upstream`

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
              = help: use `admin`, `default`, `gates`, `group`, `include`, `journey`, `jwt`, `listener`, `route`, `server`, `slos`, `store`, `telemetry` or `upstream`
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
fn address_that_every_address_covers() {
    process(
        r#"[upstream.monolith]"#,
        r#"[[listener]]
listen = "0.0.0.0:8080"
[upstream.monolith]"#,
        expect![[r#"
            error[address_twice]: two listeners ask for 0.0.0.0:8080
             --> cutover.toml:8:10
              |
            5 | listen = "127.0.0.1:8080"
              |          ---------------- asked for here first
            ...
            8 | listen = "0.0.0.0:8080"
              |          ^^^^^^^^^^^^^^
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
fn a_file_that_includes_itself() {
    process(
        r#"include = ["routes/*.toml"]"#,
        r#"include = ["cutover.toml", "routes/*.toml"]"#,
        expect![[r#"
            error[include_self]: `cutover.toml` includes itself
             --> cutover.toml:2:12
              |
            2 | include = ["cutover.toml", "routes/*.toml"]
              |            ^^^^^^^^^^^^^^
              |
              = help: name team files here, like `routes/*.toml`, or leave this one out
        "#]],
    );
}

#[test]
fn two_names_of_one_server() {
    process(
        r#"url = "http://127.0.0.1:9101""#,
        r#"url = "http://127.0.0.1:9000/""#,
        expect![[r#"
            warning[same_upstream]: `monolith` and `registry` are one server, 127.0.0.1:9000
             --> routes/devices.toml:9:7
              |
            9 | new = "registry"
              |       ^^^^^^^^^^ moving the route would move nothing
              |
              = help: name the service that takes over, or leave `new` out until there is one
        "#]],
    );
}
