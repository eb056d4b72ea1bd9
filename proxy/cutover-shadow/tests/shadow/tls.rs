//! Candidates behind TLS.

use std::{path::PathBuf, sync::Arc};

use cutover_domain::{Scheme, UpstreamTls, parity::Verdict};
use http::Response;
use http_body_util::Full;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;

use crate::rig::{JSON, Parts, Server, live, parts, refuses, tls};

/// A candidate with a certificate for `new.example`, and the file to trust it by.
async fn candidate(directory: &TempDir, alpn: &[&str]) -> (Server, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["new.example".to_owned()]).unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let answers =
        |_: &_| Response::builder().header("content-type", JSON).body(Full::from("{}")).unwrap();
    (tls(config, answers).await, ca)
}

fn over_tls(ca: Option<PathBuf>, server_name: &str) -> Parts {
    let mut parts = parts().patient();
    parts.new_scheme = Scheme::Https;
    parts.new_tls = UpstreamTls { ca, client: None, server_name: Some(server_name.into()) };
    parts
}

#[tokio::test]
async fn the_protocol_is_agreed_on() {
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], http::Version::HTTP_2),
        (&["http/1.1"], http::Version::HTTP_11),
        (&[], http::Version::HTTP_11),
    ] {
        let directory = TempDir::new().unwrap();
        let (new, ca) = candidate(&directory, alpn).await;
        let mut rig = over_tls(Some(ca), "new.example").start(&refuses().await, &new);
        for _ in 0..20 {
            let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
            assert_eq!(record.verdict, Verdict::Match, "{:?}", record.differences);
        }
        rig.settled(20).await;
        assert_eq!(new.requests.lock().unwrap()[0].version(), version);
        assert_eq!(new.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_candidate_that_cannot_prove_its_name_is_not_asked() {
    let directory = TempDir::new().unwrap();
    let (new, ca) = candidate(&directory, &["h2"]).await;
    for parts in [
        over_tls(Some(ca), "old.example"),
        over_tls(None, "new.example"),
        over_tls(Some(directory.path().join("missing.pem")), "new.example"),
    ] {
        let mut rig = parts.start(&refuses().await, &new);
        let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
        assert_eq!(&*record.differences[0].shape, "answer→connect");
        rig.settled(1).await;
    }
    assert_eq!(new.count(), 0);
}
