//! A registry beside a monolith, each with its own database.

use std::net::SocketAddr;
use std::path::PathBuf;

use bytes::Bytes;
use chassis::clock::parse_naive;
use chassis::{Clock, Metrics};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use monolith::Monolith;
use registry::{Config, Plants, Registry};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow};
use tokio::net::TcpStream;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Rig {
    pub(crate) registry: Registry,
    dir: tempfile::TempDir,
}

/// Status, headers as `name: value` lines, body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Rig {
    /// An empty registry at the contract's time.
    pub(crate) async fn start() -> Rig {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("session.key"), "0123456789abcdef").unwrap();
        Rig::start_in(dir).await
    }

    pub(crate) async fn start_in(dir: tempfile::TempDir) -> Rig {
        Rig::start_with(dir, Plants::default()).await
    }

    async fn start_with(dir: tempfile::TempDir, plants: Plants) -> Rig {
        std::fs::write(dir.path().join("token"), TOKEN).unwrap();
        let config = Config {
            server: chassis::Config::new(),
            db: dir.path().join("registry.db"),
            session_key_file: dir.path().join("session.key"),
            internal_token_file: dir.path().join("token"),
            clock: Clock::Fixed(1_710_000_000),
            plants,
        };
        let registry = Registry::start(config, Metrics::new()).await.unwrap();
        Rig { registry, dir }
    }

    /// As [`Rig::start`], with these faults planted.
    pub(crate) async fn planted(plants: &str) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("session.key"), "0123456789abcdef").unwrap();
        Rig::start_with(dir, plants.parse().unwrap()).await
    }

    /// Stops registry and starts it again on the same files.
    pub(crate) async fn restart(self) -> Rig {
        self.registry.stop().await;
        Rig::start_in(self.dir).await
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.dir.path().join("registry.db")
    }

    /// A session of `user`, made as the monolith makes them.
    pub(crate) fn cookie(&self, user: i64) -> String {
        assert_eq!(user, 1, "only one signature is known here");
        format!("sid=1.2000000000.{SIGNATURE}")
    }

    pub(crate) async fn internal(
        &self,
        method: Method,
        target: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer =
            ask(self.registry.internal_addr(), method, target, &headers, body.to_string()).await;
        let value = serde_json::from_str(&answer.text).unwrap_or(Value::String(answer.text));
        (answer.status, value)
    }

    pub(crate) async fn import(&self, batch: Value) -> (StatusCode, Value) {
        self.internal(Method::PUT, "/internal/v1/import", batch).await
    }

    pub(crate) async fn digest(&self, query: &str) -> Value {
        let target = format!("/internal/v1/digest?{query}");
        let (status, value) = self.internal(Method::GET, &target, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{value}");
        value
    }

    /// Asks the public side as user 1.
    pub(crate) async fn public(&self, method: Method, target: &str, body: &str) -> Answer {
        let cookie = self.cookie(1);
        let headers = [("cookie", cookie.as_str())];
        ask(self.registry.addr(), method, target, &headers, body.to_owned()).await
    }
}

/// `printf 1.2000000000 | openssl dgst -sha256 -hmac 0123456789abcdef`
const SIGNATURE: &str = "e64fb81de46068e5854e85d788eff89669c7296929cbada12f895585a306b7ed";

pub(crate) async fn ask(
    addr: SocketAddr,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Answer {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(target).header("host", "registry");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// A device as the import wants it.
pub(crate) fn device(id: i64, version: i64, name: &str) -> Value {
    json!({
        "id": id, "home_id": 1, "name": name, "kind": "lamp", "firmware": "1.0.0",
        "state": "{ \"on\":true, \"level\":21.50 }",
        "created_at_us": 1_709_296_496_000_000_i64, "updated_at_us": 1_709_296_496_000_000_i64,
        "version": version,
    })
}

/// All that the monolith's database says about devices, as one batch.
pub(crate) async fn read_monolith(db: PathBuf) -> Value {
    let options = SqliteConnectOptions::new().filename(db).read_only(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let all = async |sql: &'static str| sqlx::query(sql).fetch_all(&pool).await.unwrap();
    let number = |row: &SqliteRow, column: &str| row.get::<i64, _>(column);
    let text = |row: &SqliteRow, column: &str| row.get::<String, _>(column);
    let time = |row: &SqliteRow, column: &str| parse_naive(&text(row, column)).unwrap();
    let homes = all("SELECT * FROM homes").await;
    let homes = homes
        .iter()
        .map(|row| json!({"id": number(row, "id"), "owner_id": number(row, "owner_id")}));
    let devices = all("SELECT * FROM devices").await;
    let devices = devices.iter().map(|row| {
        json!({
            "id": number(row, "id"), "home_id": number(row, "home_id"), "name": text(row, "name"),
            "kind": text(row, "kind"), "firmware": text(row, "firmware"), "state": text(row, "state"),
            "created_at_us": time(row, "created_at"), "updated_at_us": time(row, "updated_at"),
            "version": number(row, "version"),
        })
    });
    let tombstones = all("SELECT * FROM device_tombstones").await;
    let tombstones = tombstones.iter().map(|row| {
        let (id, version) = (number(row, "id"), number(row, "version"));
        json!({"id": id, "version": version, "deleted_at_us": time(row, "deleted_at")})
    });
    json!({
        "read_at_us": 1, "homes": homes.collect::<Value>(), "devices": devices.collect::<Value>(),
        "tombstones": tombstones.collect::<Value>(),
    })
}

/// A monolith as the contract suite wants it, and a registry with the same devices and session key.
pub(crate) async fn both() -> (Monolith, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monolith.db");
    let mut config = monolith::contract::config(&db);
    config.session_key_file = Some(dir.path().join("session.key"));
    let monolith = Monolith::start(config).await.unwrap();
    let rig = Rig::start_in(dir).await;
    let (status, report) = rig.import(read_monolith(db).await).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    (monolith, rig)
}
