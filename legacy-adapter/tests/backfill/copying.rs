//! Copying: whole, resumed, again, and while the monolith is in use.

use std::process::Stdio;

use http::{Method, StatusCode};
use monolith::contract;
use serde_json::{Value, json};

use super::rig::{DEVICES, HOMES, Rig, TOMBSTONES, adapter, ask, until};

fn counts(applied: u64, unchanged: u64) -> Value {
    json!({"applied": applied, "unchanged": unchanged, "older": 0, "conflicting": 0})
}

#[tokio::test]
async fn registry_answers_as_the_monolith_after_a_backfill() {
    let rig = Rig::start(0).await;
    let report = rig.backfill_equal(&["--batch", "7"]).await;
    assert_eq!(report["copied"]["devices"], counts(DEVICES, 0));
    assert_eq!(report["copied"]["homes"], counts(HOMES, 0));
    assert_eq!(report["copied"]["tombstones"], counts(TOMBSTONES, 0));
    assert_eq!(report["verified"]["devices"], json!({"rows": DEVICES, "chunks": 6, "suspects": 0}));

    let exchanges = contract::load(&contract::directory()).unwrap();
    let options = contract::Options {
        only: vec!["devices".to_owned()],
        login: Some(rig.monolith.addr()),
        strict_order: true,
        ..contract::Options::default()
    };
    let report = contract::play(rig.registry, &exchanges, &options).await;
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed >= 50, "only {} exchanges are tagged", report.passed);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let rig = Rig::start(300).await;
    rig.backfill_equal(&[]).await;
    let before = rig.digest().await;
    let again = rig.backfill_equal(&[]).await;
    assert_eq!(again["copied"]["devices"], counts(0, DEVICES + 300));
    assert_eq!(again["copied"]["homes"], counts(0, HOMES));
    assert_eq!(again["copied"]["tombstones"], counts(0, TOMBSTONES));
    assert_eq!(rig.digest().await, before);
}

#[tokio::test]
async fn killed_and_started_again_it_goes_on() {
    let rig = Rig::start(960).await;
    let state = rig.path("state.json");
    let state_text = state.display().to_string();
    let resumable = ["--batch", "100", "--state", &state_text];
    let slow: Vec<&str> = resumable.iter().copied().chain(["--rate", "200"]).collect();
    let mut process = adapter(rig.arguments(&slow)).stdout(Stdio::null()).spawn().unwrap();
    let through = || {
        let state: Value = serde_json::from_slice(&std::fs::read(&state).ok()?).ok()?;
        state["through"]["devices"].as_i64().filter(|&through| through >= 200)
    };
    until("the state of 200 devices", through).await;
    process.kill().unwrap();
    process.wait().unwrap();
    let through = through().unwrap().unsigned_abs();
    let here = rig.digest().await["count"].as_u64().unwrap();
    assert!((200..1000).contains(&here), "{here}");

    let report = rig.backfill_equal(&resumable).await;
    let devices = &report["copied"]["devices"];
    let sent = devices["applied"].as_u64().unwrap() + devices["unchanged"].as_u64().unwrap();
    // Two of the ids up to there are gaps.
    assert_eq!(sent, 1000 - (through - 2), "{report:#}");
    assert_eq!(rig.digest().await["count"], 1000);
    assert_eq!(report["verified"]["devices"]["rows"], 1000);

    let again = rig.backfill_equal(&resumable).await;
    assert_eq!(again["copied"]["devices"], counts(0, 0));
}

#[tokio::test]
async fn what_changes_meanwhile_arrives() {
    let rig = Rig::start(0).await;
    let state = rig.path("state.json").display().to_string();
    rig.backfill_equal(&["--state", &state]).await;
    let cookie = rig.cookie().await;
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let monolith = rig.monolith.addr();
    let renamed =
        ask(monolith, Method::PATCH, "/api/v1/devices/3", &headers, r#"{"name":"New name"}"#).await;
    assert_eq!(renamed.0, StatusCode::OK);
    let deleted = ask(monolith, Method::DELETE, "/api/v1/devices/4", &headers, "").await;
    assert_eq!(deleted.0, StatusCode::OK);
    let body = r#"{"home_id":1,"name":"Later","kind":"lamp"}"#;
    let registered = ask(monolith, Method::POST, "/api/v1/devices", &headers, body).await;
    assert_eq!(registered.0, StatusCode::CREATED);

    // Behind the state's mark, so only the verification can find the first two.
    let report = rig.backfill_equal(&["--state", &state]).await;
    assert_eq!(report["verified"]["devices"]["suspects"], 2, "{report:#}");
    let (_, here) = ask(rig.registry, Method::GET, "/api/v1/devices/3", &headers, "").await;
    assert!(here.contains(r#""name":"New name""#), "{here}");
    let gone = ask(rig.registry, Method::GET, "/api/v1/devices/4", &headers, "").await;
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_monolith_goes_on_writing_meanwhile() {
    let rig = Rig::start(500).await;
    let cookie = rig.cookie().await;
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let mut process = adapter(rig.arguments(&["--batch", "50", "--rate", "500"]))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut writes = 0;
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        let name = r#"{"name":"Again and again"}"#;
        let written =
            ask(rig.monolith.addr(), Method::PATCH, "/api/v1/devices/500", &headers, name).await;
        assert_eq!(written.0, StatusCode::OK, "{}", written.1);
        writes += 1;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    // The device that changes all the time may be late at any look; everything else is not.
    assert!(status.code() == Some(0) || status.code() == Some(1), "{status}");
    assert!(writes > 20, "{writes} writes");
    rig.backfill_equal(&[]).await;
}
