//! The admin API: the only way in, for the command line, the console and scripts.
//!
//! A listener of its own, apart from users' traffic. Endpoints are one table (`endpoints`), from
//! which the router and `openapi.json` are both built. Refused: a listener beyond loopback
//! without TLS, requests for other names than the listener's (DNS rebinding), pages of other
//! origins, bodies and heads out of bounds.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{net::TcpListener, sync::watch};

use crate::{
    applied::Applied,
    comparisons::{Comparisons, Seen},
    controller::Controller,
    gates::Gates,
    live::{LiveCounters, LiveNumbers, Window},
    runbooks::Runbook,
    traces::Traces,
};

mod alerts;
mod auth;
mod config;
mod consent;
mod console;
mod diffs;
mod dispatch;
mod endpoints;
mod explain;
mod exposition;
mod failure;
mod gates;
mod journeys;
mod moves;
mod openapi;
mod parity;
mod plan;
mod probes;
mod query;
mod readiness;
mod rehearsal;
mod reply;
mod samples;
mod server;
mod status;
mod tls;
mod tokens;
mod traces;

pub use openapi::openapi;
pub use tls::{AdminTls, AdminTlsError};

use auth::{Failures, Place};
use console::Console;

/// The admin listener's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where to listen. Port 0: any free one.
    pub listen: SocketAddr,
    /// Certificate; needed beyond loopback.
    pub tls: Option<AdminTlsFiles>,
    /// Names beside the listener's own that `Host` may hold.
    pub hosts: Vec<String>,
    /// `/metrics` needs no token on loopback. Default `true`.
    pub metrics_open: bool,
    /// Connections at once; further ones wait. Default 256.
    pub connections_max: usize,
}

/// PEM files of the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminTlsFiles {
    /// Chain, own certificate first.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The admin listener cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Beyond loopback without TLS.
    #[error("the admin listener {0} is not on loopback and has no TLS: tokens would be readable")]
    NotPrivate(SocketAddr),
    /// The port cannot be opened.
    #[error("cannot listen on {listen} for the admin API")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate or key cannot be used.
    #[error("the admin listener's TLS cannot be used")]
    Tls(#[from] AdminTlsError),
}

/// What the admin API shows and steers.
#[derive(Clone)]
pub struct AdminParts {
    /// The control plane.
    pub controller: Controller,
    /// What the data plane has in force.
    pub applied: watch::Receiver<Applied>,
    /// Numbers of the data plane.
    pub live: Arc<dyn LiveCounters>,
    /// How candidates answer; `None`: nothing compares sides, which is told as a fault.
    pub comparisons: Option<Arc<dyn Comparisons>>,
    /// What gates found.
    pub gates: Gates,
    /// Everything registered, as OpenMetrics text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the proxy serves.
    pub lifecycle: Lifecycle,
    /// What to do about alerts.
    pub runbooks: Arc<[Runbook]>,
    /// Traces that were kept; `None`: none are recorded.
    pub traces: Option<Arc<dyn Traces>>,
}

/// Whether the proxy serves: set by wiring, told by `/readyz`. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle(Arc<LifecycleState>);

#[derive(Debug, Default)]
struct LifecycleState {
    listening: AtomicBool,
    draining: AtomicBool,
}

/// The admin listener, open but not yet serving.
pub struct AdminServer {
    listener: TcpListener,
    tls: Option<AdminTls>,
    config: AdminConfig,
    local: SocketAddr,
}

/// What every request sees.
struct Admin {
    parts: AdminParts,
    place: Place,
    failures: Mutex<Failures>,
    alerts: Mutex<alerts::Alerts>,
    window: Mutex<Window>,
    console: Console,
    openapi: serde_json::Value,
}

// === impl AdminConfig ===

impl AdminConfig {
    /// The settings for `listen`, everything else by default.
    pub fn new(listen: SocketAddr) -> AdminConfig {
        AdminConfig {
            listen,
            tls: None,
            hosts: Vec::new(),
            metrics_open: true,
            connections_max: 256,
        }
    }

