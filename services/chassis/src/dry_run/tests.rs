use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as Segment, State};
use axum::response::{IntoResponse, Response as Answered};
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::*;
use crate::database::Step;
use crate::{Config, InternalToken, Metrics, PublicService, Readiness, Server};

const STEP: Step = Step {
    version: 1,
    name: "items",
    sql: "CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, weight REAL, tag BLOB)",
};

/// What a handler of these tests runs, then answers the greatest id with.
type Statements = &'static [&'static str];

struct Rig {
    server: Server,
    database: Database,
    dir: tempfile::TempDir,
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    effect: Option<String>,
    text: String,
}

impl Rig {
    async fn start(dry_run: Honours) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("own.db"), &[STEP]).await.unwrap();
        std::fs::write(dir.path().join("token"), "0123456789abcdef0123456789abcdef").unwrap();
        let token = InternalToken::open(&dir.path().join("token")).unwrap();
        let mut config = Config::new();
        config.access_log = Some(dir.path().join("access.log"));
        config.dry_run = dry_run;
        let (metrics, readiness) = (Metrics::new(), Readiness::new(async || Ok(())));
        let public = PublicService::new(metrics.observe(routes(&database)));
        let server = Server::start(config, public, Router::new(), metrics, readiness, token);
        Rig { server: server.await.unwrap(), database, dir }
    }

    async fn ask(&self, method: &str, path: &str, marks: &[&str]) -> Answer {
        ask(self.server.addr(), method, path, marks).await
    }

    async fn real(&self, method: &str, path: &str) -> Answer {
        self.ask(method, path, &[]).await
    }

    async fn shadow(&self, method: &str, path: &str) -> Answer {
        self.ask(method, path, &["1"]).await
    }

    /// Database and write-ahead log.
    fn files(&self) -> [Vec<u8>; 2] {
        ["own.db", "own.db-wal"].map(|name| std::fs::read(self.dir.path().join(name)).unwrap())
    }
}

async fn ask(addr: SocketAddr, method: &str, path: &str, marks: &[&str]) -> Answer {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "test");
    for mark in marks {
        request = request.header("Cutover-Shadow", *mark);
    }
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let effect =
        parts.headers.get("cutover-effect").map(|value| value.to_str().unwrap().to_owned());
    Answer { status: parts.status, effect, text }
}

fn routes(database: &Database) -> Router {
    let run = |statements: Statements| async move |write: Write| run(write, statements).await;
    let count = async |State(database): State<PublicDatabase>| {
        let count = sqlx::query_scalar("SELECT count(*) FROM items").fetch_one(database.read());
        let count: i64 = count.await.unwrap();
        count.to_string()
    };
    let rename = async |Segment((id, name)): Segment<(i64, String)>, write: Write| {
        let mut tx = write.begin().await.unwrap();
        let sql = sqlx::query("UPDATE items SET name = ? WHERE id = ?").bind(name).bind(id);
        let found = sql.execute(&mut *tx).await.unwrap().rows_affected();
        if found == 0 {
            return StatusCode::NOT_FOUND;
        }
        tx.commit().await.unwrap();
        StatusCode::OK
    };
    Router::new()
        .route("/items", get(count).post(run(&["INSERT INTO items (name) VALUES ('a')"])))
        .route("/items/{id}/{name}", put(rename))
        .route(
            "/full",
            post(run(&["INSERT INTO items VALUES (7, 'Ü\"😀' || char(127, 10), 1.5, x'0aff')"])),
        )
        .route(
            "/many",
            post(run(&[
                "INSERT INTO items (name) SELECT name FROM items",
                "UPDATE items SET weight = 1.0",
            ])),
        )
        .route(
            "/brief",
            post(run(&["INSERT INTO items (id) VALUES (99)", "DELETE FROM items WHERE id = 99"])),
        )
        .route(
            "/delete",
            post(run(&[
                "UPDATE items SET name = 'b' WHERE id = 1",
                "DELETE FROM items WHERE id = 1",
            ])),
        )
        .route(
            "/replace",
            post(run(&["DELETE FROM items WHERE id = 1", "INSERT INTO items (id) VALUES (1)"])),
        )
        .route("/escape", post(run(&["INSERT INTO items (name) VALUES ('escaped')", "COMMIT"])))
        .route("/touch", get(run(&["UPDATE items SET name = 'touched' WHERE id = 1"])))
        .route("/search", post(async || "found"))
        .with_state(PublicDatabase::from(database.clone()))
}

