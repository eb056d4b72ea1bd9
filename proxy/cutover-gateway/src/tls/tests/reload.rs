//! Reload: whole or not at all, from the next handshake on.

use std::time::Duration;

use rcgen::date_time_ymd;

use super::super::{AcceptError, TlsFiles, TlsListener};
use super::pki::{Pki, leaf_of, meet};

#[tokio::test]
async fn the_next_handshake_has_the_new_certificate() {
    let pki = Pki::new("ca");
    let files = pki.plain();
    let listener = TlsListener::load(files.clone()).unwrap();
    let old = leaf_of(&files.cert);
    assert_eq!(meet(&listener, &pki.connector(None)).await.leaf, Some(old.clone()));
    pki.server("server");
    let new = leaf_of(&files.cert);
    assert_ne!(old, new);
    assert_eq!(meet(&listener, &pki.connector(None)).await.leaf, Some(old), "not read yet");
    listener.reload().unwrap();
    assert_eq!(meet(&listener, &pki.connector(None)).await.leaf, Some(new));
}

#[tokio::test]
async fn bad_files_change_nothing() {
    let pki = Pki::new("ca");
    let files = pki.plain();
    let listener = TlsListener::load(files.clone()).unwrap();
    let old = leaf_of(&files.cert);
    // The new certificate is there, its key is not yet.
    let (_, key) = (pki.server("other"), files.key.clone());
    std::fs::copy(pki.path("other.pem"), &files.cert).unwrap();
    assert_eq!(listener.reload().unwrap_err().code(), "tls_key_mismatch");
    assert_eq!(meet(&listener, &pki.connector(None)).await.leaf, Some(old));
    std::fs::copy(pki.path("other.key"), key).unwrap();
    listener.reload().unwrap();
    assert_eq!(
        meet(&listener, &pki.connector(None)).await.leaf,
        Some(leaf_of(&pki.path("other.pem")))
    );
}

#[tokio::test]
async fn other_files_can_take_over() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.plain()).unwrap();
    let (cert, key) = pki.server("other");
    listener.replace(TlsFiles { cert: cert.clone(), key, ..listener.files() }).unwrap();
    assert_eq!(meet(&listener, &pki.connector(None)).await.leaf, Some(leaf_of(&cert)));
    assert_eq!(listener.files().cert, cert);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stops_ends() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.plain()).unwrap();
    let (_client, server) = tokio::io::duplex(64);
    let refused = listener.accept(server, Duration::from_secs(10)).await;
    assert!(matches!(refused, Err(AcceptError::Timeout(_))));
}

#[tokio::test]
async fn the_best_common_protocol_is_chosen() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.plain()).unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let connector = tokio_rustls::TlsConnector::from(pki.connector(None));
    let client =
        tokio::spawn(async move { connector.connect("localhost".try_into().unwrap(), near).await });
    let (stream, _) = listener.accept(far, Duration::from_secs(10)).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    client.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_of_the_chain_in_force_is_known() {
    let pki = Pki::new("ca");
    let (cert, key) = pki.issue("old", 2, |params| params.not_after = date_time_ymd(2031, 1, 1));
    let listener = TlsListener::load(TlsFiles { cert, key, ..pki.plain() }).unwrap();
    assert_eq!(listener.not_after(), 1_924_992_000);
    let (cert, key) = pki.issue("new", 3, |params| params.not_after = date_time_ymd(2032, 1, 1));
    listener.replace(TlsFiles { cert, key, ..listener.files() }).unwrap();
    assert_eq!(listener.not_after(), 1_956_528_000);
}
