//! Client certificates: who is admitted, who is not, and for how long.

use expect_test::{Expect, expect};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::super::{ClientAuth, TlsListener, TlsRefusal};
use super::pki::{Pki, meet};

#[tokio::test]
async fn an_identity_is_read() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.mutual(ClientAuth::Required)).unwrap();
    let identity = pki.client("device-42", 0xabcdef);
    let met = meet(&listener, &pki.connector(Some(identity.clone()))).await;
    let peer = met.peer.unwrap().unwrap();
    expect![[r#"
        Some("device-42")
        00abcdef
        CN=device-42
        SubjectAltNames {
            dns: [
                "client.local",
            ],
            uri: [
                "urn:device:42",
            ],
            email: [
                "a@b.c",
            ],
            ip: [
                "10.1.2.3",
                "::1",
            ],
        }"#]]
    .assert_eq(&format!(
        "{:?}\n{}\n{}\n{:#?}",
        peer.common_name, peer.serial, peer.subject, peer.sans
    ));
    let digest = ring::digest::digest(&ring::digest::SHA256, &super::pki::leaf_of(&identity.0));
    assert_eq!(peer.fingerprint, digest.as_ref());
    assert_eq!(peer.fingerprint_hex().len(), 64);
}

async fn check(
    auth: ClientAuth,
    client: impl FnOnce(&Pki, &Pki) -> Option<(std::path::PathBuf, std::path::PathBuf)>,
    expected: Expect,
) {
    let (pki, foreign) = (Pki::new("ca"), Pki::new("foreign"));
    let listener = TlsListener::load(pki.mutual(auth)).unwrap();
    let identity = client(&pki, &foreign);
    let met = meet(&listener, &pki.connector(identity)).await;
    expected.assert_eq(&met.outcome());
}

#[tokio::test]
async fn a_client_without_certificate() {
    check(ClientAuth::Required, |_, _| None, expect!["no handshake: missing"]).await;
    check(ClientAuth::Optional, |_, _| None, expect!["anonymous"]).await;
}

#[tokio::test]
async fn a_client_of_a_foreign_ca() {
    check(
        ClientAuth::Required,
        |_, foreign| Some(foreign.client("stranger", 2)),
        expect!["no handshake: unknown_issuer"],
    )
    .await;
    check(
        ClientAuth::Optional,
        |_, foreign| Some(foreign.client("stranger", 2)),
        expect!["no handshake: unknown_issuer"],
    )
    .await;
}

#[tokio::test]
async fn a_client_with_an_expired_certificate() {
    let expired = |pki: &Pki, _: &Pki| {
        let usage = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Some(pki.issue("old", 2, |params| {
            params.not_after = date_time_ymd(2020, 1, 1);
            params.extended_key_usages = usage;
        }))
    };
    check(ClientAuth::Required, expired, expect!["no handshake: expired"]).await;
}

#[tokio::test]
async fn a_client_with_a_server_certificate() {
    let wrong = |pki: &Pki, _: &Pki| {
        Some(pki.issue("server-2", 2, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
        }))
    };
    check(ClientAuth::Required, wrong, expect!["no handshake: invalid"]).await;
}

#[tokio::test]
async fn a_revoked_client_is_refused_at_the_handshake() {
    let pki = Pki::new("ca");
    let files = pki.mutual(ClientAuth::Required);
    pki.revoke(&[7]);
    let listener = TlsListener::load(files).unwrap();
    let revoked = meet(&listener, &pki.connector(Some(pki.client("seven", 7)))).await;
    expect!["no handshake: revoked"].assert_eq(&revoked.outcome());
    let other = meet(&listener, &pki.connector(Some(pki.client("eight", 8)))).await;
    expect!["eight"].assert_eq(&other.outcome());
}

