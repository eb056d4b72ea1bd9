use std::fs;

use expect_test::{Expect, expect};

use super::*;

const PROCESS: &str = r#"default = "monolith"
include = ["routes/*.toml"]

[[listener]]
listen = "127.0.0.1:8080"

[upstream.monolith]
url = "http://127.0.0.1:9000"
"#;

const TEAM: &str = r#"[group.devices]
owner = "devices-team"
subject = "path:id"

[[route]]
id = "device-read"
group = "devices"
match = { methods = ["GET"], path = "/devices/{id}" }
"#;

/// A configuration on disk and the loader of the process that started with it.
struct Disk {
    dir: tempfile::TempDir,
    loader: FileLoader,
}

impl Disk {
    fn new() -> Disk {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("routes")).unwrap();
        fs::write(dir.path().join("cutover.toml"), PROCESS).unwrap();
        fs::write(dir.path().join("routes/devices.toml"), TEAM).unwrap();
        let path = dir.path().join("cutover.toml");
        let config = config::load(&path, &Environment::default(), Depth::Whole).config.unwrap();
        Disk { loader: FileLoader::new(&config, Environment::default()), dir }
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn refuses(&self, expected: Expect) {
        let rejected = self.loader.load().unwrap_err();
        let line = |d: &Diagnostic| {
            let place = (d.file.as_deref(), d.line, d.column);
            format!("{place:?} {}: {} / {:?}\n", d.code, d.message, d.hint)
        };
        expected.assert_eq(&rejected.diagnostics.iter().map(line).collect::<String>());
    }
}

fn files(texts: &[(&str, &str)]) -> Vec<ConfigFile> {
    let file =
        |(path, text): &(&str, &str)| ConfigFile { path: (*path).into(), text: (*text).into() };
    texts.iter().map(file).collect()
}

#[test]
fn files_and_declaration_are_of_one_reading() {
    let disk = Disk::new();
    let loaded = disk.loader.load().unwrap();
    let names: Vec<&str> = loaded.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["cutover.toml", "routes/devices.toml"]);
    assert_eq!(loaded.declaration.routes.len(), 1);
    assert_eq!(loaded.hash, disk.loader.load().unwrap().hash);
    disk.put("routes/devices.toml", &format!("{TEAM}\n# a remark\n"));
    assert_ne!(loaded.hash, disk.loader.load().unwrap().hash);
}

