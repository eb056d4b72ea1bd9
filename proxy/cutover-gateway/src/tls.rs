//! TLS of listeners and upstreams: rustls on ring, files in PEM.
//!
//! A [`TlsListener`] holds one whole configuration and replaces it whole or
//! not at all. Sessions may be resumed across replacements, and a resumed
//! session skips the client's verification (it repeats what was found at the
//! first handshake); therefore [`TlsListener::admit`] verifies the client's
//! chain again, against the CA and the revocation lists of *now*, and
//! [`TlsListener::recheck`] does so on long connections once files changed.

mod error;
mod files;
mod peer;
mod upstream;
mod verify;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use self::error::{TlsError, TlsFile, TlsProblem, TlsRefusal, TlsWarning};
pub use self::peer::{PeerIdentity, SubjectAltNames};
pub use self::upstream::{ClientTls, client_config};
use self::verify::ClientVerifier;

/// Sessions of TLS 1.2 clients that do without tickets.
const SESSIONS_MAX: usize = 256;

/// The files of one listener and how they are used.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub cert: PathBuf,
    /// The leaf's private key: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// The CAs that client certificates must come from; `None`: clients are
    /// not asked for one.
    pub client_ca: Option<PathBuf>,
    /// Revocation lists, one or more. With any, the status of every client
    /// certificate must be known from them.
    pub client_crl: Option<PathBuf>,
    /// Whether a client must have a certificate; no effect without `client_ca`.
    pub client_auth: ClientAuth,
    /// Protocols offered, best first; see [`alpn_http`].
    pub alpn: Vec<Vec<u8>>,
}

/// Whether a client must have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// The handshake fails without one.
    #[default]
    Required,
    /// A client without one is anonymous; a bad one fails the handshake.
    Optional,
}

/// `h2` and `http/1.1`, in this order.
#[must_use]
pub fn alpn_http() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

/// The TLS side of one listener.
pub struct TlsListener {
    live: ArcSwap<Live>,
    /// Shared by all configurations, so that a reload does not cost every
    /// client a full handshake.
    sessions: Arc<dyn StoresServerSessions>,
    ticketer: Arc<dyn ProducesTickets>,
}

/// One configuration, read in one go.
struct Live {
    files: TlsFiles,
    config: Arc<ServerConfig>,
    verifier: Option<Arc<ClientVerifier>>,
    generation: u64,
    not_after: u64,
    warnings: Vec<TlsWarning>,
}

/// Why a connection was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The handshake failed; the source says why.
    #[error("TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// The handshake was not over in time.
    #[error("TLS handshake not finished within {0:?}")]
    Timeout(Duration),
    /// The client's certificate does not hold now.
    #[error("client certificate refused")]
    Refused(#[source] TlsRefusal),
}

// === impl AcceptError ===

impl AcceptError {
    /// The stable name for metrics and logs: `timeout`, that of a
    /// [`TlsRefusal`] whenever the client's certificate is the reason, else
    /// `handshake`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::Refused(refusal) => refusal.code(),
            Self::Handshake(source) => {
                match source.get_ref().and_then(|cause| cause.downcast_ref()) {
                    Some(rustls::Error::NoCertificatesPresented) => TlsRefusal::Missing.code(),
                    Some(error @ rustls::Error::InvalidCertificate(_)) => {
                        TlsRefusal::from(error.clone()).code()
                    }
                    _ => "handshake",
                }
            }
        }
    }
}

// === impl TlsListener ===

