//! The demo as its users have it: it ends well, and leaves nothing behind however it ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::process::{Process, Spec};
use e2e::{Rig, eventually, wait};
use rustix::process::Signal;

/// A demo whose temporary directory marks whatever it starts.
struct Demo {
    process: Process,
    temp: PathBuf,
    _rig: Rig,
}

impl Demo {
    fn start(args: &[&str]) -> Demo {
        let rig = Rig::new().unwrap();
        let temp = rig.subdir("temp").unwrap();
        let process = Spec::new("demo", rig.binary("demo").unwrap())
            .args(args)
            .env("TMPDIR", temp.display().to_string())
            .start(rig.dir())
            .unwrap();
        Demo { process, temp, _rig: rig }
    }

    /// What the demo started and still runs: processes with its temporary directory.
    fn family(&self) -> Vec<u32> {
        let mark = format!("TMPDIR={}", self.temp.display());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let is_ours = |id: &u32| {
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
        };
        ids.filter(|id| *id != self.process.id()).filter(is_ours).collect()
    }

    async fn assert_gone(&self) {
        let gone = async || self.family().is_empty().then_some(());
        wait::within(Duration::from_secs(10), "the end of what the demo started", gone)
            .await
            .unwrap_or_else(|late| {
                panic!("{late}: {:?}\n{}", self.family(), self.process.last_words())
            });
    }
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().next().is_none()
}

#[tokio::test]
async fn it_serves_every_user_and_accounts_for_every_request() {
    let demo = Demo::start(&["--seconds", "1", "--rate", "150", "--devices", "200"]);
    let status = demo.process.exit(Duration::from_secs(120)).await.unwrap();
    let said = demo.process.stdout();
    assert!(status.success(), "{said}{}", demo.process.stderr());
    assert!(said.contains("0 failed") && !said.contains("DIFFERENT"), "{said}");
    assert!(
        said.lines().count() <= 70,
        "{} lines are too many to read:\n{said}",
        said.lines().count()
    );
    assert!(said.lines().all(|line| line.chars().count() <= 140), "{said}");
    demo.assert_gone().await;
    assert!(is_empty(&demo.temp), "files are left in {}", demo.temp.display());
}

#[tokio::test]
async fn ctrl_c_at_any_moment_leaves_nothing_behind() {
    for after_ms in [0, 100, 400, 900, 1800, 3500] {
        let demo = Demo::start(&["--seconds", "2", "--devices", "500"]);
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        demo.process.signal(Signal::INT);
        let status = demo.process.exit(Duration::from_secs(15)).await.unwrap();
        assert!(!status.success(), "an interrupted demo is no success");
        demo.assert_gone().await;
        assert!(
            is_empty(&demo.temp),
            "after {after_ms} ms files are left in {}",
            demo.temp.display()
        );
    }
}

#[tokio::test]
async fn a_killed_demo_leaves_no_process() {
    let demo = Demo::start(&["--seconds", "5", "--devices", "100"]);
    // Monolith, registry, proxy.
    eventually("everything to run", async || (demo.family().len() >= 3).then_some(()))
        .await
        .unwrap();
    demo.process.signal(Signal::KILL);
    demo.assert_gone().await;
}
