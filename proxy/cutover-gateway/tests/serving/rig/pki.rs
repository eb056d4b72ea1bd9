//! A small certificate authority, as files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cutover_gateway::tls::{ClientAuth, ClientTls, TlsFiles, alpn_http, client_config};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
    string::Ia5String,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::TempDir;

pub(crate) struct Pki {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) type Identity = (PathBuf, PathBuf);

impl Pki {
    pub(crate) fn new() -> Pki {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "tests");
        let key = KeyPair::generate().unwrap();
        let directory = TempDir::new().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(directory.path().join("ca.pem"), pem).unwrap();
        Pki { directory, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Writes a certificate for `common_name` with one DNS name. Writing it again replaces it.
    pub(crate) fn issue(&self, common_name: &str, name: &str, serial: u64) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names = vec![SanType::DnsName(Ia5String::try_from(name).unwrap())];
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let identity =
            (self.path(&format!("{common_name}.pem")), self.path(&format!("{common_name}.key")));
        std::fs::write(&identity.0, cert.pem()).unwrap();
        std::fs::write(&identity.1, key.serialize_pem()).unwrap();
        identity
    }

    /// Writes the list of revoked serial numbers.
    pub(crate) fn revoke(&self, serials: &[u64]) -> PathBuf {
        let revoked = |&serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.path("crl.pem");
        std::fs::write(&path, params.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        path
    }

    /// A listener's files; with `mutual`, clients need certificates that are not revoked.
    pub(crate) fn listener(&self, mutual: bool) -> TlsFiles {
        let (cert, key) = self.issue("server", "localhost", 1);
        TlsFiles {
            cert,
            key,
            client_ca: mutual.then(|| self.ca()),
            client_crl: mutual.then(|| self.revoke(&[])),
            client_auth: ClientAuth::Required,
            alpn: alpn_http(),
        }
    }

    /// A client that trusts this authority and offers `alpn`.
    pub(crate) fn client(
        &self,
        identity: Option<Identity>,
        alpn: &[&str],
    ) -> Arc<rustls::ClientConfig> {
        let alpn = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let tls = ClientTls { ca: Some(self.ca()), identity, alpn };
        client_config(&tls, &mut Vec::new()).unwrap()
    }

    /// An upstream's side, which speaks HTTP/2.
    pub(crate) fn upstream(&self, (cert, key): &Identity) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let cert = CertificateDer::from_pem_file(cert).unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![cert], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let directory: &Path = self.directory.path();
        directory.join(name)
    }
}
