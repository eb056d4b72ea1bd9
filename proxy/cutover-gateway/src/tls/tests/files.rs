//! Bad files: the error names the file, the fault and the remedy.

use expect_test::{Expect, expect};
use rcgen::date_time_ymd;

use super::super::{ClientAuth, ClientTls, TlsFiles, TlsListener, client_config};
use super::pki::Pki;

/// Loads after `spoil`; the error, with the directory left out.
fn check(spoil: impl FnOnce(&Pki, &mut TlsFiles), expected: Expect) {
    let pki = Pki::new("ca");
    let mut files = pki.mutual(ClientAuth::Required);
    spoil(&pki, &mut files);
    let error = TlsListener::load(files).expect_err("the files are bad");
    let text = format!("{}: {error}", error.code()).replace(pki.dir.path().to_str().unwrap(), "");
    expected.assert_eq(&text);
}

#[test]
fn a_missing_file() {
    check(
        |_, files| files.cert = "/none.pem".into(),
        expect![
            "tls_unreadable: tls.cert /none.pem: cannot be read; check that the file exists and that this user may read it"
        ],
    );
    check(
        |_, files| files.key = "/none.key".into(),
        expect![
            "tls_unreadable: tls.key /none.key: cannot be read; check that the file exists and that this user may read it"
        ],
    );
    check(
        |_, files| files.client_ca = Some("/none.pem".into()),
        expect![
            "tls_unreadable: tls.client_ca /none.pem: cannot be read; check that the file exists and that this user may read it"
        ],
    );
    check(
        |_, files| files.client_crl = Some("/none.pem".into()),
        expect![
            "tls_unreadable: tls.client_crl /none.pem: cannot be read; check that the file exists and that this user may read it"
        ],
    );
}

#[test]
fn a_file_without_its_block() {
    check(
        |_, files| std::mem::swap(&mut files.cert, &mut files.key),
        expect![
            "tls_no_block: tls.cert /server.key: holds no PEM block 'CERTIFICATE'; convert it with openssl to PEM ('-----BEGIN …'), or name the right file"
        ],
    );
    check(
        |_, files| files.key = files.cert.clone(),
        expect![
            "tls_no_block: tls.key /server.pem: holds no PEM block 'PRIVATE KEY'; convert it with openssl to PEM ('-----BEGIN …'), or name the right file"
        ],
    );
    check(
        |_, files| files.client_ca = Some(files.key.clone()),
        expect![
            "tls_no_block: tls.client_ca /server.key: holds no PEM block 'CERTIFICATE'; convert it with openssl to PEM ('-----BEGIN …'), or name the right file"
        ],
    );
    check(
        |_, files| files.client_crl = Some(files.cert.clone()),
        expect![
            "tls_no_block: tls.client_crl /server.pem: holds no PEM block 'X509 CRL'; convert it with openssl to PEM ('-----BEGIN …'), or name the right file"
        ],
    );
}

#[test]
fn a_damaged_file() {
    let cut = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, &text[..text.len() / 2]).unwrap();
    };
    check(
        |_, files| cut(&files.cert),
        expect![
            "tls_not_pem: tls.cert /server.pem: is not well-formed PEM; write it anew; a block may be cut off"
        ],
    );
    check(
        |_, files| cut(&files.key),
        expect![
            "tls_not_pem: tls.key /server.key: is not well-formed PEM; write it anew; a block may be cut off"
        ],
    );
    let garbage = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    check(
        |pki, _| drop(pki.write("server.pem", &garbage("CERTIFICATE"))),
        expect![
            "tls_malformed: tls.cert /server.pem: block 1 is not a valid certificate; write it anew; the block may be damaged"
        ],
    );
    check(
        |pki, _| drop(pki.write("server.key", &garbage("PRIVATE KEY"))),
        expect![
            "tls_key_unusable: tls.key /server.key: the private key cannot be used; use an ECDSA P-256 or P-384, Ed25519 or RSA key of 2048 bits or more"
        ],
    );
    check(
        |pki, _| drop(pki.write("ca.pem", &garbage("CERTIFICATE"))),
        expect![
            "tls_malformed: tls.client_ca /ca.pem: block 1 is not a valid CA certificate; write it anew; the block may be damaged"
        ],
    );
    check(
        |pki, _| drop(pki.write("crl.pem", &garbage("X509 CRL"))),
        expect![
            "tls_malformed: tls.client_crl /crl.pem: block 1 is not a valid revocation list; write it anew; the block may be damaged"
        ],
    );
}

