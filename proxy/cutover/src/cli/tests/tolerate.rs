//! `tolerate` where the file is at hand and the action is typed: no proxy is asked.

use super::*;

const TEAM: &str = r#"
[group.devices]
owner = "devices-team"
salt = "devices-1"
subject = ["path:id"]

# One device.
[[route]]
id = "device-read"
group = "devices"
match = { methods = ["GET"], path = "/devices/{id}" }
new = "registry"
shadow = {}

# The end.
"#;

/// A configuration with a team's file.
pub(super) fn team() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let process = "default = \"monolith\"\ninclude = [\"team.toml\"]\n\n\
                   [[listener]]\nlisten = \"127.0.0.1:0\"\n\n\
                   [upstream.monolith]\nurl = \"http://127.0.0.1:1\"\n\n\
                   [upstream.registry]\nurl = \"http://127.0.0.1:2\"\n";
    fs::write(dir.path().join("cutover.toml"), process).unwrap();
    fs::write(dir.path().join("team.toml"), TEAM).unwrap();
    dir
}

fn tolerate(dir: &Path, args: &[&str]) -> Said {
    let line = ["tolerate", "device-read"].iter().chain(args).map(OsString::from);
    // Nobody listens there, so whoever asks a proxy fails.
    let nobody = ["--admin", "http://127.0.0.1:1"].map(OsString::from);
    cutover(line.chain(nobody).chain(["-c".into(), dir.as_os_str().to_owned()]))
}

fn written(dir: &Path) -> String {
    fs::read_to_string(dir.join("team.toml")).unwrap()
}

