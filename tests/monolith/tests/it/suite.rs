//! The monolith against its own contract.

use std::collections::HashSet;

use monolith::contract::{self, Options};

use crate::rig::Rig;

#[tokio::test]
async fn the_monolith_passes_its_contract() {
    let rig = Rig::start().await;
    let report = rig.play(&Options { strict_order: true, ..Options::default() }).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.passed >= 150, "only {} exchanges", report.passed);
}

#[tokio::test]
async fn a_connection_each_makes_no_difference() {
    let rig = Rig::start().await;
    let report = rig.play(&Options { fresh_connections: true, ..Options::default() }).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn device_exchanges_stand_alone_with_sessions_from_elsewhere() {
    let key = tempfile::tempdir().unwrap();
    let key_file = key.path().join("session.key");
    let elsewhere = Rig::with(|config| config.session_key_file = Some(key_file.clone())).await;
    let rig = Rig::with(|config| config.session_key_file = Some(key_file.clone())).await;
    let options = Options {
        only: vec!["devices".to_owned()],
        login: Some(elsewhere.monolith.addr()),
        ..Options::default()
    };
    let report = rig.play(&options).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.passed >= 80, "only {} device exchanges", report.passed);
    let log = rig.access_log();
    rig.monolith.stop().await;
    let seen = std::fs::read_to_string(log).unwrap();
    assert!(!seen.contains("login"), "sessions came from elsewhere");
    assert_eq!(seen.lines().count(), report.passed, "one line per request");
}

#[tokio::test]
async fn another_seed_is_noticed() {
    let rig = Rig::with(|config| config.seed = "demo:1".parse().unwrap()).await;
    let report = rig.play(&Options::default()).await;
    assert!(!report.failed.is_empty() && report.passed > 0, "{report}");
}

#[test]
fn every_recording_is_complete_and_tagged() {
    let exchanges = contract::load(&contract::directory()).unwrap();
    let tags: HashSet<&String> = exchanges.iter().flat_map(contract::Exchange::tags).collect();
    for tag in [
        "devices",
        "read",
        "list",
        "register",
        "rename",
        "delete",
        "write",
        "after-write",
        "sse",
        "websocket",
        "ranges",
        "head",
        "chunked",
        "trailers",
        "gzip",
        "reason",
        "encoded",
        "multipart",
        "continue",
    ] {
        assert!(tags.contains(&tag.to_owned()), "no exchange is tagged {tag}");
    }
    for exchange in &exchanges {
        assert!(!exchange.tags().is_empty(), "`{}` has no tag", exchange.id());
    }
}