/// Self-signed, and without extensions: `openssl x509 -req -signkey` makes such.
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBJDCBywIUN6ZcNsy/GNdEq6VJJdwMj3hPL9swCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMDk1OVoYDzIxMjYxMDI4MTIwOTU5
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAR0HJ/o1Oz7wdikAaKIVm5cYAzQN05+MIR+adRsF30eGW4B5P0I86byP/Hldmtq
QSo27Qof/ExlFhtB3NeHLPe0MAoGCCqGSM49BAMCA0gAMEUCIQDkr1+EexLB/FlK
SKfGDwL6Qb9Y5W0UicK6o6VgprGjywIgH75kM63cjFJVaQcPnNsIQ3JVWNh+dGKI
6OcxiiJ8o5g=
-----END CERTIFICATE-----
";

#[test]
fn a_certificate_of_version_1() {
    check(
        |pki, _| drop(pki.write("server.pem", VERSION_1)),
        expect![
            "tls_cert_version: tls.cert /server.pem: the certificate is of X.509 version 1, and TLS needs version 3; issue it anew with extensions, as 'openssl req -x509 -addext subjectAltName=DNS:NAME' and 'openssl x509 -req -extfile FILE' do"
        ],
    );
}

#[test]
fn a_key_of_another_certificate() {
    check(
        |pki, files| files.key = pki.server("other").1,
        expect![
            "tls_key_mismatch: tls.key /other.key: the key does not belong to the certificate; name the key that the certificate was made for; compare 'openssl x509 -noout -pubkey' and 'openssl pkey -pubout'"
        ],
    );
}

#[test]
fn an_encrypted_key() {
    let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(
        |pki, _| drop(pki.write("server.key", text)),
        expect![
            "tls_key_encrypted: tls.key /server.key: the private key is encrypted; decrypt it with 'openssl pkey -in KEY -out PLAIN' and protect the file"
        ],
    );
    let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    check(
        |pki, _| drop(pki.write("server.key", text)),
        expect![
            "tls_key_encrypted: tls.key /server.key: the private key is encrypted; decrypt it with 'openssl pkey -in KEY -out PLAIN' and protect the file"
        ],
    );
}

#[test]
fn lists_without_a_ca() {
    check(
        |_, files| files.client_ca = None,
        expect![
            "tls_crl_without_ca: tls.client_crl /crl.pem: revocation lists need tls.client_ca; name the CA of the clients, or leave the lists out"
        ],
    );
}

#[test]
fn what_should_not_stay_is_told() {
    let (pki, other) = (Pki::new("ca"), Pki::new("other"));
    let mut files = pki.mutual(ClientAuth::Required);
    let warnings = |files: &TlsFiles| {
        let listener = TlsListener::load(files.clone()).unwrap();
        let warnings: Vec<String> = listener.warnings().iter().map(ToString::to_string).collect();
        warnings
            .join("\n")
            .replace(pki.dir.path().to_str().unwrap(), "")
            .replace(other.dir.path().to_str().unwrap(), "")
    };
    expect![[""]].assert_eq(&warnings(&files));
    (files.cert, files.key) =
        pki.issue("old", 2, |params| params.not_after = date_time_ymd(2020, 1, 1));
    files.client_crl = Some(other.revoke(&[]));
    expect![[r#"
        tls.cert /old.pem: has expired at Wed, 01 Jan 2020 00:00:00 +0000; renew it
        tls.client_crl /crl.pem: no list is issued by a CA of tls.client_ca; name the lists of these CAs"#]].assert_eq(&warnings(&files));
    (files.cert, files.key) =
        pki.issue("young", 3, |params| params.not_before = date_time_ymd(2200, 1, 1));
    files.client_crl = None;
    expect![
        "tls.cert /young.pem: is not valid before Wed, 01 Jan 2200 00:00:00 +0000; check the clock"
    ]
    .assert_eq(&warnings(&files));
}

#[test]
fn an_upstream_with_bad_files() {
    let pki = Pki::new("ca");
    let error = |tls: ClientTls| {
        let error = client_config(&tls, &mut Vec::new()).expect_err("the files are bad");
        error.to_string().replace(pki.dir.path().to_str().unwrap(), "")
    };
    let missing = ClientTls { ca: Some("/none.pem".into()), ..ClientTls::default() };
    expect!["tls.ca /none.pem: cannot be read; check that the file exists and that this user may read it"].assert_eq(&error(missing));
    let (cert, _) = pki.client("a", 1);
    let (_, key) = pki.client("b", 2);
    let mismatch =
        ClientTls { ca: Some(pki.ca_file()), identity: Some((cert, key)), alpn: Vec::new() };
    expect!["tls.key /b.key: the key does not belong to the certificate; name the key that the certificate was made for; compare 'openssl x509 -noout -pubkey' and 'openssl pkey -pubout'"].assert_eq(&error(mismatch));
}