#[test]
fn a_mistake_is_told_with_file_line_column_and_hint() {
    let disk = Disk::new();
    disk.put("routes/devices.toml", &TEAM.replace("[\"GET\"]", "[\"get\"]"));
    disk.refuses(expect![[r#"
        (Some("routes/devices.toml"), Some(8), Some(22)) bad_method: `get` is no method / Some("write `GET`: case matters")
    "#]]);
}

#[test]
fn another_address_needs_another_process() {
    let disk = Disk::new();
    disk.put("cutover.toml", &PROCESS.replace("8080", "8081"));
    disk.refuses(expect![[r#"
        (Some("cutover.toml"), Some(5), Some(10)) listener_changed: a listener was at 127.0.0.1:8080 and is now at 127.0.0.1:8081 / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
    "#]]);
}

#[test]
fn another_number_of_listeners_needs_another_process() {
    let disk = Disk::new();
    disk.put("cutover.toml", &format!("{PROCESS}\n[[listener]]\nlisten = \"127.0.0.1:8082\"\n"));
    disk.refuses(expect![[r#"
        (Some("cutover.toml"), Some(4), Some(1)) listener_changed: the number of listeners was 1 and is now 2 / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
    "#]]);
}

#[test]
fn what_is_only_read_at_start_cannot_change() {
    let disk = Disk::new();
    let more = "[store]\nurl = \"sqlite://other.db\"\n[admin]\nlisten = \"127.0.0.1:1\"\n\
                [telemetry]\nsample_ratio = 0.5\n[server]\nworkers = 77\n";
    disk.put("cutover.toml", &format!("{PROCESS}\n{more}"));
    disk.refuses(expect![[r#"
        (Some("cutover.toml"), Some(11), Some(7)) needs_restart: `store.url` changed, and is only read at start / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
        (Some("cutover.toml"), Some(13), Some(10)) needs_restart: `admin.listen` changed, and is only read at start / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
        (Some("cutover.toml"), Some(14), Some(1)) needs_restart: `telemetry` changed, and is only read at start / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
        (Some("cutover.toml"), Some(17), Some(11)) needs_restart: `server.workers` changed, and is only read at start / Some("hand over to a new process: start it with `cutover run --upgrade`, then send SIGQUIT to this one; or put the old value back")
    "#]]);
}

#[test]
fn limits_and_time_outs_may_change() {
    let disk = Disk::new();
    let process = PROCESS.replace(
        "[[listener]]",
        "[[listener]]\ntimeouts = { head_ms = 5 }\nlimits = { h2_streams_max = 7 }",
    );
    disk.put("cutover.toml", &process);
    disk.loader.load().unwrap();
}

#[test]
fn files_from_elsewhere_are_judged_without_touching_the_disk() {
    let disk = Disk::new();
    let loaded = disk
        .loader
        .parse(&files(&[
            ("cutover.toml", PROCESS),
            ("routes/other.toml", &TEAM.replace("device-read", "other")),
        ]))
        .unwrap();
    assert_eq!(loaded.declaration.routes[0].id, "other");
    assert_eq!(disk.loader.load().unwrap().declaration.routes[0].id, "device-read");
}

#[test]
fn files_that_lead_outside_or_belong_to_nothing_are_refused() {
    let disk = Disk::new();
    for stray in ["../evil.toml", "/etc/cutover.toml", "elsewhere/x.toml"] {
        let texts = files(&[("cutover.toml", PROCESS), (stray, "")]);
        let rejected = disk.loader.parse(&texts).unwrap_err();
        assert!(rejected.diagnostics[0].message.contains(stray), "{rejected:?}");
    }
    let rejected = disk.loader.parse(&files(&[("other.toml", PROCESS)])).unwrap_err();
    assert!(rejected.diagnostics.iter().any(|d| d.code == "file_unreadable"), "{rejected:?}");
}

#[test]
fn written_files_replace_those_before() {
    let disk = Disk::new();
    let team = TEAM.replace("device-read", "other");
    let texts = files(&[("cutover.toml", PROCESS), ("routes/new/other.toml", "")]);
    assert!(disk.loader.parse(&texts).is_err(), "not named by `include`");
    let texts = files(&[("cutover.toml", PROCESS), ("routes/other.toml", &team)]);
    disk.loader.parse(&texts).unwrap();
    disk.loader.write(&texts).unwrap();
    assert!(!disk.dir.path().join("routes/devices.toml").exists());
    assert_eq!(fs::read_to_string(disk.dir.path().join("routes/other.toml")).unwrap(), team);
    assert_eq!(disk.loader.load().unwrap().declaration.routes[0].id, "other");
    let left: Vec<_> = fs::read_dir(disk.dir.path().join("routes")).unwrap().collect();
    assert_eq!(left.len(), 1, "no half-written file stays");
}

#[test]
fn the_watcher_knows_files_secrets_and_patterns() {
    let disk = Disk::new();
    let secrets = "[admin]\noverride_key = \"file:override.key\"\n\
                   [jwt]\nalgorithm = \"HS256\"\nkey = \"file:jwt.key\"\n";
    disk.put("cutover.toml", &format!("{PROCESS}{secrets}"));
    let found = disk.loader.depends_on();
    let below = |path: &PathBuf| path.strip_prefix(disk.dir.path()).unwrap().to_owned();
    let files: Vec<PathBuf> = found.files.iter().map(below).collect();
    assert_eq!(files, ["cutover.toml", "override.key", "jwt.key"].map(PathBuf::from));
    assert_eq!(found.teams, ["routes/devices.toml".to_owned()].into());
    assert_eq!(found.includes.files(&found.dir), found.teams);
}
