//! TLS towards upstreams, as the data plane has it: rustls on ring, files in PEM.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use cutover_domain::Upstream;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
};

/// How one upstream is verified, and who we are to it.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

/// Why an upstream's TLS cannot be set up. The data plane refuses such an upstream when it loads,
/// so that this happens only to files that changed since.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("`{0}` is no name that a certificate can be checked for: set `tls.server_name`")]
    ServerName(String),
    #[error("{} is no PEM file of what it should hold", .0.display())]
    File(PathBuf, #[source] pem::Error),
    #[error("certificate and key do not make an identity, or a CA is none")]
    Rustls(#[from] rustls::Error),
}

/// Reads what the upstream's configuration names.
pub(super) fn client(upstream: &Upstream) -> Result<Tls, TlsError> {
    let name = upstream.tls.server_name.as_deref().unwrap_or(&upstream.host).to_owned();
    let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(upstream.tls.ca.as_deref())?);
    let mut config = match &upstream.tls.client {
        Some((cert, key)) => {
            let key_der = PrivateKeyDer::from_pem_file(key);
            let key_der = key_der.map_err(|source| TlsError::File(key.clone(), source))?;
            builder.with_client_auth_cert(certificates(cert)?, key_der)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), name })
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(ca) => certificates(ca)?.into_iter().try_for_each(|ca| roots.add(ca))?,
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File(path.to_owned(), source);
    CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}