#[test]
fn a_rule_is_written_behind_its_route() {
    let dir = team();
    let said = tolerate(dir.path(), &["body.seen", "--shape", "rfc3339", "--reason", "a clock"]);
    said.check(dir.path(), expect![[r#"
        DIR/team.toml:15
        + [[route.rule]]
        + path = "body.seen"
        + shape = "rfc3339"
        + reason = "a clock"
        --- stderr
        a proxy that reads this file takes it over by itself; with the next comparison parity begins anew: `cutover status device-read`
        --- exit 0
    "#]]);
    let text = written(dir.path());
    let (before, after) = text.split_once("[[route.rule]]").unwrap();
    assert!(before.contains("# One device.") && after.contains("# The end."), "{text}");
    assert_eq!(cutover(["check".into(), dir.path().as_os_str().to_owned()]).exit, Exit::Done);
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(dir.path().join(name)).unwrap().permissions().mode()
    };
    assert_eq!(mode("team.toml"), mode("cutover.toml"));
}

#[test]
fn what_breaks_clients_gets_an_expiry() {
    let dir = team();
    let said = tolerate(dir.path(), &["body.old", "--ignore", "missing,type", "--reason", "r"]);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    let text = written(dir.path());
    let expires = text.lines().find_map(|line| line.strip_prefix("expires = ")).unwrap();
    let end = cutover_domain::compare::day_start(expires.trim_matches('"')).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let days = (end - now.as_secs()).div_ceil(86_400);
    assert_eq!(days, 30, "{expires}");
    let said = tolerate(
        dir.path(),
        &["body.older", "--ignore", "missing", "--reason", "r", "--expires", "2099-01-31"],
    );
    assert!(said.out.contains("expires = \"2099-01-31\""), "{}", said.out);
}

#[test]
fn what_is_not_valid_is_not_written() {
    let dir = team();
    let said = tolerate(dir.path(), &["body.**", "--ignore", "missing", "--reason", "r"]);
    said.check(dir.path(), expect![[r#"
        --- stderr
        error[bad_rule]: the rule for `body.**` would ignore `missing` at many places: that kind breaks clients and is ignored only at one exact path
          --> team.toml:15:1
           |
        15 | [[route.rule]]
           | ^^^^^^^^^^^^^^

        error[invalid_config]: DIR/cutover.toml would not be valid with the rule: nothing is written
          = help: `cutover explain --code CODE` tells more about a code in brackets
        --- exit 78
    "#]]);
    assert_eq!(written(dir.path()), TEAM);
}

#[test]
fn lines_to_print() {
    let dir = team();
    let rule = ["body.total", "--number", "0.01", "--reason", "rounds \"up\"", "--print"];
    tolerate(dir.path(), &rule).check(
        dir.path(),
        expect![[r#"
        [[route.rule]]
        path = "body.total"
        tolerate = { number = "0.01" }
        reason = "rounds \"up\""
        --- stderr
        --- exit 0
    "#]],
    );
    assert_eq!(written(dir.path()), TEAM);
    let elsewhere = tempfile::tempdir().unwrap();
    let said = tolerate(elsewhere.path(), &rule[..5]);
    said.check(
        elsewhere.path(),
        expect![[r#"
        [[route.rule]]
        path = "body.total"
        tolerate = { number = "0.01" }
        reason = "rounds \"up\""
        --- stderr
        error[no_file]: no file of `DIR` declares the route `device-read`: nothing is written
          = help: name the process file with `--config FILE`
        --- exit 1
    "#]],
    );
}

#[test]
fn every_action_becomes_its_key() {
    for (typed, key) in [
        (&["--ignore"][..], "ignore = []"),
        (&["--ignore", "value", "order"], "ignore = [\"value\", \"order\"]"),
        (&["--order"], "tolerate = { order = true }"),
        (&["--extra"], "tolerate = { extra = true }"),
        (&["--number", "1"], "tolerate = { number = \"1\" }"),
        (&["--time-ms", "500"], "tolerate = { time_ms = 500 }"),
        (&["--unordered-by", "id"], "unordered_by = \"id\""),
        (&["--renamed", "ids"], "renamed = \"ids\""),
        (&["--normalise", "trim,lower-case"], "normalise = [\"trim\", \"lower-case\"]"),
    ] {
        let dir = team();
        let args = [&["body.x"], typed, &["--reason", "r"]].concat();
        let said = tolerate(dir.path(), &args);
        assert_eq!(said.exit, Exit::Done, "{typed:?}: {}", said.err);
        assert!(written(dir.path()).contains(key), "{typed:?}: {}", written(dir.path()));
    }
    let dir = team();
    let said = tolerate(dir.path(), &["header.etag", "--compare", "--reason", "r"]);
    assert!(said.out.contains("compare = true"), "{}{}", said.out, said.err);
}

#[test]
fn a_link_stays_a_link() {
    let dir = team();
    let (link, file) = (dir.path().join("team.toml"), dir.path().join("real.toml"));
    fs::rename(&link, &file).unwrap();
    std::os::unix::fs::symlink("real.toml", &link).unwrap();
    let said = tolerate(dir.path(), &["body.seen", "--ignore", "--reason", "r"]);
    assert_eq!(said.exit, Exit::Done, "{}", said.err);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(file).unwrap().contains("body.seen"));
}

#[test]
fn what_cannot_be_meant() {
    let dir = team();
    for args in [
        &["body.x", "--shape", "uuid", "--order", "--reason", "r"][..],
        &["body.x", "--shape", "guid", "--reason", "r"],
        &["body.x", "--ignore", "valeu", "--reason", "r"],
        &["bdoy.x", "--ignore", "--reason", "r"],
        &["body.x", "--ignore", "--reason", "r", "--expires", "tomorrow"],
        &["body.x", "--ignore", "--reason", "r", "--expires", "2020-01-01"],
        &["body.x", "--shape", "uuid"],
        &["body.x", "--shape", "uuid", "--reason", " "],
    ] {
        let said = tolerate(dir.path(), args);
        assert_eq!(said.exit, Exit::Usage, "{args:?}: {}{}", said.out, said.err);
    }
    assert_eq!(written(dir.path()), TEAM);
}
