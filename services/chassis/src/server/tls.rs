//! TLS for listeners beyond loopback.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// PEM files, read once at the start.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, the service's own first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Files that make no TLS server.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {} for TLS: {why}", path.display())]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

impl TlsFiles {
    /// TLS 1.2 and 1.3 on ring, HTTP/1.1 by ALPN.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let refused = |path: &PathBuf, why: String| TlsError { path: path.clone(), why };
        let certs: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.cert).and_then(Iterator::collect);
        let certs = certs.map_err(|error| refused(&self.cert, error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| refused(&self.key, error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(certs, key));
        let mut config = config.map_err(|error| refused(&self.cert, error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
