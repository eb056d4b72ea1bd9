//! A monolith in this process, registry and the adapter as processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use monolith::{Monolith, Seed};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::net::TcpStream;
use tokio::process::Child;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Devices of the seed, beyond what a rig adds.
pub(crate) const DEVICES: u64 = 40;
pub(crate) const HOMES: u64 = 3;
pub(crate) const TOMBSTONES: u64 = 2;

pub(crate) struct Rig {
    pub(crate) monolith: Monolith,
    pub(crate) registry: SocketAddr,
    pub(crate) internal: SocketAddr,
    /// Killed when dropped.
    _process: Child,
    dir: tempfile::TempDir,
}

/// What the adapter left behind.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
    pub(crate) stdout: String,
}

impl Rig {
    /// A monolith with `extra` devices more, an empty registry.
    pub(crate) async fn start(extra: u32) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let mut config = monolith::contract::config(dir.path().join("monolith.db"));
        config.seed = Seed::Demo { extra_devices: extra };
        config.session_key_file = Some(dir.path().join("session.key"));
        let monolith = Monolith::start(config).await.unwrap();
        std::fs::write(dir.path().join("token"), TOKEN).unwrap();
        let process = start_registry(dir.path());
        let port = async |name: &str| {
            SocketAddr::from(([127, 0, 0, 1], port(&dir.path().join(name)).await))
        };
        let (registry, internal) = (port("port").await, port("internal.port").await);
        Rig { monolith, registry, internal, _process: process, dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Arguments of a backfill from the monolith to registry.
    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let legacy = format!("sqlite://{}", self.path("monolith.db").display());
        let token = self.path("token").display().to_string();
        let registry = format!("http://{}", self.internal);
        let fixed =
            ["backfill", "--legacy", &legacy, "--registry", &registry, "--token-file", &token];
        let mut arguments: Vec<String> =
            fixed.into_iter().chain(more.iter().copied()).map(str::to_owned).collect();
        // Two looks without a pause are enough where nothing changes meanwhile.
        for (flag, value) in [("--settle-ms", "0"), ("--output", "json")] {
            if !more.contains(&flag) {
                arguments.extend([flag.to_owned(), value.to_owned()]);
            }
        }
        arguments
    }

    /// Runs a backfill to its end.
    pub(crate) async fn backfill(&self, more: &[&str]) -> Said {
        run(self.arguments(more)).await
    }

    /// Runs a backfill that comes to the verdict `equal`.
    pub(crate) async fn backfill_equal(&self, more: &[&str]) -> Value {
        let said = self.backfill(more).await;
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        let report = said.json();
        assert_eq!(report["verdict"], "equal");
        report
    }

    /// Changes registry's or the monolith's database behind its back.
    pub(crate) async fn tamper(&self, db: &str, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.path(db)).create_if_missing(false);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Count and hashes of registry's devices.
    pub(crate) async fn digest(&self) -> Value {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str())];
        let target = "/internal/v1/digest?entity=devices";
        let (status, text) = ask(self.internal, Method::GET, target, &headers, "").await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A session of alice, from the monolith.
    pub(crate) async fn cookie(&self) -> String {
        let request =
            Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
        let request =
            request.header("host", "home").body(Full::from("login=alice&password=sesame"));
        let response =
            connect(self.monolith.addr()).await.send_request(request.unwrap()).await.unwrap();
        let mut cookies =
            response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let session = cookies.find(|cookie| cookie.starts_with("sid=")).unwrap();
        session.split(';').next().unwrap().to_owned()
    }
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

pub(crate) async fn run(arguments: Vec<String>) -> Said {
    let ran = tokio::task::spawn_blocking(|| adapter(arguments).output().unwrap());
    let Output { status, stdout, stderr } = ran.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), stderr: text(stderr), stdout: text(stdout) }
}

pub(crate) fn adapter(arguments: Vec<String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_legacy-adapter"));
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) async fn ask(
    addr: SocketAddr,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(target).header("host", "home");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body)).unwrap();
    let response = connect(addr).await.send_request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Waits for `state`, which must come within 30 s.
pub(crate) async fn until<T>(what: &str, mut state: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = state() {
            return value;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn connect(addr: SocketAddr) -> hyper::client::conn::http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn port(path: &Path) -> u16 {
    let read = || std::fs::read_to_string(path).ok()?.trim().parse().ok();
    until(&format!("{}", path.display()), read).await
}

fn start_registry(dir: &Path) -> Child {
    let us = std::env::current_exe().unwrap();
    let binary = us.parent().and_then(Path::parent).unwrap().join("registry");
    assert!(
        binary.exists(),
        "{} is not built. Build what the tests start: cargo build --workspace --bins --locked",
        binary.display()
    );
    let mut command = tokio::process::Command::new(binary);
    for (flag, name) in [
        ("--db", "registry.db"),
        ("--session-key-file", "session.key"),
        ("--internal-token-file", "token"),
        ("--port-file", "port"),
        ("--internal-port-file", "internal.port"),
    ] {
        command.arg(flag).arg(dir.join(name));
    }
    command.args(["--listen", "127.0.0.1:0", "--clock", "1710000000"]);
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}