impl TlsListener {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] names the file, what is wrong with it and the remedy.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(SESSIONS_MAX);
        let ticketer = rustls::crypto::ring::Ticketer::new().map_err(|source| {
            TlsError::new(TlsFile::Key, &files.key, TlsProblem::Rustls(source))
        })?;
        let live = read(files, &sessions, &ticketer, 1)?;
        Ok(Self { live: ArcSwap::from_pointee(live), sessions, ticketer })
    }

    /// Reads the files again; new handshakes use what they hold now.
    ///
    /// # Errors
    /// As [`load`](Self::load); the listener then goes on with what it had.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.replace(self.files())
    }

    /// As [`reload`](Self::reload), from other files.
    ///
    /// # Errors
    /// As [`load`](Self::load); the listener then goes on with what it had.
    pub fn replace(&self, files: TlsFiles) -> Result<(), TlsError> {
        let generation = self.live.load().generation + 1;
        let live = read(files, &self.sessions, &self.ticketer, generation)?;
        self.live.store(Arc::new(live));
        Ok(())
    }

    /// The files in force.
    #[must_use]
    pub fn files(&self) -> TlsFiles {
        self.live.load().files.clone()
    }

    /// The present configuration, for one handshake.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.live.load().config.clone()
    }

    /// When the first certificate of the chain in force ends, in seconds since 1970; 0 if that
    /// cannot be told.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.live.load().not_after
    }

    /// What an operator should know about the files in force.
    #[must_use]
    pub fn warnings(&self) -> Vec<TlsWarning> {
        self.live.load().warnings.clone()
    }

    /// Performs the handshake and [`admit`](Self::admit)s the client; `None`
    /// is an anonymous client.
    ///
    /// # Errors
    /// [`AcceptError`]; the stream is dropped.
    pub async fn accept<S>(
        &self,
        stream: S,
        timeout: Duration,
    ) -> Result<(TlsStream<S>, Option<Arc<PeerIdentity>>), AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = TlsAcceptor::from(self.config()).accept(stream);
        let stream = tokio::time::timeout(timeout, handshake)
            .await
            .map_err(|_| AcceptError::Timeout(timeout))?
            .map_err(AcceptError::Handshake)?;
        let peer = self.admit(stream.get_ref().1).map_err(AcceptError::Refused)?;
        Ok((stream, peer))
    }

    /// Verifies the client's chain against the present CA and revocation
    /// lists, whether the session is new or resumed. `None` is a client
    /// without a certificate where none is required.
    ///
    /// # Errors
    /// [`TlsRefusal`]; the connection must be closed.
    pub fn admit(
        &self,
        connection: &ServerConnection,
    ) -> Result<Option<Arc<PeerIdentity>>, TlsRefusal> {
        let live = self.live.load();
        let Some(verifier) = &live.verifier else {
            return Ok(None);
        };
        match connection.peer_certificates() {
            Some([leaf, rest @ ..]) => {
                verifier.check(leaf, rest, UnixTime::now())?;
                PeerIdentity::parse(leaf, rest, live.generation).map(|peer| Some(Arc::new(peer)))
            }
            _ if verifier.is_required() => Err(TlsRefusal::Missing),
            _ => Ok(None),
        }
    }

    /// Whether an admitted client still holds; to be asked for each request.
    /// Costs a comparison until the files change or a certificate expires.
    ///
    /// # Errors
    /// [`TlsRefusal`]; the connection must be closed.
    pub fn recheck(&self, peer: &PeerIdentity) -> Result<(), TlsRefusal> {
        let live = self.live.load();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if peer.is_checked(live.generation) && now.as_secs() <= peer.not_after() {
            return Ok(());
        }
        let Some(verifier) = &live.verifier else {
            return Ok(());
        };
        let (leaf, rest) = peer.chain();
        verifier.check(leaf, rest, UnixTime::since_unix_epoch(now))?;
        peer.set_checked(live.generation);
        Ok(())
    }
}

impl std::fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let live = self.live.load();
        f.debug_struct("TlsListener")
            .field("files", &live.files)
            .field("generation", &live.generation)
            .finish_non_exhaustive()
    }
}

fn read(
    files: TlsFiles,
    sessions: &Arc<dyn StoresServerSessions>,
    ticketer: &Arc<dyn ProducesTickets>,
    generation: u64,
) -> Result<Live, TlsError> {
    let mut warnings = Vec::new();
    let identity = files::identity(&files.cert, &files.key, &mut warnings)?;
    let not_after = peer::first_end(&identity.cert);
    let verifier = verify::client_verifier(&files, &mut warnings)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3");
    let builder = match &verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier.clone()),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols.clone_from(&files.alpn);
    config.session_storage = sessions.clone();
    config.ticketer = ticketer.clone();
    Ok(Live { files, config: Arc::new(config), verifier, generation, not_after, warnings })
}

/// ring, given explicitly: no process-wide default is relied upon.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}
