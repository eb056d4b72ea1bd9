//! Taking rows: again and again, out of order, and from the wrong people.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::rig::{Rig, TOKEN, ask, both, device};

fn counts(applied: u64, unchanged: u64, older: u64, conflicting: u64) -> Value {
    json!({"applied": applied, "unchanged": unchanged, "older": older, "conflicting": conflicting})
}

async fn take(rig: &Rig, what: &str, rows: Value) -> Value {
    let (status, report) = rig.import(json!({"read_at_us": 100, what: rows})).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    report[what].clone()
}

fn tombstone(id: i64, version: i64) -> Value {
    json!({"id": id, "version": version, "deleted_at_us": 1_709_296_496_000_000_i64})
}

#[tokio::test]
async fn without_the_token_nothing_is_taken() {
    let rig = Rig::start().await;
    let batch = json!({"read_at_us": 1, "devices": [device(1, 1, "A")]}).to_string();
    let (internal, public) = (rig.registry.internal_addr(), rig.registry.addr());
    let wrong = format!("Bearer {}", TOKEN.replace('0', "1"));
    let json = ("content-type", "application/json");
    for headers in
        [&[json][..], &[json, ("authorization", &wrong)], &[json, ("authorization", TOKEN)]]
    {
        let answer =
            ask(internal, Method::PUT, "/internal/v1/import", headers, batch.clone()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(
            ask(
                internal,
                Method::GET,
                "/internal/v1/digest?entity=devices",
                headers,
                String::new()
            )
            .await
            .status,
            401
        );
    }
    let right = format!("Bearer {TOKEN}");
    let headers = [json, ("authorization", right.as_str())];
    let answer = ask(public, Method::PUT, "/internal/v1/import", &headers, batch).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("<h1>Not Found</h1>"));
    assert_eq!(rig.digest("entity=devices").await["count"], 0);
}

#[tokio::test]
async fn older_never_overwrites_newer() {
    let rig = Rig::start().await;
    assert_eq!(
        take(&rig, "devices", json!([device(1, 2, "B"), device(2, 1, "X")])).await,
        counts(2, 0, 0, 0)
    );
    assert_eq!(
        take(&rig, "devices", json!([device(1, 2, "B"), device(2, 1, "X")])).await,
        counts(0, 2, 0, 0)
    );
    assert_eq!(take(&rig, "devices", json!([device(1, 1, "A")])).await, counts(0, 0, 1, 0));
    assert_eq!(take(&rig, "devices", json!([device(1, 2, "other")])).await, counts(0, 0, 0, 1));
    let before = rig.digest("entity=devices").await;
    assert_eq!(
        take(&rig, "devices", json!([device(1, 3, "C"), device(1, 2, "B")])).await,
        counts(1, 0, 1, 0)
    );
    assert_ne!(rig.digest("entity=devices").await, before);
}

#[tokio::test]
async fn a_deletion_is_final() {
    let rig = Rig::start().await;
    take(&rig, "devices", json!([device(1, 2, "B"), device(2, 9, "newer here")])).await;
    let rows = json!([tombstone(1, 3), tombstone(2, 9), tombstone(2, 8), tombstone(5, 4)]);
    assert_eq!(take(&rig, "tombstones", rows).await, counts(2, 0, 1, 1));
    assert_eq!(
        take(&rig, "tombstones", json!([tombstone(1, 3), tombstone(1, 2)])).await,
        counts(0, 1, 1, 0)
    );
    assert_eq!(
        take(&rig, "devices", json!([device(1, 2, "B"), device(1, 7, "risen")])).await,
        counts(0, 0, 1, 1)
    );
    assert_eq!(rig.digest("entity=devices").await["count"], 1);
    assert_eq!(rig.digest("entity=tombstones").await["count"], 2);
}