#[tokio::test]
async fn a_resumed_session_does_not_outlive_its_revocation() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.mutual(ClientAuth::Required)).unwrap();
    let client = pki.connector(Some(pki.client("seven", 7)));
    expect!["seven"].assert_eq(&meet(&listener, &client).await.outcome());
    expect!["seven (resumed)"].assert_eq(&meet(&listener, &client).await.outcome());
    // Resumption itself survives a reload.
    listener.reload().unwrap();
    expect!["seven (resumed)"].assert_eq(&meet(&listener, &client).await.outcome());
    pki.revoke(&[7]);
    listener.reload().unwrap();
    // No verifier runs in this handshake: only `admit` can refuse.
    expect!["not admitted: revoked"].assert_eq(&meet(&listener, &client).await.outcome());
}

#[tokio::test]
async fn a_resumed_session_does_not_outlive_its_ca() {
    let (pki, other) = (Pki::new("ca"), Pki::new("other"));
    let files = pki.mutual(ClientAuth::Required);
    let ca = files.client_ca.clone().unwrap();
    let mut files = files;
    files.client_crl = None;
    let listener = TlsListener::load(files).unwrap();
    let client = pki.connector(Some(pki.client("seven", 7)));
    expect!["seven"].assert_eq(&meet(&listener, &client).await.outcome());
    std::fs::copy(other.ca_file(), ca).unwrap();
    listener.reload().unwrap();
    expect!["not admitted: unknown_issuer"].assert_eq(&meet(&listener, &client).await.outcome());
}

#[tokio::test]
async fn a_long_connection_notices_its_revocation() {
    let pki = Pki::new("ca");
    let listener = TlsListener::load(pki.mutual(ClientAuth::Required)).unwrap();
    let met = meet(&listener, &pki.connector(Some(pki.client("seven", 7)))).await;
    let peer = met.peer.unwrap().unwrap();
    assert_eq!(listener.recheck(&peer), Ok(()));
    listener.reload().unwrap();
    assert_eq!(listener.recheck(&peer), Ok(()));
    pki.revoke(&[7]);
    assert_eq!(listener.recheck(&peer), Ok(()), "not read yet");
    listener.reload().unwrap();
    assert_eq!(listener.recheck(&peer), Err(TlsRefusal::Revoked));
    assert_eq!(listener.recheck(&peer), Err(TlsRefusal::Revoked), "stays refused");
}

#[tokio::test]
async fn a_list_of_another_ca_leaves_the_status_unknown() {
    let (pki, other) = (Pki::new("ca"), Pki::new("other"));
    let mut files = pki.mutual(ClientAuth::Required);
    files.client_crl = Some(other.revoke(&[]));
    let listener = TlsListener::load(files).unwrap();
    let met = meet(&listener, &pki.connector(Some(pki.client("seven", 7)))).await;
    expect!["no handshake: status_unknown"].assert_eq(&met.outcome());
}

/// Lists of leaves are enough; one that names a CA between counts as well.
#[tokio::test]
async fn a_ca_between_can_be_revoked() {
    let root = Pki::new("root");
    let between = root.intermediate("between", 9);
    let (leaf, key) = between.client("seven", 7);
    let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let chain = root.write("chain.pem", &(text(&leaf) + &text(&between.ca_file())));
    let client = root.connector(Some((chain, key)));
    let mut files = root.mutual(ClientAuth::Required);
    let of_leaves = text(&between.revoke(&[]));
    files.client_crl = Some(root.write("lists.pem", &of_leaves));
    let listener = TlsListener::load(files).unwrap();
    expect!["seven"].assert_eq(&meet(&listener, &client).await.outcome());
    root.write("lists.pem", &(of_leaves + &text(&root.revoke(&[9]))));
    listener.reload().unwrap();
    expect!["not admitted: revoked"].assert_eq(&meet(&listener, &client).await.outcome());
    let fresh = root.connector(Some((root.path("chain.pem"), between.path("seven.key"))));
    expect!["no handshake: revoked"].assert_eq(&meet(&listener, &fresh).await.outcome());
}
