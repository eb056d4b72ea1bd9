//! The admin listener's certificate, reloadable.

use std::{fmt, io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::AdminTlsFiles;

/// TLS of the admin listener. Clones share one certificate.
#[derive(Clone)]
pub struct AdminTls {
    files: AdminTlsFiles,
    current: Arc<Current>,
    pub(super) config: Arc<ServerConfig>,
}

/// The admin listener's certificate or key cannot be used; the one in use stays.
#[derive(Debug, thiserror::Error)]
pub enum AdminTlsError {
    /// A file cannot be read or is no PEM of the kind.
    #[error("cannot read `{}`: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The key does not fit the certificate, or is of a kind that is not supported.
    #[error("`{}` and `{}` do not make a certificate: {why}", cert.display(), key.display())]
    Pair {
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

// === impl AdminTls ===

impl AdminTls {
    /// Reads the files.
    pub(super) fn load(files: &AdminTlsFiles) -> Result<AdminTls, AdminTlsError> {
        let current = Arc::new(Current(ArcSwap::from_pointee(certified(files)?)));
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| pair(files, error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Ok(AdminTls { files: files.clone(), current, config })
    }

    /// Reads the files again; new connections get the new certificate. Where they cannot be
    /// used, the old one stays.
    pub fn reload(&self) -> Result<(), AdminTlsError> {
        self.current.0.store(Arc::new(certified(&self.files)?));
        Ok(())
    }
}

fn certified(files: &AdminTlsFiles) -> Result<CertifiedKey, AdminTlsError> {
    let unreadable = |path: &PathBuf, why: String| AdminTlsError::File { path: path.clone(), why };
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error: io::Error| unreadable(path, error.to_string()))
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&files.cert)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&files.cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable(&files.cert, "it holds no certificate in PEM".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| unreadable(&files.key, error.to_string()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| pair(files, error.to_string()))
}

fn pair(files: &AdminTlsFiles, why: String) -> AdminTlsError {
    AdminTlsError::Pair { cert: files.cert.clone(), key: files.key.clone(), why }
}

impl fmt::Debug for AdminTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminTls").field("files", &self.files).finish_non_exhaustive()
    }
}

// === impl Current ===

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}
