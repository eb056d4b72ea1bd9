//! The binaries: options, files, signals, exit codes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::sink::Sink;

const MONOLITH: &str = env!("CARGO_BIN_EXE_monolith");
const CONTRACT: &str = env!("CARGO_BIN_EXE_contract");
const DEADLINE: Duration = Duration::from_secs(20);

/// Starts the monolith in `dir` and waits for its word.
async fn start(dir: &Path) -> (Child, String) {
    start_with(dir, &[]).await
}

async fn start_with(dir: &Path, options: &[&str]) -> (Child, String) {
    let mut child = Command::new(MONOLITH)
        .args(["--listen", "127.0.0.1:0", "--seed", "demo", "--clock", "1710000000"])
        .args(["--db", "m.db", "--port-file", "port", "--access-log", "access.log"])
        .args([
            "--session-key-file",
            "key",
            "--control",
            "127.0.0.1:0",
            "--control-port-file",
            "control",
        ])
        .args(options)
        .current_dir(dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a word in time");
    let line = line.unwrap().unwrap();
    let addr = line.strip_prefix("listening on http://").expect("the agreed word").to_owned();
    (child, addr)
}

async fn terminate(mut child: Child) -> Option<i32> {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    tokio::time::timeout(DEADLINE, child.wait()).await.expect("an end in time").unwrap().code()
}

#[tokio::test]
async fn it_starts_is_judged_and_ends_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let (child, addr) = start(dir.path()).await;
    let port = std::fs::read_to_string(dir.path().join("port")).unwrap();
    assert!(addr.ends_with(&format!(":{}", port.trim())));
    assert!(dir.path().join("control").exists() && dir.path().join("key").exists());
    let judge = async |only: &str| {
        let output = Command::new(CONTRACT)
            .args(["play", "--addr", &addr, "--only", only])
            .output()
            .await
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = judge("pages").await;
    assert!(code == Some(0) && said.trim_end().ends_with(" passed, 0 failed"), "{said}");
    assert_eq!(judge("no-such-tag").await, (Some(1), "0 passed, 0 failed\n".to_owned()));
    assert_eq!(terminate(child).await, Some(0));
    let seen = std::fs::read_to_string(dir.path().join("access.log")).unwrap();
    assert!(seen.lines().any(|line| line.ends_with("GET /about.php 200 97")), "{seen}");
}

#[tokio::test]
async fn sigterm_sends_the_last_spans() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::start().await;
    let (child, addr) = start_with(dir.path(), &["--otlp", &sink.url()]).await;
    let played = Command::new(CONTRACT)
        .args(["play", "--addr", &addr, "--only", "pages"])
        .output()
        .await
        .unwrap();
    assert!(played.status.success(), "{played:?}");
    assert_eq!(terminate(child).await, Some(0));
    let seen = std::fs::read_to_string(dir.path().join("access.log")).unwrap();
    assert_eq!(sink.spans().len(), seen.lines().count());
    assert!(sink.spans().iter().any(|span| span.name == "GET /about.php"));
}

#[tokio::test]
async fn data_survives_and_is_not_seeded_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (first, addr) = start(dir.path()).await;
    let play = async |addr: &str, options: &[&str]| {
        let output = Command::new(CONTRACT).args(["play", "--addr", addr]).args(options).output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    };
    let written = play(&addr, &["--only", "homes"]).await;
    assert!(written.ends_with(" 0 failed\n"), "{written}");
    assert_eq!(terminate(first).await, Some(0));
    let (second, addr) = start(dir.path()).await;
    let kept = play(&addr, &["--only", "homes-kept"]).await;
    assert_eq!(kept, "1 passed, 0 failed\n", "the home's new name is there");
    assert_eq!(terminate(second).await, Some(0));
}

#[tokio::test]
async fn what_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (args, told) in [
        (["--db", "/nowhere/m.db", "--seed", "demo"], "cannot open the database /nowhere/m.db"),
        (["--db", "m.db", "--listen", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
        (["--db", "m.db", "--seed", "real"], "unknown seed `real`"),
        (
            ["--db", "m.db", "--access-log", "/nowhere/log"],
            "cannot open the access log /nowhere/log",
        ),
        (["--db", "m.db", "--otlp", "https://127.0.0.1:4318"], "a plain base address like http://"),
    ] {
        let output =
            Command::new(MONOLITH).args(args).current_dir(dir.path()).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(told), "{args:?}: {said}");
    }
}