#[tokio::test]
async fn homes_follow_the_latest_reading() {
    let rig = Rig::start().await;
    let import = async |read_at: i64, owner: i64| {
        let batch = json!({"read_at_us": read_at, "homes": [{"id": 1, "owner_id": owner}]});
        rig.import(batch).await.1["homes"].clone()
    };
    assert_eq!(import(10, 1).await, counts(1, 0, 0, 0));
    assert_eq!(import(30, 1).await, counts(0, 1, 0, 0));
    assert_eq!(import(20, 2).await, counts(0, 0, 1, 0));
    assert_eq!(import(40, 2).await, counts(1, 0, 0, 0));
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let rig = Rig::start().await;
    let good = device(1, 1, "A");
    let spoilt = |field: &str, value: Value| {
        let mut row = device(2, 1, "B");
        row[field] = value;
        row
    };
    let bad = [
        (spoilt("id", json!(0)), "invalid_batch"),
        (spoilt("version", json!(0)), "invalid_batch"),
        (spoilt("updated_at_us", json!(1)), "invalid_batch"),
        (spoilt("created_at_us", json!(i64::MAX)), "invalid_batch"),
        (spoilt("name", Value::Null), "unreadable_batch"),
        (spoilt("colour", json!("red")), "unreadable_batch"),
    ];
    for (row, code) in bad {
        let (status, problem) = rig.import(json!({"read_at_us": 1, "devices": [good, row]})).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)),
            "{problem}"
        );
    }
    let many: Vec<Value> = (1..=5001).map(|id| json!({"id": id, "owner_id": 1})).collect();
    let (_, problem) = rig.import(json!({"read_at_us": 1, "homes": many})).await;
    assert!(problem["detail"].as_str().unwrap().starts_with("5001 rows in one batch"), "{problem}");
    assert_eq!(rig.digest("entity=devices").await["count"], 0);
    assert_eq!(rig.digest("entity=homes").await["count"], 0);
}

/// What the monolith would answer to the same registration, id included.
#[tokio::test]
async fn a_new_device_gets_the_id_the_monolith_would_give() {
    let (monolith, rig) = both().await;
    let body = r#"{"home_id":1,"name":"New","kind":"lamp"}"#;
    let cookie = monolith_session(&monolith).await;
    let headers = [("cookie", cookie.as_str())];
    let there =
        ask(monolith.addr(), Method::POST, "/api/v1/devices", &headers, body.to_owned()).await;
    let here =
        ask(rig.registry.addr(), Method::POST, "/api/v1/devices", &headers, body.to_owned()).await;
    assert_eq!(here.status, StatusCode::CREATED, "{}", here.text);
    assert_eq!(here.headers["location"], there.headers["location"]);
    let without_id = |text: &str| text.split_once("\"device\"").unwrap().1.to_owned();
    assert_eq!(without_id(&here.text), without_id(&there.text));
}

#[tokio::test]
async fn ids_are_never_used_again() {
    let rig = Rig::start().await;
    let homes = json!([{"id": 1, "owner_id": 1}]);
    let batch = json!({"read_at_us": 1, "homes": homes, "devices": [device(4, 1, "A")], "tombstones": [tombstone(9, 2)]});
    rig.import(batch).await;
    let register = async |rig: &Rig| {
        let body = r#"{"home_id":1,"name":"New","kind":"lamp"}"#;
        let answer = rig.public(Method::POST, "/api/v1/devices", body).await;
        answer.headers["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(register(&rig).await, "/api/v1/devices/10");
    assert_eq!(rig.public(Method::DELETE, "/api/v1/devices/10", "").await.status, StatusCode::OK);
    assert_eq!(register(&rig).await, "/api/v1/devices/11");
    rig.import(json!({"read_at_us": 2, "device_id_max": 50})).await;
    rig.import(json!({"read_at_us": 3, "device_id_max": 20})).await;
    let rig = rig.restart().await;
    assert_eq!(register(&rig).await, "/api/v1/devices/51");
}

async fn monolith_session(monolith: &monolith::Monolith) -> String {
    let form = "login=alice&password=sesame".to_owned();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = ask(monolith.addr(), Method::POST, "/login", &headers, form).await;
    let mut cookies =
        answer.headers.get_all("set-cookie").into_iter().map(|cookie| cookie.to_str().unwrap());
    let session = cookies.find(|cookie| cookie.starts_with("sid="));
    session
        .unwrap_or_else(|| panic!("{} {}", answer.status, answer.text))
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}
