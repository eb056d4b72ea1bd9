//! A receiver behind TLS.

use std::sync::Arc;
use std::time::Duration;

use cutover_telemetry::export::ExportConfig;
use cutover_telemetry::metrics::DropReason;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::fixture::Fixture;
use crate::sink::{Answer, Shared, router};

/// Serves OTLP with a certificate of its own; returns its port and that
/// certificate in PEM.
fn serve(runtime: &Runtime, shared: Arc<Shared>) -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router(shared.clone()));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = TowerToHyperService::new(router);
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (port, cert.pem())
}

fn config(port: u16, ca_pem: &str) -> ExportConfig {
    ExportConfig {
        ca_pem: Some(ca_pem.as_bytes().to_vec()),
        delay: Duration::from_secs(3600),
        timeout: Duration::from_secs(2),
        ..ExportConfig::new(format!("https://localhost:{port}"))
    }
}

#[test]
fn spans_go_to_a_receiver_with_a_known_certificate_only() {
    let runtime = Runtime::new().unwrap();
    let shared = Shared::new(Answer::Accept);
    let (port, ca_pem) = serve(&runtime, shared.clone());
    let (_, other_ca_pem) = serve(&runtime, shared.clone());

    let stranger = Fixture::with(config(port, &other_ca_pem));
    stranger.requests(1);
    stranger.flush();
    assert_eq!(stranger.dropped(DropReason::Unreachable), 2);
    assert_eq!(shared.requests(), 0);

    let fixture =
        Fixture::with(ExportConfig { timeout: Duration::from_secs(30), ..config(port, &ca_pem) });
    fixture.requests(1);
    fixture.flush();
    assert_eq!(shared.spans().len(), 2);
}
