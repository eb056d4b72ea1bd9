//! Commands that need no running proxy, as a newcomer meets them.

use std::{
    net::TcpListener,
    time::{Duration, SystemTime},
};

use cutover_domain::Side;
use cutover_gateway::OverrideKey;

use super::*;

#[test]
fn help_at_the_first_try() {
    let said = cutover(["--help"]);
    assert_eq!(said.exit, Exit::Done);
    expect![[r#"
        Moves routes from a monolith to new services, step by step and back again

        Examples:
          cutover check                              is the configuration right?
          cutover run -c cutover.toml                the proxy
          cutover status --watch                     where every route stands
          cutover promote device-read --reason "parity holds"
          cutover rollback --all --reason "incident 42"

        Usage: cutover [OPTIONS] <COMMAND>

        Commands:
          run         Run the proxy
          check       Check the configuration: every mistake, with file, line, column and remedy
          explain     Say which route a request meets, which side serves it, and why
          schema      Print the JSON Schema of the configuration, for editors and linters
          plan        Show what a directory of configuration would change, and what stands in the way
          apply       Put a directory of configuration in force
          export      Write the configuration in force back as files
          status      Show where routes stand
          history     Show what changed, when, by whom and why
          journey     Show whether promises across requests are kept
          gate        Show what the gates of a route say, and what the next step needs
          ready       Show how ready a route is to be given to new
          audit       Show what gates decided, and what was decided against them
          diffs       Show how new's answers differ from legacy's, and what would settle it
          tolerate    Add a rule to the route's file: what may differ, where, why and until when
          rejudge     Judge kept mismatches by the rules of files, before those are in force
          replay      Send kept requests to a service, and judge its answers as a candidate's
          slo         Objectives: read them from files, make Prometheus' rules of them
          alert       Show alerts that were delivered, and what was done about them
          trace       Show the newest traces that the process kept
          runbook     Show what to do about an alert, and do it
          promote     Move a route forward: to the next step, or as told
          rollback    Move a route back: to its safe phase, or as told
          hold        Put a latch on a route: nothing moves it forward until it is released
          release     Take the latch off a route
          rehearse    Send a small cohort to new and back, and measure how long the way back takes
          token       Sign a tester's override, or manage tokens of the admin API
          dashboards  Write Grafana's dashboards, or see whether a Prometheus can fill them
          doctor      See whether this machine is ready to run, and what to do where it is not
          completion  Print a completion script for a shell
          man         Print the manual page, or write one for every command

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Global options:
          -o, --output <OUTPUT>    Form of the data on standard output [default: table] [possible values: table, wide, json, jsonl]
              --admin <URL>        Admin API of the running proxy [default: that of ./cutover.toml, else http://127.0.0.1:9900]
              --token-file <FILE>  File with the bearer token [default: that of ./cutover.toml]
              --ca <FILE>          PEM authorities that an https admin API must chain to [default: the system's]
              --timeout <TIME>     How long to wait for an answer, or with --wait for all nodes: 500ms, 10s, 2m [default: 10s]

        Exit codes:
          0 done   1 failed or blocked   2 usage   3 changes pending (plan), differences found   4 not allowed
          8 still in progress   78 invalid configuration

        Environment:
          CUTOVER_ADMIN, CUTOVER_CA, CUTOVER_TOKEN_FILE      as --admin, --ca, --token-file
          CUTOVER_TOKEN                                      the token itself
          CUTOVER__STORE__URL and its like                   override keys of the process file
          NO_COLOR                                           no colours
    "#]].assert_eq(&said.out);
}

#[test]
fn help_of_a_command() {
    let said = cutover(["promote", "--help"]);
    assert_eq!(said.exit, Exit::Done);
    expect![[r#"
        Move a route forward: to the next step, or as told

        Examples:
          cutover promote device-read --reason "parity 99.99 % for a week"      the next step
          cutover promote device-read --percent 25 --reason "looks good" --wait
          cutover promote --group devices --to live --reason "all green"

        Usage: cutover promote [OPTIONS] <ROUTE|--group <GROUP>>

        Arguments:
          [ROUTE]  The route

        Options:
              --group <GROUP>  Every route of a group
              --to <PHASE>     Phase to move to [possible values: legacy, shadow, canary, live, retired]
              --percent <N>    Share of subjects that new serves, 0.01 to 100: means canary
              --force          Allow to skip a phase; without it that is refused. Needs an approver's token, and the history shows it
              --expect <REV>   Move only if nobody has moved the route since this revision (REV of `cutover status -o wide`, a group's highest), else change nothing [default: whatever it is]
              --reason <TEXT>  Why: recorded and shown in the history. Asked for at a terminal, else required
              --wait           Wait until all nodes obey, and say how long that took
          -h, --help           Print help

        Global options:
          -o, --output <OUTPUT>    Form of the data on standard output [default: table] [possible values: table, wide, json, jsonl]
              --admin <URL>        Admin API of the running proxy [default: that of ./cutover.toml, else http://127.0.0.1:9900]
              --token-file <FILE>  File with the bearer token [default: that of ./cutover.toml]
              --ca <FILE>          PEM authorities that an https admin API must chain to [default: the system's]
              --timeout <TIME>     How long to wait for an answer, or with --wait for all nodes: 500ms, 10s, 2m [default: 10s]

        The next step is shadow, canary 1, 5, 25, 50, 100 % (or the steps of the route's own gates), live,
        retired. A larger step within canary, such as from 5 to 50 %, needs nothing more.

        Who may: a migrator. An approver's token is needed
          to enter `retired`: legacy is given up, there is no way back
          to skip a phase, as from shadow to live: together with --force
    "#]].assert_eq(&said.out);
}

#[test]
fn command_lines_that_cannot_be_meant() {
    let lines: [&[&str]; 16] = [
        &[],
        &["promot", "x"],
        &["promote"],
        &["promote", "a", "--group", "b", "--reason", "r"],
        &["promote", "a", "--to", "prod", "--reason", "r"],
        &["promote", "a", "--percent", "0.001", "--reason", "r"],
        &["rollback", "a", "--all", "--reason", "r"],
        &["apply", "."],
        &["explain"],
        &["explain", "GET", "devices/7"],
        &["status", "--timeout", "soon"],
        &["explain", "--code", "groop_split"],
        &["explain", "--code", "overlap", "--files"],
        &["token", "--side", "new", "--ttl", "9h"],
        &["token", "create", "--role", "viewer", "--name", "a", "--ttl", "1s"],
        &["token", "create", "--role", "viewer", "--name", "a", "--ttl", "367d"],
    ];
    for line in lines {
        let said = cutover(line.iter().copied());
        assert_eq!(said.exit, Exit::Usage, "{line:?}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{line:?}");
    }
}

#[test]
fn a_move_without_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    cutover(["rollback", "--all"]).check(
        dir.path(),
        expect![[r#"
        --- stderr
        error[usage]: a move needs a reason
          = help: add `--reason "why"`; the history shows it
        --- exit 2
    "#]],
    );
}

#[test]
fn a_move_without_a_reason_is_asked_for_at_a_terminal() {
    let args = ["rollback", "--all", "--admin", "http://127.0.0.1:1"];
    let said = run_with(args, Environment::from_iter([("NO_COLOR", "1")]), "it burns\n", true);
    assert!(said.err.starts_with("Why? "), "{}", said.err);
    assert!(said.err.contains("admin_unreachable"), "{}", said.err);
    let said = run_with(args, Environment::from_iter([("NO_COLOR", "1")]), "\n", true);
    assert_eq!(said.exit, Exit::Usage);
}

#[test]
fn checking_what_is_right() {
    let dir = copied();
    cutover([OsString::from("check"), dir.path().into()]).check(
        dir.path(),
        expect![[r#"
        DIR/cutover.toml is valid: 1 route, 1 group, 2 upstreams, 1 listener
        --- stderr
        --- exit 0
    "#]],
    );
}

#[test]
fn checking_what_is_wrong() {
    let dir = copied();
    edit(dir.path(), "new = \"registry\"", "new = \"registri\"\nowner = \"x\"");
    cutover([OsString::from("check"), dir.path().into()]).check(dir.path(), expect![[r#"
        --- stderr
        error[unknown_upstream]: upstream `registri` is not declared
          --> DIR/cutover.toml:23:7
           |
        23 | new = "registri"
           |       ^^^^^^^^^^
           |
           = help: did you mean `registry`?

        error[unknown_key]: unknown key `owner` in [[route]]
          --> DIR/cutover.toml:24:1
           |
        24 | owner = "x"
           | ^^^^^
           |
           = help: use `gates`, `group`, `id`, `legacy`, `match`, `new`, `noise`, `percent`, `phase`, `rule`, `shadow`, `slo`, `timeouts` or `writes`

        error[invalid_config]: the configuration has 2 mistakes
          = help: `cutover explain --code CODE` tells more about a code in brackets
        --- exit 78
    "#]]);
}

#[test]
fn checking_for_programs() {
    let dir = copied();
    edit(dir.path(), "new = \"registry\"", "new = \"registri\"");
    let args = [OsString::from("check"), dir.path().into(), "-o".into(), "json".into()];
    cutover(args).check(dir.path(), expect![[r#"
        {
          "api_version": "cutover.dev/v1",
          "diagnostics": [
            {
              "code": "unknown_upstream",
              "column": 7,
              "file": "DIR/cutover.toml",
              "hint": "did you mean `registry`?",
              "line": 23,
              "message": "upstream `registri` is not declared",
              "severity": "error",
              "why": null
            }
          ],
          "effective": null,
          "files": [
            "cutover.toml"
          ],
          "kind": "Check",
          "online": [],
          "valid": false,
          "volatile": null
        }
        --- stderr
        {"api_version":"cutover.dev/v1","error":{"code":"invalid_config","hint":"`cutover explain --code CODE` tells more about a code in brackets","message":"the configuration has 1 mistake"}}
        --- exit 78
    "#]]);
}

#[test]
fn warnings_can_be_denied() {
    let dir = copied();
    edit(dir.path(), "[group.devices]", "[upstream.old]\nurl = \"http://a\"\n[group.devices]");
    let args = [OsString::from("check"), dir.path().into()];
    assert_eq!(cutover(args.clone()).exit, Exit::Done);
    let denied = args.into_iter().chain(["--deny-warnings".into()]);
    assert_eq!(cutover(denied).exit, Exit::InvalidConfig);
}

#[test]
fn checking_online_finds_who_is_away() {
    let dir = copied();
    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let (here, gone) = (there.local_addr().unwrap(), away.local_addr().unwrap());
    edit(dir.path(), "127.0.0.1:9000", &here.to_string());
    edit(dir.path(), "127.0.0.1:9101", &gone.to_string());
    drop(away);
    let said = cutover([OsString::from("check"), dir.path().into(), "--online".into()]);
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.err.contains(&format!("upstream monolith at {here} answers")), "{}", said.err);
    assert!(
        said.err.contains(&format!("upstream registry at {gone} does not answer")),
        "{}",
        said.err
    );
}

#[test]
fn effective_settings() {
    let dir = copied();
    let said = cutover([OsString::from("check"), dir.path().into(), "--explain".into()]);
    assert_eq!(said.exit, Exit::Done);
    let again = dir.path().join("again.toml");
    fs::write(&again, &said.out).unwrap();
    let said = cutover([OsString::from("check"), again.into()]);
    assert_eq!(said.exit, Exit::Done, "what is shown is itself a configuration: {}", said.err);
}

#[test]
fn effective_settings_of_copies() {
    let dir = tolerate::team();
    let said = cutover([OsString::from("check"), dir.path().into(), "--explain".into()]);
    let document: toml::Table = said.out.parse().unwrap();
    let route = &document["route"][0];
    assert_eq!(route["shadow"]["percent"].as_float(), Some(100.0), "{}", said.out);
    assert_eq!(route["noise"]["sample"].as_float(), Some(10.0), "{}", said.out);
}

fn explain(args: &[&str]) -> Said {
    let config = example("teams");
    let args = ["explain"].iter().chain(args).map(OsString::from);
    cutover(args.chain(["-c".into(), config.into()]))
}

#[test]
fn explaining_a_request() {
    explain(&["GET", "/api/v1/devices/7?full=1"]).check(
        &example("teams"),
        expect![[r#"
            GET /api/v1/devices/7
            source    the files of DIR/cutover.toml
            route     device-read (group devices, owner devices-team)
            matches   GET /api/v1/devices/{id}
            phase     canary 5 % (as the files ask)
            subject   7 (from path:id), bucket 814 of 10000
            side      legacy: the cohort only takes buckets below 500
            upstream  monolith (http://monolith.internal:9000)
            if it fails before its answer begins: the failure is the answer
            other routes
              device-rename: another method (PATCH /api/v1/devices/{id})
              4 routes have another path
            --- stderr
            --- exit 0
        "#]],
    );
}

#[test]
fn explaining_a_request_of_the_cohort() {
    let args =
        ["GET", "https://api.example.org/api/v1/devices/dev-lab-1", "--subject", "dev-lab-2"];
    explain(&args).check(
        &example("teams"),
        expect![[r#"
            GET /api/v1/devices/dev-lab-1  (host api.example.org)
            source    the files of DIR/cutover.toml
            route     device-read (group devices, owner devices-team)
            matches   GET /api/v1/devices/{id}
            phase     canary 5 % (as the files ask)
            subject   dev-lab-2 (as given), bucket 9635 of 10000
            side      new: the subject is on the allow list
            upstream  registry (https://registry.internal:443)
            if it fails before its answer begins: legacy answers, once
            other routes
              device-rename: another method (PATCH /api/v1/devices/{id})
              4 routes have another path
            --- stderr
            --- exit 0
        "#]],
    );
}

#[test]
fn explaining_an_attribute() {
    let args = ["GET", "/api/v1/devices/9", "-H", "X-Region: eu-north-1", "-o", "jsonl"];
    explain(&args).check(&example("teams"), expect![[r#"
        {"api_version":"cutover.dev/v1","default":"monolith","host":null,"kind":"Explanation","method":"GET","others":[{"route":"device-list","why":"another path"},{"route":"device-register","why":"another path"},{"route":"device-rename","why":"another method"},{"route":"template-read","why":"another path"},{"route":"template-write","why":"another path"}],"path":"/api/v1/devices/9","route":{"bucket":9886,"group":"devices","held":null,"id":"device-read","on_failure":"answer_by_legacy","owner":"devices-team","percent":5.0,"phase":"canary","reason":"attribute","revision":0,"side":"new","subject":"9","subject_from":"path:id","upstream":"registry"},"running":false,"source":{"at":"DIR/cutover.toml","kind":"files"}}
        --- stderr
        --- exit 0
    "#]]);
}

#[test]
fn explaining_what_is_no_route() {
    explain(&["DELETE", "/api/v1/devices/9"]).check(
        &example("teams"),
        expect![[r#"
            DELETE /api/v1/devices/9
            source    the files of DIR/cutover.toml
            route     none: it matches no route
            upstream  monolith (http://monolith.internal:9000), the default
            counted   as `_unmatched`
            other routes
              device-read: another method (GET /api/v1/devices/{id})
              device-rename: another method (PATCH /api/v1/devices/{id})
              4 routes have another path
            --- stderr
            --- exit 0
        "#]],
    );
}

#[test]
fn explaining_codes_of_configuration_and_of_the_api() {
    for code in ["group_split", "group-split", "stale_revision"] {
        let said = cutover(["explain", "--code", code]);
        assert_eq!(said.exit, Exit::Done);
        assert!(said.out.len() > 100, "{}", said.out);
    }
    let said = cutover(["explain", "--code", "groop_split"]);
    assert!(said.err.contains("did you mean `group_split`?"), "{}", said.err);
}

#[test]
fn schemas_completions_and_manual() {
    let schema = cutover(["schema"]).out;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "Cutover process file");
    let team = cutover(["schema", "--team"]).out;
    assert!(team.contains("Cutover team file"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = cutover(["completion", shell]);
        assert!(said.out.contains("promote"), "{shell}");
    }
    assert!(cutover(["man"]).out.starts_with(".ie"));
    let dir = tempfile::tempdir().unwrap();
    let said = cutover([OsString::from("man"), "--dir".into(), dir.path().into()]);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert!(dir.path().join("cutover-promote.1").exists());
}

#[test]
fn an_override_is_signed_with_the_configured_key() {
    let dir = copied();
    let key = "0123456789abcdef0123456789abcdef";
    fs::write(dir.path().join("override.key"), key).unwrap();
    edit(
        dir.path(),
        "[[listener]]",
        "[admin]\noverride_key = \"file:override.key\"\n\n[[listener]]",
    );
    let token = |ttl: &str| {
        let args = ["token", "--side", "new", "--ttl", ttl, "-c"].map(OsString::from);
        cutover(args.into_iter().chain([dir.path().into()]))
    };
    let said = token("1h");
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    let now = SystemTime::now();
    let signed = said.out.trim();
    let verify = |key: &str, now| OverrideKey::new(key.as_bytes()).unwrap().verify(signed, now);
    assert_eq!(verify(key, now).map(|asked| asked.0), Some(Side::New));
    assert_eq!(verify(key, now + Duration::from_secs(3700)), None);
    assert_eq!(verify(&key.replace('0', "x"), now), None);
    assert_eq!(token("9h").exit, Exit::Usage);
}

#[test]
fn an_override_needs_a_key() {
    let dir = copied();
    let args =
        [OsString::from("token"), "--side".into(), "new".into(), "-c".into(), dir.path().into()];
    cutover(args).check(dir.path(), expect![[r#"
        --- stderr
        error[no_override_key]: `[admin] override_key` is not set
          = help: make one with `openssl rand -hex 32 > override.key`, set `override_key = "file:override.key"`, and reload
        --- exit 1
    "#]]);
}

#[test]
fn running_an_invalid_configuration() {
    let dir = copied();
    edit(dir.path(), "listen = \"127.0.0.1:8080\"", "listen = \"localhost\"");
    let config = dir.path().join("cutover.toml");
    let said = cutover([OsString::from("run"), "-c".into(), config.into()]);
    said.check(
        dir.path(),
        expect![[r#"
        --- stderr
        error[bad_address]: `localhost` is no address to listen on
         --> DIR/cutover.toml:7:10
          |
        7 | listen = "localhost"
          |          ^^^^^^^^^^^
          |
          = help: write an IP address and a port, like `127.0.0.1:8080`

        error[invalid_config]: the configuration has 1 mistake
          = help: `cutover explain --code CODE` tells more about a code in brackets
        --- exit 78
    "#]],
    );
}

#[test]
fn running_without_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("cutover.toml");
    let said = cutover([OsString::from("run"), "-c".into(), config.into()]);
    said.check(dir.path(), expect![[r#"
        --- stderr
        error[file_unreadable]: `DIR/cutover.toml` cannot be read: No such file or directory (os error 2)
         |
         = help: name the configuration, or run in the directory of `cutover.toml`

        error[invalid_config]: the configuration has 1 mistake
          = help: `cutover explain --code CODE` tells more about a code in brackets
        --- exit 78
    "#]]);
}

#[test]
fn nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    cutover(["status", "--admin", "http://127.0.0.1:1"]).check(dir.path(), expect![[r#"
        --- stderr
        error[admin_unreachable]: no proxy answers at http://127.0.0.1:1: Connection refused (os error 111)
          = help: start it with `cutover run`, or say where it is with `--admin URL`
        --- exit 1
    "#]]);
    cutover(["status", "--admin", "127.0.0.1:9900"]).check(
        dir.path(),
        expect![[r#"
        --- stderr
        error[usage]: `127.0.0.1:9900` is no address of an admin API
          = help: write it like `http://127.0.0.1:9900`
        --- exit 2
    "#]],
    );
    cutover(["status", "--token-file", "/no/such/file"]).check(dir.path(), expect![[r#"
        --- stderr
        error[token_file]: the token file `/no/such/file` cannot be read: No such file or directory (os error 2)
          = help: run as the user that owns it, or name another with `--token-file`
        --- exit 4
    "#]]);
    cutover(["history", "--admin", "http://127.0.0.1:1", "-o", "json"])
        .check(dir.path(), expect![[r#"
            --- stderr
            {"api_version":"cutover.dev/v1","error":{"code":"admin_unreachable","hint":"start it with `cutover run`, or say where it is with `--admin URL`","message":"no proxy answers at http://127.0.0.1:1: Connection refused (os error 111)"}}
            --- exit 1
        "#]]);
}

#[test]
fn colours_only_where_a_person_looks() {
    let dir = copied();
    edit(dir.path(), "default = \"monolith\"", "default = \"x\"");
    let args = [OsString::from("check"), dir.path().into()];
    let coloured = run_with(args.clone(), Environment::default(), "", true);
    assert!(coloured.err.contains("\x1b["));
    let plain = run_with(args.clone(), Environment::from_iter([("NO_COLOR", "1")]), "", true);
    assert!(!plain.err.contains('\x1b'));
    assert!(!cutover(args).err.contains('\x1b'));
}

#[test]
fn the_doctor_names_what_is_missing() {
    let dir = copied();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    edit(dir.path(), "127.0.0.1:8080", &port);
    edit(dir.path(), "[[listener]]", "[admin]\nlisten = \"127.0.0.1:0\"\n\n[[listener]]");
    let token = dir.path().join("cutover-admin.token");
    fs::write(&token, "x").unwrap();
    fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let args = [OsString::from("doctor"), "-c".into(), dir.path().into()];
    let said = cutover(args.clone());
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.out.contains(&format!("× listener {port} is free")), "{}", said.out);
    assert!(said.out.contains("chmod 600"), "{}", said.out);
    assert!(said.out.contains("√ the store is writable"), "{}", said.out);
    let json = cutover(args.into_iter().chain(["-o".into(), "json".into()]));
    let findings: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let items = findings["items"].as_array().unwrap();
    for item in items.iter().filter(|item| item["state"] == "failed") {
        assert!(item["remedy"].is_string(), "every failure has a remedy: {item}");
    }
}

#[test]
fn the_doctor_looks_at_an_invalid_configuration() {
    let dir = copied();
    edit(dir.path(), "default = \"monolith\"", "defult = \"monolith\"");
    let said = cutover([OsString::from("doctor"), "-c".into(), dir.path().into()]);
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.out.contains("× cutover.toml is valid"), "{}", said.out);
    assert!(said.out.contains("`cutover check`"), "{}", said.out);
}

/// Whatever code an operator sees can be looked up.
#[test]
fn every_code_in_the_sources_is_explained() {
    let mut seen = 0;
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.extend((!path.ends_with("tests")).then_some(path));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let made = text.split("Failure::new(").skip(1);
            let made = made.map(|rest| rest.trim_start()).filter(|rest| rest.starts_with('"'));
            for code in made.filter_map(|rest| rest.split('"').nth(1)) {
                seen += 1;
                assert_eq!(cutover(["explain", "--code", code]).exit, Exit::Done, "{code}");
            }
        }
    }
    assert!(seen > 15, "only {seen} codes found");
    for code in ["listen", "hand_over", "telemetry", "no_threads", "table", "host_missing"] {
        assert_eq!(cutover(["explain", "--code", code]).exit, Exit::Done, "{code}");
    }
}

/// A reader that has gone away.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut err = Vec::new();
    let exit = run(
        ["cutover", "schema"].map(OsString::from),
        &mut Io {
            out: &mut Gone,
            err: &mut err,
            input: &mut &b""[..],
            out_is_terminal: false,
            err_is_terminal: false,
            input_is_terminal: false,
            environment: Environment::default(),
        },
    );
    assert_eq!((exit, String::from_utf8(err).unwrap()), (Exit::Done, String::new()));
}

#[test]
fn a_life_too_long_is_told_as_typed() {
    let said = cutover(["token", "--side", "new", "--ttl", "9h"]);
    assert!(said.err.contains("'9h'") && said.err.contains("valid for 1s to 8h"), "{}", said.err);
}

#[test]
fn the_manual_makes_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("share/man1");
    let said = cutover([OsString::from("man"), "--dir".into(), man.clone().into()]);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert!(man.join("cutover-promote.1").exists());
}
