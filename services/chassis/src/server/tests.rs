use std::path::Path;

use axum::extract::Path as Segment;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A service with `/slow`, which ends when told, and `/item/{id}`.
struct Rig {
    server: Server,
    dir: tempfile::TempDir,
    begun: Arc<Notify>,
    finish: Arc<Notify>,
}

impl Rig {
    async fn start(change: impl FnOnce(&mut Config)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new();
        config.access_log = Some(dir.path().join("access.log"));
        change(&mut config);
        let metrics = Metrics::new();
        let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begin, end) = (Arc::clone(&begun), Arc::clone(&finish));
        let slow = move || async move {
            begin.notify_one();
            end.notified().await;
            "done"
        };
        let item = async |Segment(id): Segment<u32>| ([("x-item", "1")], format!("item {id}"));
        let routes = Router::new().route("/slow", get(slow)).route("/item/{id}", get(item));
        let public = PublicService::new(metrics.observe(routes));
        let internal = Router::new().route("/internal/v1/echo", get(async || "echo"));
        let readiness = Readiness::new(async || Ok(()));
        let token = token(dir.path());
        let server =
            Server::start(config, public, internal, metrics, readiness, token).await.unwrap();
        Rig { server, dir, begun, finish }
    }

    fn access_log(dir: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(dir.join("access.log")).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }
}

fn token(dir: &Path) -> InternalToken {
    std::fs::write(dir.join("token"), TOKEN).unwrap();
    InternalToken::open(&dir.join("token")).unwrap()
}

async fn connect(addr: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &'static str,
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path).header("host", "test");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request = request.header("content-type", "application/json");
    let request = request.body(Full::from(body)).unwrap();
    let response = connect(addr).await.send_request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_in_flight_ends_and_no_new_one_begins() {
    let rig = Rig::start(|_| {}).await;
    let (addr, internal) = (rig.server.addr(), rig.server.internal_addr());
    assert_eq!(
        ask(internal, "GET", "/readyz", None, "").await,
        (StatusCode::OK, "ready\n".to_owned())
    );
    let in_flight = tokio::spawn(ask(addr, "GET", "/slow", None, ""));
    rig.begun.notified().await;

    let stopping = tokio::spawn(rig.server.stop());
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let (status, text) = ask(internal, "GET", "/readyz", None, "").await;
    assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping\n"));
    assert_eq!(ask(internal, "GET", "/livez", None, "").await.0, StatusCode::OK);
    assert!(!stopping.is_finished());

    rig.finish.notify_one();
    assert_eq!(in_flight.await.unwrap(), (StatusCode::OK, "done".to_owned()));
    stopping.await.unwrap();
    assert_eq!(Rig::access_log(rig.dir.path()), ["GET /slow 200 4"]);
    assert!(TcpStream::connect(internal).await.is_err());
}

#[tokio::test]
async fn draining_is_bounded() {
    let rig = Rig::start(|config| config.limits.drain = Duration::from_millis(50)).await;
    let addr = rig.server.addr();
    let mut sender = connect(addr).await;
    let request = Request::get("/slow").header("host", "test").body(Full::default()).unwrap();
    let in_flight = tokio::spawn(async move { sender.send_request(request).await.map(drop) });
    rig.begun.notified().await;
    rig.server.stop().await;
    assert!(in_flight.await.unwrap().is_err());
    assert_eq!(Rig::access_log(rig.dir.path()), ["GET /slow 499 0"]);
}

#[tokio::test]
async fn connections_in_the_backlog_at_the_stop_are_served() {
    use io::{Read, Write};
    let rig = Rig::start(|_| {}).await;
    let addr = rig.server.addr();
    let first = tokio::spawn(ask(addr, "GET", "/slow", None, ""));
    rig.begun.notified().await;
    // This test has the only thread, so the accept loop does not run: the kernel holds these.
    let mut waiting = std::net::TcpStream::connect(addr).unwrap();
    waiting.write_all(b"GET /item/7 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let stopping = tokio::spawn(rig.server.stop());
    let answer = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        waiting.read_to_string(&mut text).unwrap();
        text
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("item 7"), "{answer}");
    rig.finish.notify_one();
    first.await.unwrap();
    stopping.await.unwrap();
}

