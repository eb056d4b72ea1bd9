use std::os::unix::fs::symlink;

use super::*;
use crate::config::{self, Depth, Environment};

const PROCESS: &str = r#"default = "monolith"
include = ["*.toml", "teams/*/routes.toml"]
[admin]
override_key = "file:override.key"
[[listener]]
listen = "127.0.0.1:8080"
[upstream.monolith]
url = "http://127.0.0.1:9000"
"#;

/// A configuration whose patterns look into the directory that the process writes to.
struct Disk {
    dir: tempfile::TempDir,
    loader: FileLoader,
}

impl Disk {
    fn new() -> Disk {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cutover.toml");
        fs::write(&path, PROCESS).unwrap();
        fs::write(dir.path().join("override.key"), "0123456789".repeat(4)).unwrap();
        let config = config::load(&path, &Environment::default(), Depth::Whole).config.unwrap();
        Disk { loader: FileLoader::new(&config, Environment::default()), dir }
    }

    fn seen(&self) -> Seen {
        Seen::now(&self.loader)
    }

    fn put(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "# another length").unwrap();
        path
    }

    fn event(&self, name: &str) -> notify::Event {
        let created = notify::event::CreateKind::Any;
        notify::Event::new(notify::EventKind::Create(created)).add_path(self.dir.path().join(name))
    }
}

/// What a process writes beside its configuration.
const ITS_OWN: [&str; 5] =
    ["cutover.db", "cutover.db-journal", "cutover.state.json", "access.log", "cutover.toml.new"];

#[test]
fn what_the_process_writes_beside_its_files_is_no_change() {
    let disk = Disk::new();
    let seen = disk.seen();
    for name in ITS_OWN {
        assert!(!seen.is_touched(&disk.event(name)), "{name}");
        disk.put(name);
        assert!(seen.is_fresh(), "{name}");
    }
}

#[test]
fn what_belongs_to_the_configuration_is() {
    for name in ["cutover.toml", "override.key", "team.toml", "teams/a/routes.toml"] {
        let disk = Disk::new();
        let seen = disk.seen();
        assert!(seen.is_fresh());
        assert!(seen.is_touched(&disk.event(name)), "{name}");
        let path = disk.put(name);
        assert!(!seen.is_fresh(), "{name}");
        let now = disk.seen();
        assert!(now.is_fresh() && now.files != seen.files, "{name}");
        fs::remove_file(path).unwrap();
        assert!(!now.is_fresh() && now.is_touched(&disk.event(name)), "{name} goes");
    }
}

#[test]
fn a_directory_may_bring_files_and_is_watched_then() {
    let disk = Disk::new();
    let seen = disk.seen();
    assert!(seen.is_touched(&disk.event("teams")) && seen.is_touched(&disk.event("teams/a")));
    assert!(!seen.is_touched(&disk.event("wal")));
    fs::create_dir_all(disk.dir.path().join("teams/a")).unwrap();
    let below = ["", "teams", "teams/a"].map(|dir| disk.dir.path().join(dir));
    assert_eq!(disk.seen().dirs(), below.into());
}

#[test]
fn a_link_that_is_turned_elsewhere_is_a_change() {
    let disk = Disk::new();
    let at = |name: &str| disk.dir.path().join(name);
    // As Kubernetes mounts: files are links through `..data`, which alone is replaced.
    fs::create_dir(at("..1")).unwrap();
    fs::rename(at("cutover.toml"), at("..1/cutover.toml")).unwrap();
    symlink("..1", at("..data")).unwrap();
    symlink("..data/cutover.toml", at("cutover.toml")).unwrap();
    let seen = disk.seen();
    assert!(seen.is_touched(&disk.event("..data")));
    assert!(!seen.is_touched(&disk.event("cutover.db")));
}

#[test]
fn lost_notifications_are_a_reason_to_look() {
    let disk = Disk::new();
    let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    assert!(disk.seen().is_touched(&lost));
    let read = notify::EventKind::Access(notify::event::AccessKind::Any);
    let read = notify::Event::new(read).add_path(disk.dir.path().join("cutover.toml"));
    assert!(!disk.seen().is_touched(&read));
}
