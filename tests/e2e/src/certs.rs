//! Certificates for one test: an authority, what it signs, and what it takes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

/// An authority whose files lie in a directory of the test.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The key, PKCS #8.
    pub key: PathBuf,
    /// Serial number of the leaf.
    pub serial: u64,
}

impl Authority {
    /// A new authority; its certificate is `ca.pem` in `dir`.
    pub fn new(dir: &Path) -> anyhow::Result<Authority> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "rig authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        fs::create_dir_all(dir)?;
        fs::write(dir.join("ca.pem"), issuer.pem())?;
        Ok(Authority { issuer, dir: dir.to_owned() })
    }

    /// Its own certificate.
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A server's certificate for `localhost` and 127.0.0.1 in `NAME.pem` and `NAME.key`, which
    /// are replaced when they exist.
    pub fn server(&self, name: &str, serial: u64) -> anyhow::Result<Identity> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.issue(
            name,
            serial,
            CertificateParams::new(names)?,
            ExtendedKeyUsagePurpose::ServerAuth,
        )
    }

    /// A client's certificate with `name` as its common name.
    pub fn client(&self, name: &str, serial: u64) -> anyhow::Result<Identity> {
        let params = CertificateParams::default();
        self.issue(name, serial, params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A revocation list that takes back `serials`, written to `crl.pem`.
    pub fn revoke(&self, serials: &[u64], number: u64) -> anyhow::Result<PathBuf> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2124, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.dir.join("crl.pem");
        replace(&path, &params.signed_by(&self.issuer)?.pem()?)?;
        Ok(path)
    }

    /// A client that trusts this authority, speaks the protocols of `alpn` in this order, and
    /// presents `identity` if there is one.
    pub fn trusting(
        &self,
        alpn: &[&str],
        identity: Option<&Identity>,
    ) -> anyhow::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { cert, key, .. }) => {
                let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }

    fn issue(
        &self,
        name: &str,
        serial: u64,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> anyhow::Result<Identity> {
        let key = KeyPair::generate()?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.serial_number = Some(SerialNumber::from(serial));
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(&key, &self.issuer)?;
        let path = |extension: &str| self.dir.join(format!("{name}.{extension}"));
        replace(&path("key"), &key.serialize_pem())?;
        replace(&path("pem"), &cert.pem())?;
        Ok(Identity { cert: path("pem"), key: path("key"), serial })
    }
}

/// The name under which servers of [`Authority::server`] are known.
pub fn server_name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("localhost is a name")
}

/// Puts a whole file in the place of the old one, as certificate tools do.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
