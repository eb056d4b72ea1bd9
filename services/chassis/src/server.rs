//! The server: a public and an internal listener with one life.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::drill::FaultSwitch;
use crate::dry_run::Honours;
use crate::identity::InternalToken;
use crate::internal::{Internal, Readiness};
use crate::metrics::Metrics;
use crate::process::{self, StopSignals};
use front::Front;
use listener::{Host, Listener};

mod front;
mod listener;
mod tls;
mod wire;

pub use front::PublicService;
pub use tls::{TlsError, TlsFiles};

/// How to listen. [`Config::new`] suits tests and a proxy on the same machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients, or the proxy, connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where health checks, the collector of metrics and our own tools connect.
    pub internal_listen: SocketAddr,
    /// Needed by any listener beyond loopback; used by both when given.
    pub tls: Option<TlsFiles>,
    /// `Content-Type` rather than `content-type`, for clients of the legacy kind. Public only.
    pub title_case_headers: bool,
    /// File to append a line per public request to; `None` keeps no log.
    pub access_log: Option<PathBuf>,
    /// Whether drills may make the public listener fail.
    pub allows_faults: bool,
    /// Whether dry runs are honoured on the public listener. See [`crate::dry_run`].
    pub dry_run: Honours,
    /// Names this build to the proxy, in answers to its copies (`Cutover-Build`): evidence about
    /// one build is none about the next. `None`: it is not told. At most 128 visible ASCII bytes.
    pub build: Option<HeaderValue>,
    /// Bounds of every connection.
    pub limits: Limits,
}

/// Bounds of connections and requests. Bodies have theirs in [`crate::body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; the next one waits in the kernel's backlog.
    pub connections_max: usize,
    /// Requests handled at once; the next one waits.
    pub requests_max: usize,
    /// For a head to arrive, and for a kept-alive connection to be idle.
    pub head_timeout: Duration,
    /// Header lines of a request.
    pub headers_max: usize,
    /// Bytes of a head, 8192 at least.
    pub head_bytes_max: usize,
    /// How long a client may refuse to read.
    pub write_stall: Duration,
    /// What requests under way get when the service stops.
    pub drain: Duration,
}

/// A running service. Dropping it ends it at once; [`Server::stop`] lets requests finish.
pub struct Server {
    addr: SocketAddr,
    internal_addr: SocketAddr,
    readiness: Readiness,
    access_log: AccessLog,
    public: Serving,
    internal: Serving,
}

struct Serving {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Sessions and tokens would travel in clear.
    #[error(
        "refusing to listen on {addr}: it is not loopback and there is no TLS; give a certificate and key, or listen on 127.0.0.1 behind the proxy"
    )]
    Exposed {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// In use, or not ours.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The access log's file or thread.
    #[error("cannot open the access log {}", path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

// === impl Server ===

impl Server {
    /// Listens. Once this returns, connections are accepted on both ports.
    ///
    /// `internal` has the service's own endpoints below `/internal/`; the token is asked for them
    /// here. `metrics` is what the routes were given to [`Metrics::observe`] with.
    pub async fn start(
        config: Config,
        public: PublicService,
        internal: Router,
        metrics: Metrics,
        readiness: Readiness,
        token: InternalToken,
    ) -> Result<Server, StartError> {
        let tls = config.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let public_socket = bind(config.listen, tls.is_some()).await?;
        let internal_socket = bind(config.internal_listen, tls.is_some()).await?;
        let (addr, internal_addr) = (addr_of(&public_socket)?, addr_of(&internal_socket)?);
        let access_log = open_log(config.access_log)?;
        let faults = FaultSwitch::default();
        let internal = Internal {
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            token,
            faults: config.allows_faults.then(|| faults.clone()),
            is_loopback: internal_addr.ip().is_loopback(),
            routes: internal,
        };
        let limits = config.limits;
        let honours_dry_run = config.dry_run.on(addr.ip());
        let front = |service, access_log, faults, metrics| {
            let slots = Arc::new(Semaphore::new(limits.requests_max));
            let build = config.build.clone();
            Front { service, access_log, faults, metrics, slots, honours_dry_run, build }
        };
        let public_front = front(public, access_log.clone(), faults, metrics);
        // Counted nowhere: log and metrics are about the public side.
        let internal_service = PublicService::new(internal.router());
        let internal_front =
            front(internal_service, AccessLog::default(), FaultSwitch::default(), Metrics::new());
        let host = |front, title_case_headers| Host {
            front,
            tls: tls.clone(),
            limits,
            title_case_headers,
        };
        let public_host = host(public_front, config.title_case_headers);
        let public_listener = Listener { socket: public_socket, host: public_host };
        let internal_listener =
            Listener { socket: internal_socket, host: host(internal_front, false) };
        let (public, internal) =
            (Serving::spawn(public_listener), Serving::spawn(internal_listener));
        Ok(Server { addr, internal_addr, readiness, access_log, public, internal })
    }

    /// Where the public listener is.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the internal listener is.
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal_addr
    }

    /// Runs until a stop signal, then stops; a second signal ends it at once.
    ///
    /// Tells systemd when it is ready and when it stops.
    pub async fn run(self, mut signals: StopSignals) {
        process::notify_ready();
        let signal = signals.next().await;
        tracing::info!(signal, "stopping");
        process::notify_stopping();
        tokio::select! {
            () = self.stop() => tracing::info!("stopped"),
            signal = signals.next() => tracing::warn!(signal, "ended before all requests were"),
        }
    }

    /// Not ready, no new connections, requests under way finish within [`Limits::drain`], then the
    /// internal listener ends and the access log is written out.
    pub async fn stop(mut self) {
        self.readiness.begin_stop();
        self.public.end().await;
        self.internal.end().await;
        let access_log = self.access_log.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || access_log.close()).await {
            tracing::error!(%error, "the access log was not closed");
        }
    }
}

async fn bind(addr: SocketAddr, has_tls: bool) -> Result<TcpListener, StartError> {
    if !has_tls && !addr.ip().to_canonical().is_loopback() {
        return Err(StartError::Exposed { addr });
    }
    TcpListener::bind(addr).await.map_err(|source| StartError::Listen { addr, source })
}

fn addr_of(socket: &TcpListener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    socket.local_addr().map_err(|source| StartError::Listen { addr: unknown, source })
}

fn open_log(path: Option<PathBuf>) -> Result<AccessLog, StartError> {
    let Some(path) = path else { return Ok(AccessLog::default()) };
    AccessLog::open(&path).map_err(|source| StartError::AccessLog { path, source })
}

// === impl Serving ===

impl Serving {
    fn spawn(listener: Listener) -> Serving {
        let (stop, stopped) = watch::channel(false);
        Serving { stop, task: tokio::spawn(listener.serve(stopped)) }
    }

    async fn end(&mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the accept loop failed");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Config ===

impl Config {
    /// Free loopback ports, nothing else.
    pub fn new() -> Config {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Config {
            listen: loopback,
            internal_listen: loopback,
            tls: None,
            title_case_headers: false,
            access_log: None,
            allows_faults: false,
            dry_run: Honours::default(),
            build: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 10_000,
            requests_max: 1024,
            head_timeout: Duration::from_secs(60),
            headers_max: 200,
            head_bytes_max: 64 * 1024,
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests;
