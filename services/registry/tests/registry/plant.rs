//! Planted faults, as clients see them.

use http::Method;
use serde_json::{Value, json};

use super::rig::{Rig, device};

async fn planted(plants: &str) -> Rig {
    let rig = Rig::planted(plants).await;
    let devices: Vec<Value> = (1..=3).map(|id| device(id, 1, "A")).collect();
    rig.import(json!({"read_at_us": 1, "homes": [{"id": 1, "owner_id": 1}], "devices": devices}))
        .await;
    rig
}

async fn get(rig: &Rig, target: &str) -> (http::HeaderMap, Value) {
    let answer = rig.public(Method::GET, target, "").await;
    assert_eq!(answer.headers["content-length"], answer.text.len().to_string());
    (answer.headers, serde_json::from_str(&answer.text).unwrap())
}

#[tokio::test]
async fn faults_strike_answers_and_nothing_else() {
    let rig = planted("wrong_field,rare_value@2,header_extra,order").await;
    let before = rig.digest("entity=devices").await;
    for round in 1..=4 {
        let (headers, body) = get(&rig, "/api/v1/devices/2").await;
        assert_eq!(headers["x-debug"], "1");
        assert_eq!(body["device"]["updated_at"], "2024-03-01 13:34:56");
        assert_eq!(body["device"]["created_at"], "2024-03-01 12:34:56");
        assert_eq!(body["device"]["name"], if round % 2 == 0 { "?A" } else { "A" });
    }
    let healthy = planted("header_form").await;
    let ids = async |rig: &Rig| {
        let (_, body) = get(rig, "/api/v1/devices").await;
        let devices = body["devices"].as_array().unwrap().clone();
        devices.iter().map(|device| device["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let mut ordered = ids(&healthy).await;
    ordered.reverse();
    assert_eq!(ids(&rig).await, ordered);
    assert_eq!(rig.digest("entity=devices").await, before);
}

#[tokio::test]
async fn a_page_can_be_wrong_too() {
    let rig = planted("text").await;
    let cookie = rig.cookie(1);
    let headers =
        [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let form = "home_id=1&name=Form&kind=lock".to_owned();
    let addr = rig.registry.addr();
    let answer = super::rig::ask(addr, Method::POST, "/api/v1/devices", &headers, form).await;
    assert!(answer.text.contains("<p>Stored. <a href"), "{}", answer.text);
    assert_eq!(answer.headers["content-length"], answer.text.len().to_string());
}
