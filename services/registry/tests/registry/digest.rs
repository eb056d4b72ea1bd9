//! Telling what is here.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::rig::{Rig, device};

async fn filled() -> Rig {
    let rig = Rig::start().await;
    let devices: Vec<Value> = (1..=6).map(|id| device(id, 1, "A")).collect();
    rig.import(json!({"read_at_us": 1, "homes": [{"id": 1, "owner_id": 1}], "devices": devices}))
        .await;
    rig
}

async fn change(rig: &Rig, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(rig.db());
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn ranges_are_open_at_the_left() {
    let rig = filled().await;
    for (query, count) in
        [("", 6), ("&from=2", 4), ("&from=2&to=4", 2), ("&from=6", 0), ("&to=0", 0)]
    {
        assert_eq!(rig.digest(&format!("entity=devices{query}")).await["count"], count, "{query}");
    }
    let told = rig.digest("entity=devices&from=2&to=4&rows=true").await;
    let ids: Vec<i64> =
        told["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [3, 4]);
    assert_eq!(told["rows"][0]["version"], 1);
    assert_eq!(told["rows"][0]["meaning"].as_str().unwrap().len(), 32);
    assert!(rig.digest("entity=devices").await.get("rows").is_none());
}

#[tokio::test]
async fn every_column_counts() {
    let rig = filled().await;
    let mut before = rig.digest("entity=devices").await;
    for sql in [
        "UPDATE devices SET home_id = 2 WHERE id = 3",
        "UPDATE devices SET name = 'a' WHERE id = 3",
        "UPDATE devices SET kind = 'lock' WHERE id = 3",
        "UPDATE devices SET firmware = '1.0' WHERE id = 3",
        "UPDATE devices SET state = '{}' WHERE id = 3",
        "UPDATE devices SET created_at_us = created_at_us + 1 WHERE id = 3",
        "UPDATE devices SET updated_at_us = updated_at_us - 1 WHERE id = 3",
        "UPDATE devices SET version = 2 WHERE id = 3",
        "DELETE FROM devices WHERE id = 3",
    ] {
        change(&rig, sql).await;
        let after = rig.digest("entity=devices").await;
        assert_ne!(after["meaning"], before["meaning"], "{sql}");
        before = after;
    }
    let homes = rig.digest("entity=homes").await;
    change(&rig, "UPDATE homes SET owner_id = 9").await;
    assert_ne!(rig.digest("entity=homes").await, homes);
}

#[tokio::test]
async fn a_respelled_state_means_the_same() {
    let rig = filled().await;
    let before = rig.digest("entity=devices").await;
    change(&rig, r#"UPDATE devices SET state = '{"level":21.5,"on":true}' WHERE id = 3"#).await;
    let after = rig.digest("entity=devices").await;
    assert_eq!(after["meaning"], before["meaning"]);
    assert_ne!(after["spelling"], before["spelling"]);
}

#[tokio::test]
async fn wrong_questions_are_refused() {
    let rig = Rig::start().await;
    for query in ["", "entity=users", "entity=devices&from=x", "entity=devices&limit=1"] {
        let target = format!("/internal/v1/digest?{query}");
        let (status, problem) = rig.internal(Method::GET, &target, Value::Null).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::BAD_REQUEST, &json!("unreadable_range")),
            "{query}"
        );
    }
}