#[tokio::test]
async fn internal_endpoints_ask_for_the_token_and_public_ones_are_elsewhere() {
    let rig = Rig::start(|_| {}).await;
    let (addr, internal) = (rig.server.addr(), rig.server.internal_addr());
    let echo = "/internal/v1/echo";
    assert_eq!(ask(internal, "GET", echo, None, "").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(internal, "GET", echo, Some(&TOKEN[1..]), "").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        ask(internal, "GET", echo, Some(TOKEN), "").await,
        (StatusCode::OK, "echo".to_owned())
    );
    assert_eq!(
        ask(internal, "POST", echo, Some(TOKEN), "").await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(ask(internal, "GET", "/item/1", Some(TOKEN), "").await.0, StatusCode::NOT_FOUND);
    for path in [echo, "/livez", "/readyz", "/metrics", "/internal/v1/faults"] {
        assert_eq!(
            ask(addr, "GET", path, Some(TOKEN), "").await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    // Without the flag there is no fault switch at all.
    let faults =
        ask(internal, "PUT", "/internal/v1/faults", Some(TOKEN), r#"{"kind":"hang"}"#).await;
    assert_eq!(faults.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_name_routes_by_template() {
    let rig = Rig::start(|_| {}).await;
    let (addr, internal) = (rig.server.addr(), rig.server.internal_addr());
    for path in ["/item/1", "/item/2", "/item/x", "/nowhere"] {
        ask(addr, "GET", path, None, "").await;
    }
    ask(addr, "BREW", "/item/1", None, "").await;
    let (_, text) = ask(internal, "GET", "/metrics", None, "").await;
    for (labels, count) in [
        (r#"http_request_method="GET",http_route="/item/{id}",http_response_status_code="200""#, 2),
        (r#"http_request_method="GET",http_route="/item/{id}",http_response_status_code="400""#, 1),
        (r#"http_request_method="GET",http_route="_unmatched",http_response_status_code="404""#, 1),
        (
            r#"http_request_method="_OTHER",http_route="/item/{id}",http_response_status_code="405""#,
            1,
        ),
    ] {
        let line = format!("http_server_request_duration_seconds_count{{{labels}}} {count}\n");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(text.contains("http_server_active_requests 0\n"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn header_names_are_in_title_case_when_asked() {
    let rig = Rig::start(|config| config.title_case_headers = true).await;
    let mut stream = TcpStream::connect(rig.server.addr()).await.unwrap();
    stream
        .write_all(b"GET /item/1 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(
        text.contains("\r\nX-Item: 1\r\n") && text.contains("\r\nContent-Length: 6\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn drills_fail_the_public_side_and_can_be_taken_back() {
    let rig = Rig::start(|config| config.allows_faults = true).await;
    let (addr, internal) = (rig.server.addr(), rig.server.internal_addr());
    let set = async |fault| ask(internal, "PUT", "/internal/v1/faults", Some(TOKEN), fault).await.0;
    assert_eq!(
        ask(internal, "PUT", "/internal/v1/faults", None, "{}").await.0,
        StatusCode::UNAUTHORIZED
    );
    for wrong in [
        "",
        "{}",
        r#"{"kind":"status","status":200}"#,
        r#"{"kind":"latency","ms":600001}"#,
        r#"{"kind":"oops"}"#,
    ] {
        assert_eq!(set(wrong).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    assert_eq!(set(r#"{"kind":"status","status":503}"#).await, StatusCode::OK);
    assert_eq!(ask(addr, "GET", "/item/1", None, "").await.0, StatusCode::SERVICE_UNAVAILABLE);

    assert_eq!(set(r#"{"kind":"cut_off","bytes":20}"#).await, StatusCode::OK);
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET /item/1 HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    let mut part = Vec::new();
    let _ = stream.read_to_end(&mut part).await;
    assert_eq!(part.len(), 20);

    assert_eq!(set(r#"{"kind":"latency","ms":30}"#).await, StatusCode::OK);
    let begin = std::time::Instant::now();
    assert_eq!(ask(addr, "GET", "/item/1", None, "").await.0, StatusCode::OK);
    assert!(begin.elapsed() >= Duration::from_millis(30));

    assert_eq!(set(r#"{"kind":"hang"}"#).await, StatusCode::OK);
    let hanging =
        tokio::time::timeout(Duration::from_millis(100), ask(addr, "GET", "/item/1", None, ""));
    assert!(hanging.await.is_err());

    assert_eq!(
        ask(internal, "DELETE", "/internal/v1/faults", Some(TOKEN), "").await.0,
        StatusCode::OK
    );
    assert_eq!(ask(addr, "GET", "/item/1", None, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn playing_dead_breaks_connections_and_refuses_new_ones() {
    let rig = Rig::start(|config| config.allows_faults = true).await;
    let (addr, internal) = (rig.server.addr(), rig.server.internal_addr());
    let mut kept_alive = TcpStream::connect(addr).await.unwrap();
    let faults = "/internal/v1/faults";
    ask(internal, "PUT", faults, Some(TOKEN), r#"{"kind":"refuse"}"#).await;
    assert_eq!(kept_alive.read(&mut [0; 8]).await.unwrap_or(0), 0);
    let refused = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    ask(internal, "DELETE", faults, Some(TOKEN), "").await;
    while TcpStream::connect(addr).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(addr, "GET", "/item/1", None, "").await.0, StatusCode::OK);
    ask(internal, "PUT", faults, Some(TOKEN), r#"{"kind":"refuse"}"#).await;
    rig.server.stop().await;
}

#[tokio::test]
async fn a_silent_client_is_let_go() {
    let rig = Rig::start(|config| config.limits.head_timeout = Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(rig.server.addr()).await.unwrap();
    stream.write_all(b"GET /item/1 HTTP/1.1\r\nHo").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{rest:?}");
}

/// Nothing is bound, so the server itself is never reached.
async fn start_error(change: impl FnOnce(&mut Config)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new();
    change(&mut config);
    let public = PublicService::new(Router::new());
    let readiness = Readiness::new(async || Ok(()));
    let token = token(dir.path());
    let started =
        Server::start(config, public, Router::new(), Metrics::new(), readiness, token).await;
    started.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn clear_text_beyond_loopback_is_refused() {
    let anywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = start_error(|config| config.listen = anywhere).await;
    assert!(error.contains("refusing to listen on 0.0.0.0:0"), "{error}");
    let error = start_error(|config| config.internal_listen = anywhere).await;
    assert!(error.contains("no TLS"), "{error}");
    let files = TlsFiles { cert: "/nowhere/cert".into(), key: "/nowhere/key".into() };
    let error = start_error(|config| config.tls = Some(files)).await;
    assert!(error.contains("cannot use /nowhere/cert for TLS"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let holder = std::net::TcpListener::bind(taken.unwrap()).unwrap();
    let error = start_error(|config| config.listen = holder.local_addr().unwrap()).await;
    assert!(error.contains("cannot listen on 127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn with_tls_any_address_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles { cert: dir.path().join("cert"), key: dir.path().join("key") };
    std::fs::write(&files.cert, certified.cert.pem()).unwrap();
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).unwrap();
    let rig = Rig::start(|config| {
        config.listen = SocketAddr::from(([0, 0, 0, 0], 0));
        config.tls = Some(files);
    })
    .await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let port = rig.server.addr().port();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request =
        Request::get("/item/5").header("host", "t").body(Full::<Bytes>::default()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "item 5");
}

#[tokio::test]
async fn only_copies_are_told_the_build() {
    let build = HeaderValue::from_static("4f2c1a");
    let rig = Rig::start(|config| config.build = Some(build.clone())).await;
    let mut sender = connect(rig.server.addr()).await;
    for (mark, told) in [(None, None), (Some("1"), Some(&build))] {
        let mut request = Request::builder().uri("/item/7").header("host", "test");
        if let Some(mark) = mark {
            request = request.header("cutover-shadow", mark);
        }
        let response = sender.send_request(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(response.headers().get("cutover-build"), told);
        response.into_body().collect().await.unwrap();
    }
    rig.server.stop().await;
}
