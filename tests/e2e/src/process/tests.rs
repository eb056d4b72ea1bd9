use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::{Process, Spec, group_lives};
/// A shell that starts a grandchild, says its id, and waits.
fn family(dir: &Path) -> Process {
    let script = "sleep 1000 & echo $!; wait";
    Spec::new("family", "/bin/sh").args(["-c", script]).start(dir).unwrap()
}

async fn grandchild(family: &Process) -> u32 {
    let said = async || family.stdout().trim().parse().ok();
    family.until("says its child", said).await.unwrap()
}

fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn drop_kills_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let family = family(dir.path());
    let grandchild = grandchild(&family).await;
    let group = family.id();
    assert!(group_lives(group) && runs(grandchild));
    drop(family);
    assert!(!group_lives(group) && !runs(grandchild));
}

#[tokio::test]
async fn a_child_that_ends_early_is_reported_with_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let spec = Spec::new("hasty", "/bin/sh").args(["-c", "echo no such luck >&2; exit 3"]);
    let hasty = spec.start(dir.path()).unwrap();
    let error = hasty.until("listens", async || None::<()>).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 3"), "{error}");
    assert!(error.contains("no such luck"), "{error}");
}

#[tokio::test]
async fn signals_reach_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
    let process = Spec::new("polite", "/bin/sh").args(["-c", script]).start(dir.path()).unwrap();
    process
        .until("is ready", async || process.stdout().contains("ready").then_some(()))
        .await
        .unwrap();
    process.signal(Signal::TERM);
    assert_eq!(process.exit(Duration::from_secs(5)).await.unwrap().code(), Some(7));
}
