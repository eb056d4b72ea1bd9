//! Files that change while Cutover runs: whole or not at all.

use std::time::Duration;

use e2e::config::{PROCESS_FILE, TEAM_FILE};
use e2e::eventually;
use e2e::rig::Pair;

#[tokio::test]
async fn an_invalid_change_leaves_the_running_state_and_a_valid_one_is_taken() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let path = pair.proxy.dir().join(TEAM_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, good.replace("phase = \"live\"", "phase = \"lvie\"")).unwrap();
    pair.proxy.process().signal(rustix::process::Signal::HUP);
    let invalid = eventually("a metric that is on", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        (metrics.sum("cutover_config_last_reload_failed", &[]) == 1.0).then_some(())
    });
    invalid.await.unwrap();
    let said = pair.proxy.process().stderr();
    assert!(said.contains("unknown_value") && said.contains(TEAM_FILE), "{said}");
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
    // The watch alone finds the correction; its value is back in the file, so nothing moves.
    std::fs::write(&path, good.replace("owner = \"devices-team\"", "owner = \"home-team\""))
        .unwrap();
    let valid = eventually("a metric that is off", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        (metrics.sum("cutover_config_last_reload_failed", &[]) == 0.0).then_some(())
    });
    valid.await.unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
}

#[tokio::test]
async fn a_changed_phase_in_the_file_moves_the_route_and_an_unchanged_one_does_not() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let path = pair.proxy.dir().join(TEAM_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        good.replace("phase = \"shadow\"", "phase = \"canary\"\npercent = 100.0"),
    )
    .unwrap();
    e2e::wait::within(Duration::from_secs(5), "the file's phase", async || {
        (pair.side("/api/v1/devices/1").await.ok()? == "new").then_some(())
    })
    .await
    .unwrap();
    pair.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    // A change of something else must not undo the operator's move.
    let changed = std::fs::read_to_string(&path).unwrap().replace("devices-team", "home-team");
    std::fs::write(&path, changed).unwrap();
    eventually("the new owner", async || {
        let said = pair.proxy.cutover(&["status", "--output", "json"]).await.ok()?;
        said.stdout.contains("home-team").then_some(())
    })
    .await
    .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "legacy");
}

#[tokio::test]
async fn a_changed_listener_is_refused_with_the_way_to_do_it() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let path = pair.proxy.dir().join(PROCESS_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (old, new) = (pair.proxy.addr().to_string(), e2e::ports::free().to_string());
    std::fs::write(&path, text.replace(&old, &new)).unwrap();
    pair.proxy.process().signal(rustix::process::Signal::HUP);
    eventually("a refusal", async || {
        pair.proxy.process().stderr().contains("listener_changed").then_some(())
    })
    .await
    .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
}
