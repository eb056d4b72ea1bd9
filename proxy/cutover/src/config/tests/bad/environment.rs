//! Variables, keys, and what takes more than one change.

use super::*;

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
    let loaded = super::super::super::load(
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
