//! Every write as a dry run: the answer of the real one, its effect told, and no trace.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::rig::{Answer, Rig, ask, device};

/// Rows by table and id.
type Rows = BTreeMap<(&'static str, i64), Value>;

async fn filled() -> Rig {
    let rig = Rig::start().await;
    let devices: Vec<Value> = (1..=3).map(|id| device(id, 2, "Ünï")).collect();
    let batch = json!({
        "read_at_us": 1, "device_id_max": 40, "devices": devices,
        "homes": [{"id": 1, "owner_id": 1}, {"id": 2, "owner_id": 2}],
    });
    assert_eq!(rig.import(batch).await.0, StatusCode::OK);
    rig
}

async fn write(
    rig: &Rig,
    method: Method,
    target: &str,
    body: &str,
    more: &[(&str, &str)],
) -> Answer {
    let cookie = rig.cookie(1);
    let headers = [&[("cookie", cookie.as_str())], more].concat();
    ask(rig.registry.addr(), method, target, &headers, body.to_owned()).await
}

/// All that a digest can tell, and where ids go on.
async fn digests(rig: &Rig) -> Vec<Value> {
    let mut digests = Vec::new();
    for entity in ["devices", "tombstones", "homes"] {
        digests.push(rig.digest(&format!("entity={entity}&rows=true")).await);
    }
    let pool = reader(rig).await;
    let sequence = sqlx::query_scalar("SELECT json_group_array(name || seq) FROM sqlite_sequence");
    let sequence: String = sequence.fetch_one(&pool).await.unwrap();
    digests.push(sequence.into());
    digests
}

async fn reader(rig: &Rig) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(rig.db()).read_only(true);
    SqlitePool::connect_with(options).await.unwrap()
}

async fn rows(rig: &Rig) -> Rows {
    let pool = reader(rig).await;
    let mut rows = Rows::new();
    for (table, sql) in [
        (
            "devices",
            "SELECT id, json_object('id', id, 'home_id', home_id, 'name', name, 'kind', kind,
                 'firmware', firmware, 'state', state, 'created_at_us', created_at_us,
                 'updated_at_us', updated_at_us, 'version', version) FROM devices",
        ),
        (
            "tombstones",
            "SELECT id, json_object('id', id, 'version', version, 'deleted_at_us', deleted_at_us)
             FROM tombstones",
        ),
        (
            "homes",
            "SELECT id, json_object('id', id, 'owner_id', owner_id, 'read_at_us', read_at_us)
             FROM homes",
        ),
    ] {
        let found: Vec<(i64, String)> = sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
        for (id, row) in found {
            rows.insert((table, id), serde_json::from_str(&row).unwrap());
        }
    }
    rows
}

/// What became of the rows, as an effect tells it, in the order of tables and ids.
fn difference(before: &Rows, after: &Rows) -> Vec<Value> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let gone = gone.map(|(table, id)| json!({"id": id, "op": "delete", "table": table}));
    let there = after.iter().filter(|(key, row)| before.get(*key) != Some(*row));
    let there = there.map(|((table, id), row)| {
        let op = if before.contains_key(&(*table, *id)) { "update" } else { "insert" };
        json!({"id": id, "op": op, "row": row, "table": table})
    });
    gone.chain(there).collect()
}

/// The body without what differs by nature.
fn lasting(answer: &Answer) -> String {
    let id = answer.headers["x-request-id"].to_str().unwrap();
    answer.text.replace(id, "req-")
}

fn headers(answer: &Answer) -> Vec<(String, String)> {
    let headers = answer.headers.iter();
    let kept = headers.filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"));
    kept.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn each_write_is_rehearsed_without_a_trace() {
    let rig = filled().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let lamp = r#"{"home_id":1,"name":"Lämp","kind":"lamp","state":{"on":true}}"#;
    for (method, target, body, more, rows_changed) in [
        (Method::POST, "/api/v1/devices", lamp, None, 1),
        (Method::POST, "/api/v1/devices", "home_id=1&name=Form&kind=lock", Some(form), 1),
        (Method::PUT, "/api/v1/devices/1", r#"{"name":"New","version":2}"#, None, 1),
        (Method::PATCH, "/api/v1/devices/1", r#"{"state":{"b":2,"a":[1]}}"#, None, 1),
        (Method::DELETE, "/api/v1/devices/1", "", None, 2),
        (Method::DELETE, "/api/v1/devices/42", "", None, 2),
        // Refused, so nothing is to change.
        (Method::POST, "/api/v1/devices", r#"{"home_id":2,"name":"A","kind":"lamp"}"#, None, 0),
        (Method::POST, "/api/v1/devices", "{oops", None, 0),
        (Method::PATCH, "/api/v1/devices/2", r#"{"name":"New","version":1}"#, None, 0),
        (Method::DELETE, "/api/v1/devices/1", "", None, 0),
        (Method::DELETE, "/api/v1/devices/99", "", None, 0),
    ] {
        let more: Vec<_> = more.into_iter().collect();
        let what = format!("{method} {target} {body}");
        let (digests_before, rows_before) = (digests(&rig).await, rows(&rig).await);
        let marked = [more.as_slice(), &[("Cutover-Shadow", "1")]].concat();
        let mut shadow = write(&rig, method.clone(), target, body, &marked).await;
        assert_eq!(digests(&rig).await, digests_before, "{what}");

        let real = write(&rig, method, target, body, &more).await;
        let effect = shadow.headers.remove("cutover-effect").unwrap();
        assert_eq!((shadow.status, lasting(&shadow)), (real.status, lasting(&real)), "{what}");
        assert_eq!(headers(&shadow), headers(&real), "{what}");

        let mut effect: Vec<Value> = serde_json::from_slice(effect.as_bytes()).unwrap();
        effect.sort_by_key(|row| (row["op"] != "delete", row["table"].to_string()));
        assert_eq!(effect, difference(&rows_before, &rows(&rig).await), "{what}");
        assert_eq!(effect.len(), rows_changed, "{what}");
    }
}

#[tokio::test]
async fn an_id_is_promised_to_nobody() {
    let rig = filled().await;
    let body = r#"{"home_id":1,"name":"A","kind":"lamp"}"#;
    for id in 41..=43 {
        let location = format!("/api/v1/devices/{id}");
        for mark in [&[("cutover-shadow", "1")][..], &[("cutover-shadow", "1")], &[]] {
            let answer = write(&rig, Method::POST, "/api/v1/devices", body, mark).await;
            assert_eq!(answer.headers["location"], location.as_str());
        }
    }
}

#[tokio::test]
async fn marked_reads_are_reads() {
    let rig = filled().await;
    let mark = [("cutover-shadow", "1")];
    for target in ["/api/v1/devices/1", "/api/v1/devices?home=1", "/api/v1/devices/99", "/nowhere"]
    {
        let shadow = write(&rig, Method::GET, target, "", &mark).await;
        let real = write(&rig, Method::GET, target, "", &[]).await;
        assert_eq!((shadow.status, lasting(&shadow)), (real.status, lasting(&real)), "{target}");
        assert_eq!(headers(&shadow), headers(&real), "{target}");
    }
}