async fn run(write: Write, statements: Statements) -> Answered {
    match max_after(write, statements).await {
        Ok(max) => format!("{max:?}").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn max_after(write: Write, statements: Statements) -> sqlx::Result<Option<i64>> {
    let mut tx = write.begin().await?;
    for statement in statements {
        sqlx::query(*statement).execute(&mut *tx).await?;
    }
    let max = sqlx::query_scalar("SELECT max(id) FROM items").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(max)
}

fn access_log(dir: &Path) -> Vec<String> {
    let path: PathBuf = dir.join("access.log");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[tokio::test]
async fn a_shadow_answers_as_the_real_one_will_and_leaves_no_byte() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    let before = rig.files();
    for _ in 0..3 {
        let shadow = rig.shadow("POST", "/items").await;
        let effect = r#"[{"id":2,"op":"insert","row":{"id":2,"name":"a","tag":null,"weight":null},"table":"items"}]"#;
        let text = "Some(2)".to_owned();
        let expected = Answer { status: StatusCode::OK, effect: Some(effect.to_owned()), text };
        assert_eq!(shadow, expected);
        assert_eq!(rig.files(), before);
    }
    let real = rig.real("POST", "/items").await;
    assert_eq!((real.text.as_str(), real.effect), ("Some(2)", None));
    assert_ne!(rig.files(), before);
    assert_eq!(rig.real("GET", "/items").await.text, "2");
}

#[tokio::test]
async fn the_effect_is_what_becomes_of_each_row() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    for (path, expected) in [
        (
            "/full",
            r#"[{"id":7,"op":"insert","row":{"id":7,"name":"\u00dc\"\ud83d\ude00\u007f\n","tag":{"hex":"0aff"},"weight":1.5},"table":"items"}]"#,
        ),
        ("/brief", "[]"),
        ("/delete", r#"[{"id":1,"op":"delete","table":"items"}]"#),
        (
            "/replace",
            r#"[{"id":1,"op":"update","row":{"id":1,"name":null,"tag":null,"weight":null},"table":"items"}]"#,
        ),
        ("/search", "[]"),
    ] {
        let shadow = rig.shadow("POST", path).await;
        assert_eq!((shadow.status, shadow.effect.as_deref()), (StatusCode::OK, Some(expected)));
    }
    let many = rig.shadow("POST", "/many").await.effect.unwrap();
    let ops: serde_json::Value = serde_json::from_str(&many).unwrap();
    // Touched first, told first: the new row is both inserted and updated.
    assert_eq!((&ops[0]["op"], &ops[0]["id"]), (&"insert".into(), &2.into()));
    assert_eq!((&ops[1]["op"], &ops[1]["row"]["weight"]), (&"update".into(), &1.0.into()));
}

#[tokio::test]
async fn an_effect_beyond_the_bound_is_told_by_length_and_hash() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    let mut last = String::new();
    for round in 0..8 {
        let effect = rig.shadow("POST", "/many").await.effect.unwrap();
        assert!(effect.len() <= EFFECT_BYTES_MAX);
        assert_eq!(effect.starts_with('['), round < 5, "{round}: {effect}");
        assert_eq!(rig.shadow("POST", "/many").await.effect.unwrap(), effect);
        assert_ne!(effect, last);
        rig.real("POST", "/many").await;
        last = effect;
    }
    let told: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert!(told["bytes"].as_u64().unwrap() > EFFECT_BYTES_MAX as u64);
    assert_eq!(told["xxh3"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn a_refusal_has_no_effect() {
    let rig = Rig::start(Honours::Loopback).await;
    let refused = rig.shadow("PUT", "/items/5/b").await;
    assert_eq!((refused.status, refused.effect.as_deref()), (StatusCode::NOT_FOUND, Some("[]")));
    assert_eq!(rig.real("PUT", "/items/5/b").await.effect, None);
}

#[tokio::test]
async fn reads_are_answered_as_ever_unless_they_write() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    assert_eq!(rig.shadow("GET", "/items").await, rig.real("GET", "/items").await);
    let before = rig.files();
    let effect = rig.shadow("GET", "/touch").await.effect.unwrap();
    assert!(effect.contains("touched"), "{effect}");
    assert_eq!(rig.files(), before);
}

#[tokio::test]
async fn a_commit_in_the_handlers_own_words_is_refused_in_a_dry_run_only() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    let before = rig.files();
    let escaped = rig.shadow("POST", "/escape").await;
    assert_eq!(escaped.status, StatusCode::INTERNAL_SERVER_ERROR, "{escaped:?}");
    assert_eq!(escaped.effect.as_deref(), Some("[]"));
    assert_eq!(rig.files(), before);
    assert_eq!(rig.real("POST", "/items").await.text, "Some(2)");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_blocks_nobody() {
    let rig = Rig::start(Honours::Loopback).await;
    let intent = Intent::default();
    let write = Write { database: rig.database.clone(), dry: Some(intent.clone()) };
    let mut tx = write.begin().await.unwrap();
    sqlx::query("INSERT INTO items (name) VALUES ('left')").execute(&mut *tx).await.unwrap();
    drop(tx);
    assert_eq!(rig.real("POST", "/items").await.text, "Some(1)");
    assert!(lock(&intent.0).is_none());
    assert_eq!(rig.real("GET", "/items").await.text, "1");
}

#[tokio::test]
async fn real_writes_among_dry_runs_see_nothing_of_them() {
    let rig = Rig::start(Honours::Loopback).await;
    let addr = rig.server.addr();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let marks: &[&str] = if number % 2 == 0 { &[] } else { &["1"] };
        tasks.spawn(async move { (number % 2 == 0, ask(addr, "POST", "/items", marks).await) });
    }
    let mut reals = Vec::new();
    for (is_real, answer) in tasks.join_all().await {
        assert_eq!((answer.status, answer.effect.is_none()), (StatusCode::OK, is_real));
        let id: u32 = answer.text["Some(".len()..answer.text.len() - 1].parse().unwrap();
        assert!(id <= 31, "{answer:?}");
        reals.extend(is_real.then_some(id));
    }
    reals.sort_unstable();
    assert_eq!(reals, (1..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_mark_that_is_not_honoured_stops_writes_and_nothing_else() {
    let closed = Rig::start(Honours::Never).await;
    let open = Rig::start(Honours::Always).await;
    for (rig, marks) in [
        (&closed, &["1"][..]),
        (&open, &["2"]),
        (&open, &["true"]),
        (&open, &[""]),
        (&open, &["1", "1"]),
    ] {
        let refused = rig.ask("POST", "/items", marks).await;
        assert_eq!((refused.status, refused.effect), (StatusCode::NOT_IMPLEMENTED, None));
        assert!(refused.text.contains("dry_run_refused"), "{}", refused.text);
        let read = rig.ask("GET", "/items", marks).await;
        assert_eq!((read.status, read.text.as_str(), read.effect), (StatusCode::OK, "0", None));
    }
    assert!(open.shadow("POST", "/items").await.effect.is_some());
    assert_eq!(open.real("GET", "/items").await.text, "0");
}

#[tokio::test]
async fn a_write_that_bypassed_the_listener_is_refused() {
    let rig = Rig::start(Honours::Always).await;
    let request = Request::post("/items").body(Body::empty()).unwrap();
    let response = routes(&rig.database).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(rig.real("GET", "/items").await.text, "0");
}

#[tokio::test]
async fn dry_runs_are_counted_apart() {
    let rig = Rig::start(Honours::Loopback).await;
    rig.real("POST", "/items").await;
    rig.shadow("POST", "/items").await;
    rig.shadow("POST", "/items").await;
    rig.shadow("GET", "/items").await;
    let metrics = ask(rig.server.internal_addr(), "GET", "/metrics", &[]).await.text;
    let count = |metric: &str, method: &str| {
        let labels = format!(
            r#"http_request_method="{method}",http_route="/items",http_response_status_code="200""#
        );
        let line = format!("http_server_{metric}_duration_seconds_count{{{labels}}} ");
        let line = metrics.lines().find_map(|text| text.strip_prefix(&line));
        line.map_or(0, |count| count.parse().unwrap())
    };
    assert_eq!((count("request", "POST"), count("request", "GET")), (1, 0));
    assert_eq!((count("shadow_request", "POST"), count("shadow_request", "GET")), (2, 1));
    rig.server.stop().await;
    let mut lines = access_log(rig.dir.path());
    lines.sort();
    let post = "POST /items 200 7";
    let marked = format!("{post} shadow");
    assert_eq!(lines, ["GET /items 200 1 shadow", post, &marked, &marked]);
}

#[test]
fn the_mark_is_honoured_where_only_the_proxy_connects() {
    for (addr, by_default) in [
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("192.168.1.4", false),
    ] {
        let addr: IpAddr = addr.parse().unwrap();
        assert_eq!(Honours::default().on(addr), by_default, "{addr}");
        assert!(Honours::Always.on(addr) && !Honours::Never.on(addr));
    }
}
