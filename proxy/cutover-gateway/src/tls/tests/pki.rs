//! A small certificate authority, and a handshake over an in-memory stream.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::{
    AcceptError, ClientAuth, ClientTls, PeerIdentity, TlsFiles, TlsListener, alpn_http,
    client_config,
};

/// A CA whose files lie in a directory of their own.
pub(super) struct Pki {
    pub(super) dir: TempDir,
    ca: Issuer<'static, KeyPair>,
    ca_pem: String,
}

impl Pki {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let ca_pem = params.self_signed(&key).unwrap().pem();
        Self { dir: TempDir::new().unwrap(), ca: Issuer::new(params, key), ca_pem }
    }

    /// A CA between, issued by this one.
    pub(super) fn intermediate(&self, name: &str, serial: u64) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let ca_pem = params.signed_by(&key, &self.ca).unwrap().pem();
        Self { dir: TempDir::new().unwrap(), ca: Issuer::new(params, key), ca_pem }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.ca_pem)
    }

    /// Writes `name.pem` and `name.key` for the host `localhost`.
    pub(super) fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        self.issue(name, 1, |params| params.subject_alt_names = vec![dns("localhost")])
    }

    /// Writes `name.pem` and `name.key` for a client with this serial number.
    pub(super) fn client(&self, name: &str, serial: u64) -> (PathBuf, PathBuf) {
        self.issue(name, serial, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.subject_alt_names = vec![
                dns("client.local"),
                SanType::URI(Ia5String::try_from("urn:device:42").unwrap()),
                SanType::Rfc822Name(Ia5String::try_from("a@b.c").unwrap()),
                SanType::IpAddress("10.1.2.3".parse().unwrap()),
                SanType::IpAddress("::1".parse().unwrap()),
            ];
        })
    }

    pub(super) fn issue(
        &self,
        name: &str,
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.ca).unwrap();
        (
            self.write(&format!("{name}.pem"), &cert.pem()),
            self.write(&format!("{name}.key"), &key.serialize_pem()),
        )
    }

    /// Writes `crl.pem`, which revokes these serial numbers.
    pub(super) fn revoke(&self, serials: &[u64]) -> PathBuf {
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
        self.write("crl.pem", &params.signed_by(&self.ca).unwrap().pem().unwrap())
    }

    /// The files of a listener that asks for client certificates of this CA.
    pub(super) fn mutual(&self, auth: ClientAuth) -> TlsFiles {
        let (cert, key) = self.server("server");
        let (client_ca, client_crl) = (Some(self.ca_file()), Some(self.revoke(&[])));
        TlsFiles { cert, key, client_ca, client_crl, client_auth: auth, alpn: alpn_http() }
    }

    /// The files of a listener that asks for none.
    pub(super) fn plain(&self) -> TlsFiles {
        let (cert, key) = self.server("server");
        TlsFiles {
            cert,
            key,
            client_ca: None,
            client_crl: None,
            client_auth: ClientAuth::Required,
            alpn: alpn_http(),
        }
    }

    /// A client that trusts this CA.
    pub(super) fn connector(&self, identity: Option<(PathBuf, PathBuf)>) -> Arc<ClientConfig> {
        let tls = ClientTls { ca: Some(self.ca_file()), identity, alpn: vec![b"h2".to_vec()] };
        client_config(&tls, &mut Vec::new()).unwrap()
    }
}

/// What came of one handshake.
pub(super) struct Met {
    pub(super) peer: Result<Option<Arc<PeerIdentity>>, AcceptError>,
    pub(super) resumed: bool,
    /// The server's leaf certificate, if the client got that far.
    pub(super) leaf: Option<Vec<u8>>,
}

impl Met {
    /// `anonymous`, the common name, or why the client was refused.
    pub(super) fn outcome(&self) -> String {
        let who = match &self.peer {
            Ok(None) => "anonymous".to_owned(),
            Ok(Some(peer)) => peer.common_name.clone().unwrap(),
            Err(error @ AcceptError::Refused(_)) => format!("not admitted: {}", error.code()),
            Err(error) => format!("no handshake: {}", error.code()),
        };
        if self.resumed { format!("{who} (resumed)") } else { who }
    }
}

/// One connection, long enough for the client to store tickets.
pub(super) async fn meet(listener: &TlsListener, client: &Arc<ClientConfig>) -> Met {
    let (near, far) = tokio::io::duplex(1 << 16);
    let connector = TlsConnector::from(client.clone());
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = tokio::spawn(async move {
        let mut stream = connector.connect(name, near).await?;
        // The server's tickets, or its alert, come with the first bytes.
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        Ok::<_, std::io::Error>(stream)
    });
    let (peer, mut served) = match listener.accept(far, Duration::from_secs(10)).await {
        Ok((mut stream, peer)) => {
            stream.write_all(b"x").await.unwrap();
            stream.flush().await.unwrap();
            (Ok(peer), Some(stream))
        }
        Err(error) => (Err(error), None),
    };
    let connected: Option<TlsStream<_>> = connecting.await.unwrap().ok();
    let resumed = match (&served, &connected) {
        (Some(stream), _) => {
            stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
        }
        (None, _) => false,
    };
    let leaf = connected
        .and_then(|stream| Some(stream.get_ref().1.peer_certificates()?.first()?.to_vec()));
    drop(served.take());
    Met { peer, resumed, leaf }
}

pub(super) fn leaf_of(path: &Path) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(name).unwrap())
}
