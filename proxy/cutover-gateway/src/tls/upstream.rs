//! TLS towards upstreams.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::{TlsError, TlsFile, TlsProblem, TlsWarning, files, provider};

/// How an upstream is verified, and who we are to it.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// The CAs that the upstream's certificate must come from; `None`: those
    /// of the operating system.
    pub ca: Option<PathBuf>,
    /// Our certificate chain and its key, if the upstream asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Protocols offered, best first; empty: none.
    pub alpn: Vec<Vec<u8>>,
}

/// Builds the client's side. Sessions are resumed within one configuration,
/// so it should be built once per upstream. What an operator should know
/// about our certificate is appended to `warnings`.
///
/// # Errors
/// [`TlsError`] names the file, what is wrong with it and the remedy.
pub fn client_config(
    tls: &ClientTls,
    warnings: &mut Vec<TlsWarning>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &tls.ca {
        Some(ca) => files::roots(TlsFile::Ca, ca)?,
        None => native_roots()?,
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match &tls.identity {
        Some((cert, key)) => {
            let identity = files::identity(cert, key, warnings)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols.clone_from(&tls.alpn);
    Ok(Arc::new(config))
}

fn native_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // A damaged certificate among the system's must not cost the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::new(
            TlsFile::Ca,
            Path::new("(operating system)"),
            TlsProblem::NoNativeRoots,
        ));
    }
    Ok(roots)
}
