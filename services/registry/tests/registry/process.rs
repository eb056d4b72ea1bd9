//! Registry as a process: what it prints, writes and does on signals.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use http::Method;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::rig::{TOKEN, ask};

fn command(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
    for (flag, name) in [
        ("--db", "registry.db"),
        ("--session-key-file", "session.key"),
        ("--internal-token-file", "token"),
        ("--port-file", "port"),
        ("--internal-port-file", "internal.port"),
        ("--access-log", "access.log"),
    ] {
        command.arg(flag).arg(dir.join(name));
    }
    command.args(["--listen", "127.0.0.1:0"]).args(more);
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts registry and waits for its last line about listening.
async fn start(dir: &Path, more: &[&str]) -> (Child, SocketAddr) {
    std::fs::write(dir.join("session.key"), "0123456789abcdef").unwrap();
    std::fs::write(dir.join("token"), TOKEN).unwrap();
    let mut child = command(dir, more).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(addr) = line.strip_prefix("listening on http://") {
            return (child, addr.parse().unwrap());
        }
    }
    panic!("registry ended before it listened");
}

fn port(path: &Path) -> u16 {
    std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn sigterm_lets_the_request_in_flight_finish() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, addr) = start(dir.path(), &["--faults"]).await;
    assert_eq!(port(&dir.path().join("port")), addr.port());
    let internal = SocketAddr::from(([127, 0, 0, 1], port(&dir.path().join("internal.port"))));
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    // Long enough to be seen under way on a busy machine.
    let slow = r#"{"kind":"latency","ms":2000}"#.to_owned();
    ask(internal, Method::PUT, "/internal/v1/faults", &headers, slow).await;

    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET /api/v1/devices HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    let metrics = async || ask(internal, Method::GET, "/metrics", &[], String::new()).await.text;
    let begin = Instant::now();
    while !metrics().await.contains("http_server_active_requests 1\n") {
        assert!(begin.elapsed() < Duration::from_secs(10), "the request did not begin");
    }
    signal(&child, "TERM").await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 401 Unauthorized\r\nServer: Apache/2.2.15 (HomeHub)\r\n"),
        "{answer}"
    );
    assert!(child.wait().await.unwrap().success());
    let log = std::fs::read_to_string(dir.path().join("access.log")).unwrap();
    let (_, line) = log.split_once(' ').unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(line, format!("GET /api/v1/devices 401 {}\n", body.len()));
    // Closed in order: nothing is left of the write-ahead log.
    assert!(!dir.path().join("registry.db-wal").exists());
}

#[tokio::test]
async fn an_acknowledged_write_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, addr) = start(dir.path(), &[]).await;
    let row = super::rig::device(7, 1, "Kept");
    let batch =
        serde_json::json!({"read_at_us": 1, "homes": [{"id": 1, "owner_id": 1}], "devices": [row]});
    let internal = SocketAddr::from(([127, 0, 0, 1], port(&dir.path().join("internal.port"))));
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let taken =
        ask(internal, Method::PUT, "/internal/v1/import", &headers, batch.to_string()).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
    let (_child, _) = start(dir.path(), &[]).await;
    let internal = SocketAddr::from(([127, 0, 0, 1], port(&dir.path().join("internal.port"))));
    let digest =
        ask(internal, Method::GET, "/internal/v1/digest?entity=devices", &headers, String::new())
            .await;
    assert!(digest.text.contains(r#""count":1"#), "{}", digest.text);
}

#[tokio::test]
async fn a_start_that_cannot_succeed_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let fails = async |more: &[&str]| {
        let output = command(dir.path(), more).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, error) = fails(&[]).await;
    assert_eq!(code, Some(1));
    assert!(
        error.contains("cannot use the session key file")
            && error.contains("start the monolith first"),
        "{error}"
    );
    std::fs::write(dir.path().join("session.key"), "0123456789abcdef").unwrap();
    let (code, error) = fails(&["--internal-listen", "0.0.0.0:0"]).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("refusing to listen on 0.0.0.0:0"), "{error}");
    let (code, error) = fails(&["--tls-cert", "cert.pem"]).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("--tls-key"), "{error}");
    let (code, error) = fails(&["--otlp", "nonsense"]).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("nonsense"), "{error}");
}

#[tokio::test]
async fn planted_faults_are_listed_and_unknown_ones_refused() {
    let run = async |args: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_registry")).args(args).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, listed, _) = run(&["--plant", "help"]).await;
    assert_eq!((code, listed), (Some(0), registry::Plants::help()));
    let (code, listed, error) = run(&["--plant", "status,oops"]).await;
    assert_eq!((code, listed.len()), (Some(2), 0));
    assert!(error.contains("there is no fault `oops`") && error.contains("help"), "{error}");
    let (code, _, error) = run(&["--plant", "status@0"]).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("status@100"), "{error}");
}

#[tokio::test]
async fn dry_runs_can_be_forbidden() {
    let dir = tempfile::tempdir().unwrap();
    for (when, refused) in [("loopback", false), ("always", false), ("never", true)] {
        let (_child, addr) = start(dir.path(), &["--dry-run", when]).await;
        let headers = [
            (
                "cookie",
                "sid=1.2000000000.e64fb81de46068e5854e85d788eff89669c7296929cbada12f895585a306b7ed",
            ),
            ("cutover-shadow", "1"),
        ];
        let answer = ask(addr, Method::DELETE, "/api/v1/devices/3", &headers, String::new()).await;
        let expected = if refused { (501, false) } else { (404, true) };
        let found = (answer.status.as_u16(), answer.headers.contains_key("cutover-effect"));
        assert_eq!(found, expected, "{when}: {}", answer.text);
    }
}

/// The caller's trace goes on: same trace id, the caller's span as parent, a name by template.
#[tokio::test]
async fn a_request_is_a_span_of_its_callers_trace() {
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let otlp = format!("http://{}", receiver.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (child, addr) = start(dir.path(), &["--otlp", &otlp]).await;
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", context)];
    ask(addr, Method::GET, "/api/v1/devices/3", &headers, String::new()).await;
    signal(&child, "TERM").await;
    let (mut stream, _) = receiver.accept().await.unwrap();
    let mut received = Vec::new();
    let expected = [
        &b"POST /v1/traces HTTP/1.1"[..],
        &0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes(),
        &0xb7ad_6b71_6920_3331_u64.to_be_bytes(),
        b"GET /api/v1/devices/{id}",
        b"registry",
    ];
    let has =
        |received: &[u8], part: &[u8]| received.windows(part.len()).any(|window| window == part);
    let arrived = tokio::time::timeout(Duration::from_secs(10), async {
        while !expected.iter().all(|part| has(&received, part)) {
            assert_ne!(
                stream.read_buf(&mut received).await.unwrap(),
                0,
                "the span is not in {received:?}"
            );
        }
    });
    arrived.await.expect("the span did not arrive");
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
}
