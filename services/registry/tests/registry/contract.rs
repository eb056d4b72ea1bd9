//! The judge: exchanges recorded from the monolith, played against registry.

use http::{Method, StatusCode};
use monolith::contract::{Options, directory, load, play};

use super::rig::{Rig, both, device};
use serde_json::json;

#[tokio::test]
async fn answers_the_device_exchanges_byte_for_byte() {
    let (monolith, rig) = both().await;
    let exchanges = load(&directory()).unwrap();
    let options = Options {
        only: vec!["devices".to_owned()],
        login: Some(monolith.addr()),
        strict_order: true,
        ..Options::default()
    };
    let report = play(rig.registry.addr(), &exchanges, &options).await;
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed >= 50, "only {} exchanges are tagged", report.passed);
}

/// The monolith cannot answer such a row either; the database has such rows if someone put them.
#[tokio::test]
async fn a_row_that_is_no_json_is_a_database_error() {
    let rig = Rig::start().await;
    let mut broken = device(1, 1, "Broken");
    broken["state"] = json!("{oops");
    let batch = json!({"read_at_us": 1, "homes": [{"id": 1, "owner_id": 1}], "devices": [broken]});
    assert_eq!(rig.import(batch).await.0, StatusCode::OK);
    let answer = rig.public(Method::GET, "/api/v1/devices/1", "").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer.text.contains(r#""code":"E_DB","message":"Database error"}"#),
        "{}",
        answer.text
    );
    assert_eq!(rig.public(Method::GET, "/api/v1/devices", "").await.status, 500);
}

#[tokio::test]
async fn the_state_comes_back_byte_for_byte() {
    let rig = Rig::start().await;
    let batch = json!({"read_at_us": 1, "homes": [{"id": 1, "owner_id": 1}], "devices": [device(7, 3, "Ü")]});
    rig.import(batch).await;
    let answer = rig.public(Method::GET, "/api/v1/devices/7", "").await;
    assert_eq!(answer.headers["etag"], "W/\"d7-3\"");
    let tail = r#""device":{"id":7,"home_id":1,"name":"Ü","kind":"lamp","firmware":"1.0.0","state":{ "on":true, "level":21.50 },"created_at":"2024-03-01 12:34:56","updated_at":"2024-03-01 12:34:56","version":3}}"#;
    assert!(answer.text.ends_with(tail), "{}", answer.text);
}
