//! Verifying: every planted difference is found, named, and left as it is.

use http::{Method, StatusCode};
use serde_json::json;

use super::rig::{Rig, ask, run};

#[tokio::test]
async fn planted_differences_are_found_and_named() {
    let rig = Rig::start(100).await;
    rig.backfill_equal(&[]).await;
    rig.tamper(
        "registry.db",
        "UPDATE devices SET name = 'planted' WHERE id = 7;
         UPDATE devices SET state = state || ' ' WHERE id = 8;
         UPDATE devices SET version = version + 1 WHERE id = 9;
         DELETE FROM devices WHERE id = 10;
         INSERT INTO devices SELECT 9000, home_id, name, kind, firmware, state, created_at_us, updated_at_us, version
             FROM devices WHERE id = 1;
         UPDATE homes SET owner_id = 2 WHERE id = 1;
         DELETE FROM tombstones WHERE id = 13;",
    )
    .await;
    let before = rig.digest().await;
    let said = rig.backfill(&["--verify-only", "--batch", "10"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let report = said.json();
    assert_eq!(report["verdict"], "different");
    let expected = json!([
        {"entity": "homes", "id": 1, "kind": "differs"},
        {"entity": "devices", "id": 7, "kind": "differs"},
        {"entity": "devices", "id": 8, "kind": "respelled"},
        {"entity": "devices", "id": 9, "kind": "ahead"},
        {"entity": "devices", "id": 10, "kind": "missing"},
        {"entity": "devices", "id": 9000, "kind": "extra"},
        {"entity": "tombstones", "id": 13, "kind": "missing"},
    ]);
    assert_eq!(report["differences"], expected);
    assert_eq!(rig.digest().await, before, "verifying wrote something");

    // A backfill brings what registry lacks, and never guesses who is right about the rest.
    let said = rig.backfill(&[]).await;
    assert_eq!(said.code, Some(1));
    let left: Vec<i64> = said.json()["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect();
    assert_eq!(left, [7, 8, 9, 9000]);
}

#[tokio::test]
async fn a_newer_version_in_registry_survives() {
    let rig = Rig::start(0).await;
    rig.backfill_equal(&[]).await;
    let cookie = rig.cookie().await;
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let body = r#"{"name":"Newer here"}"#;
    let renamed = ask(rig.registry, Method::PATCH, "/api/v1/devices/3", &headers, body).await;
    assert_eq!(renamed.0, StatusCode::OK, "{}", renamed.1);
    let said = rig.backfill(&[]).await;
    assert_eq!(said.code, Some(1));
    let report = said.json();
    assert_eq!(report["copied"]["devices"]["older"], 1);
    assert_eq!(report["differences"], json!([{"entity": "devices", "id": 3, "kind": "ahead"}]));
    let (_, here) = ask(rig.registry, Method::GET, "/api/v1/devices/3", &headers, "").await;
    assert!(here.contains(r#""name":"Newer here""#), "{here}");
}

#[tokio::test]
async fn rows_that_cannot_be_copied_are_named() {
    let rig = Rig::start(0).await;
    rig.tamper("monolith.db", "UPDATE devices SET updated_at = '0000-00-00 00:00:00' WHERE id = 5")
        .await;
    let said = rig.backfill(&[]).await;
    assert_eq!(said.code, Some(1));
    let report = said.json();
    let why = "column updated_at: not a date of the form YYYY-MM-DD HH:MM:SS";
    assert_eq!(report["unreadable"], json!([{"entity": "devices", "id": 5, "why": why}]));
    assert_eq!(report["differences"], json!([]));
    assert_eq!(rig.digest().await["count"], 39);
}

#[tokio::test]
async fn people_get_a_table_and_a_verdict() {
    let rig = Rig::start(0).await;
    rig.backfill_equal(&[]).await;
    rig.tamper("registry.db", "DELETE FROM devices WHERE id = 10").await;
    let said = rig.backfill(&["--verify-only", "--output", "table"]).await;
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""));
    assert!(said.stdout.contains("\ndevices 10: registry lacks it\n"), "{}", said.stdout);
    assert!(
        said.stdout.ends_with("different: 1 rows differ after a second look, 0 cannot be copied\n"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn mistakes_are_explained_and_nothing_is_written() {
    let rig = Rig::start(0).await;
    std::fs::write(rig.path("wrong"), "another-token-of-enough-length").unwrap();
    let wrong = rig.path("wrong").display().to_string();
    let said = run(replaced(&rig, "--token-file", &wrong)).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.starts_with("error: registry refused PUT /internal/v1/import with 401"),
        "{}",
        said.stderr
    );

    let said = run(replaced(&rig, "--registry", &format!("http://{}", rig.registry))).await;
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("give registry's internal address"), "{}", said.stderr);

    let missing = format!("sqlite://{}", rig.path("nothing.db").display());
    let said = run(replaced(&rig, "--legacy", &missing)).await;
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("check the path"), "{}", said.stderr);

    for usage in [["--batch", "0"], ["--batch", "5001"], ["--rate", "0"], ["--output", "xml"]] {
        assert_eq!(rig.backfill(&usage).await.code, Some(2), "{usage:?}");
    }
    assert_eq!(rig.digest().await["count"], 0);
}

/// The usual arguments with another value for `flag`.
fn replaced(rig: &Rig, flag: &str, value: &str) -> Vec<String> {
    let mut arguments = rig.arguments(&[]);
    let at = arguments.iter().position(|argument| argument == flag).unwrap();
    arguments[at + 1] = value.to_owned();
    arguments
}
