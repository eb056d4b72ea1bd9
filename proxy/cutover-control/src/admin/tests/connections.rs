//! Connections, bounds, TLS.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};

use super::*;

#[tokio::test]
async fn beyond_loopback_there_is_tls_or_nothing() {
    for (listen, code) in [
        ("0.0.0.0:0", Err("admin_not_private")),
        ("[::]:0", Err("admin_not_private")),
        ("192.0.2.1:9900", Err("admin_not_private")),
        ("127.0.0.1:0", Ok(())),
        ("[::1]:0", Ok(())),
    ] {
        let config = AdminConfig::new(listen.parse().unwrap());
        assert_eq!(config.validate().map_err(|error| error.code()), code, "{listen}");
    }
    let open = AdminConfig::new("0.0.0.0:0".parse().unwrap());
    assert_eq!(AdminServer::bind(open).await.unwrap_err().code(), "admin_not_private");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let rig = Rig::new("read legacy").await;
    let error = AdminServer::bind(AdminConfig::new(rig.address)).await.unwrap_err();
    assert_eq!(error.code(), "admin_listen");
    assert!(error.to_string().contains(&rig.address.to_string()));
    assert!(!error.hint().is_empty());
    rig.end().await;
}

#[tokio::test]
async fn a_head_out_of_bounds_is_refused() {
    let rig = Rig::new("read legacy").await;
    let host = rig.address;
    for filler in [format!("x-large: {}\r\n", "x".repeat(64 * 1_024)), "x-many: 1\r\n".repeat(100)]
    {
        let got = rig.raw(&format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n{filler}\r\n")).await;
        assert_eq!(got.status, 431, "{}", got.head);
    }
    rig.end().await;
}

/// Real time passes for nobody: the runtime's clock is paused and jumps to the next timer.
#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let rig = Rig::new("read legacy").await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let head = format!(
        "POST /api/v1/rollback HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer operator\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"reason\":",
        rig.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The request is being read once another on the same listener was answered.
    assert_eq!(rig.get("/livez").await.status, 200);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    let mut bytes = vec![0; 4_096];
    let read = stream.read(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("request_timeout"), "{text}");
    rig.end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let rig = Rig::new("read legacy").await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let ask = format!("GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address);
    stream.write_all(ask.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(stream.read(&mut [0; 1_024]).await.unwrap(), 0, "closed");
    rig.end().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let config =
        AdminConfig { connections_max: 1, ..AdminConfig::new("127.0.0.1:0".parse().unwrap()) };
    let rig = Rig::with("read legacy", config).await;
    let mut first = TcpStream::connect(rig.address).await.unwrap();
    let ask = format!("GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address);
    first.write_all(ask.as_bytes()).await.unwrap();
    assert!(first.read(&mut [0; 1_024]).await.unwrap() > 0, "it has its place");
    let mut second = Box::pin(rig.get("/livez"));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "there was no place");
    drop(first);
    assert_eq!(second.await.status, 200);
    rig.end().await;
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish() {
    let loopback = AdminConfig::new("127.0.0.1:0".parse().unwrap());
    let mut rig = Rig::with("read shadow", loopback).await;
    let body = json!({ "reason": "x" });
    let address = rig.address;
    let revision = rig.controller.tables().borrow().revision + 1;
    let mut tables = rig.controller.tables();
    let (stop, applied) = (rig.stop.take().unwrap(), rig.applied.clone());
    let promote = rig.post("/api/v1/routes/read/promote?wait=20000", "migrator", body);
    let stopping = async {
        tables.wait_for(|table| table.revision == revision).await.unwrap();
        stop.send(()).unwrap();
        // The listener is gone, the request is not.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        applied.send_replace(Applied { revision, at: Instant::now() });
    };
    let (got, ()) = tokio::join!(promote, stopping);
    assert_eq!(got.status, 200, "{}", got.body);
    rig.serving = tokio::spawn(async {});
    rig.end().await;
}

fn certificate(dir: &std::path::Path) -> (AdminTlsFiles, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let files = AdminTlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
    fs::write(&files.cert, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (files, roots)
}

async fn over_tls(address: SocketAddr, roots: RootCertStore) -> io::Result<Got> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await?;
    let ask = format!("GET /livez HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", address.port());
    Ok(exchange(stream, &ask).await)
}

#[tokio::test]
async fn tls_serves_and_its_certificate_can_change() {
    let dir = tempfile::tempdir().unwrap();
    let (files, roots) = certificate(dir.path());
    let config = AdminConfig { tls: Some(files), ..AdminConfig::new("0.0.0.0:0".parse().unwrap()) };
    let server = AdminServer::bind(config).await.unwrap();
    let tls = server.tls().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.local_addr().port()));
    let rig = Rig::new("read legacy").await;
    let parts = AdminParts {
        controller: rig.controller.clone(),
        applied: rig.applied.subscribe(),
        live: Arc::new(Still),
        comparisons: None,
        gates: rig.gates.clone(),
        metrics: Arc::new(String::new),
        runbooks: Arc::default(),
        traces: None,
        lifecycle: rig.lifecycle.clone(),
    };
    let serving = tokio::spawn(server.serve(parts, std::future::pending()));
    assert_eq!(over_tls(address, roots.clone()).await.unwrap().status, 200);

    let (_, renewed) = certificate(dir.path());
    assert_eq!(over_tls(address, roots.clone()).await.unwrap().status, 200, "not read yet");
    tls.reload().unwrap();
    assert_eq!(over_tls(address, renewed.clone()).await.unwrap().status, 200);
    assert!(over_tls(address, roots).await.is_err(), "the old one is no longer shown");

    fs::write(dir.path().join("key.pem"), "no key").unwrap();
    let error = tls.reload().unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    assert_eq!(over_tls(address, renewed).await.unwrap().status, 200, "the last good one stays");
    serving.abort();
    rig.end().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (good, _) = certificate(dir.path());
    let other = tempfile::tempdir().unwrap();
    let (stranger, _) = certificate(other.path());
    let missing = dir.path().join("missing.pem");
    for (cert, key, part) in [
        (&missing, &good.key, "missing.pem"),
        (&good.cert, &missing, "missing.pem"),
        (&good.key, &good.key, "no certificate"),
        (&good.cert, &good.cert, "cert.pem"),
        (&good.cert, &stranger.key, "do not make a certificate"),
    ] {
        let files = AdminTlsFiles { cert: cert.clone(), key: key.clone() };
        let error = AdminTls::load(&files).map(drop).unwrap_err();
        assert!(error.to_string().contains(part), "{error} does not tell of {part}");
    }
}