    /// Whether tokens stay private. To be asked by `check` too.
    pub fn validate(&self) -> Result<(), AdminError> {
        if self.listen.ip().is_loopback() || self.tls.is_some() {
            return Ok(());
        }
        Err(AdminError::NotPrivate(self.listen))
    }
}

// === impl AdminError ===

impl AdminError {
    /// Stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            AdminError::NotPrivate(_) => "admin_not_private",
            AdminError::Listen { .. } => "admin_listen",
            AdminError::Tls(_) => "admin_tls",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        crate::codes::Code::find(self.code()).map_or("", |code| code.doc().remedy)
    }
}

// === impl AdminServer ===

impl AdminServer {
    /// Opens the listener. Fails beyond loopback without TLS, on unusable TLS files, and where
    /// the port is taken.
    pub async fn bind(config: AdminConfig) -> Result<AdminServer, AdminError> {
        config.validate()?;
        let tls = config.tls.as_ref().map(AdminTls::load).transpose()?;
        let listen = config.listen;
        let failed = |source| AdminError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(AdminServer { listener, tls, config, local })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// A handle to reload the certificate by; `None` without TLS.
    pub fn tls(&self) -> Option<AdminTls> {
        self.tls.clone()
    }

    /// Serves until `shutdown` ends, then lets requests under way finish, at most 5 s.
    pub async fn serve(self, parts: AdminParts, shutdown: impl Future<Output = ()> + Send) {
        let place = Place {
            listener: self.local,
            is_tls: self.tls.is_some(),
            hosts: self.config.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            metrics_open: self.config.metrics_open,
        };
        let admin = Arc::new(Admin {
            parts,
            place,
            failures: Mutex::default(),
            alerts: Mutex::default(),
            window: Mutex::default(),
            console: Console::default(),
            openapi: openapi(),
        });
        let sampling = tokio::spawn(server::sample(admin.clone()));
        let router = dispatch::router(admin.clone());
        let shutdown = async move {
            shutdown.await;
            admin.console.close();
        };
        let connections_max = self.config.connections_max;
        server::serve(self.listener, self.tls, router, connections_max, shutdown).await;
        sampling.abort();
    }
}

// === impl Admin ===

impl Admin {
    fn sample(&self) {
        let now_ms = self.parts.controller.now_ms();
        let counters = self.parts.live.snapshot();
        locked(&self.window).push(now_ms, counters);
        self.console.tick(self);
    }

    /// The numbers of the last ten seconds, by route.
    fn numbers<'r>(&self, routes: impl Iterator<Item = &'r str>) -> HashMap<&'r str, LiveNumbers> {
        let window = locked(&self.window);
        routes.map(|route| (route, window.numbers(route))).collect()
    }

    /// What is known of how a route's candidate answers.
    fn seen(&self, route: &str) -> Option<Seen> {
        self.parts.comparisons.as_ref()?.seen(route)
    }

    /// The lower bound of a route's parity; `None`: nothing was judged.
    fn bound(&self, route: &str) -> Option<f64> {
        parity::bound(&self.parts.comparisons.as_ref()?.counters(route)?)
    }

    fn applied_revision(&self) -> u64 {
        self.parts.applied.borrow().revision
    }
}

/// Whoever panicked while holding it left plain numbers behind: they are good enough to go on.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Lifecycle ===

impl Lifecycle {
    /// Every listener of users' traffic is open.
    pub fn set_listening(&self, listening: bool) {
        self.0.listening.store(listening, Ordering::Relaxed);
    }

    /// No new requests are wanted.
    pub fn set_draining(&self, draining: bool) {
        self.0.draining.store(draining, Ordering::Relaxed);
    }

    fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Relaxed)
    }

    fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for AdminServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminServer").field("local", &self.local).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
