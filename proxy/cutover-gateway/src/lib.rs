//! The data plane: takes requests, asks the side that the route table names, streams the answer.
//!
//! It knows no database, no shadow and no admin API; a [`GatewayHandle`] is all that the rest of
//! the process has of it. Told a new [`RouteTable`], it resolves whatever a request will need
//! and swaps it in; a request takes one snapshot and keeps it to its end.
//!
//! Flow: [`chassis`] accepts → [`guard`] refuses what is ambiguous → hyper parses → [`http`]
//! decides, asks [`upstream`]s and streams the answer back.

mod chassis;
pub mod guard;
mod http;
mod journeys;
mod jwt;
mod listener;
mod live;
pub mod metrics;
pub mod overrides;
mod pieces;
mod prefixed;
pub mod settings;
mod shared;
mod splice;
mod subjects;
mod tee;
pub mod tls;
mod upstream;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use cutover_domain::{RouteTable, Side, exchange::Copies};
use cutover_telemetry::{Tracer, canonical::CanonicalLog};
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    chassis::{Command, Presences, Stage},
    journeys::Sightings,
    listener::Listener,
    live::LiveTable,
    shared::Shared,
    tls::{TlsError, TlsListener},
};
pub use self::{
    chassis::{HandOverError, Inherited},
    journeys::JourneyFollower,
    jwt::{JwtKey, JwtKeyError},
    live::{PublishError, UNMATCHED},
    metrics::{GatewayMetrics, JourneyCounts, RouteCounts},
    overrides::OverrideKey,
    settings::Settings,
    shared::Applied,
    upstream::{TlsError as UpstreamTlsError, check_tls as check_upstream_tls},
};

/// The data plane, listening but not yet serving.
pub struct Gateway {
    handle: GatewayHandle,
    journeys: Option<JourneyFollower>,
    commands: mpsc::Receiver<Command>,
}

/// The rest of the process's end of the data plane. Cheap to clone; outlives it.
#[derive(Clone)]
pub struct GatewayHandle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

/// What the data plane tells of its work.
pub struct Telemetry {
    /// Traces.
    pub tracer: Tracer,
    /// One line a request.
    pub canonical: CanonicalLog,
    /// Counters; see [`GatewayMetrics::register`].
    pub metrics: GatewayMetrics,
}

/// Why the data plane cannot start. Nothing is listening.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", hint(.source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A listener's certificates cannot be used.
    #[error("listener {address} cannot serve TLS")]
    Tls {
        /// The listener's address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: Box<TlsError>,
    },
    /// The first table cannot be put in force.
    #[error(transparent)]
    Table(#[from] PublishError),
}

/// Why settings cannot be put in force; those before stay.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Listeners were added, removed or moved, or TLS was turned on or off.
    #[error(
        "listeners changed ({0}), and a running process keeps its own: hand over to a new process \
         (start it with `cutover run --upgrade`, then send SIGQUIT to this one)"
    )]
    Listeners(String),
    /// A listener's certificates cannot be used.
    #[error("listener {address} cannot serve TLS with the new files")]
    Tls {
        /// The listener's address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: Box<TlsError>,
    },
    /// The table does not go with them.
    #[error(transparent)]
    Table(#[from] PublishError),
}

// === impl Gateway ===

impl Gateway {
    /// Opens every listener and puts `table` in force. `copies`: who takes copies of requests, if
    /// anybody does. `inherited`: sockets of the process
    /// before; call [`Inherited::serving`] once [`Gateway::run`] runs.
    pub fn start(
        settings: Settings,
        table: Arc<RouteTable>,
        telemetry: Telemetry,
        copies: Option<Arc<dyn Copies>>,
        mut inherited: Option<&mut Inherited>,
    ) -> Result<Gateway, StartError> {
        let revision = table.revision;
        let settings = Arc::new(settings);
        let metrics = Arc::new(telemetry.metrics);
        let mut listeners = Vec::new();
        for (position, listener) in settings.listeners.iter().enumerate() {
            let address = listener.address;
            let tls = listener.tls.clone().map(TlsListener::load).transpose();
            let tls =
                tls.map_err(|source| StartError::Tls { address, source: Box::new(source) })?;
            let tls = tls.map(Arc::new);
            let opened = Listener::open(position, listener, tls, inherited.as_deref_mut());
            let opened = opened.map_err(|source| StartError::Listen { address, source })?;
            if let Some(tls) = &opened.tls {
                metrics.certificates.join(opened.address, Arc::clone(tls));
            }
            listeners.push(Arc::new(opened));
        }
        let live = LiveTable::build(table, settings, &metrics, copies.as_ref(), None)?;
        let applied = Applied { revision, at: std::time::SystemTime::now() };
        let (sender, commands) = mpsc::channel(4);
        let (sightings, seen) = Sightings::new();
        let shared = Arc::new(Shared {
            live: arc_swap::ArcSwap::from_pointee(live),
            tracer: telemetry.tracer,
            canonical: telemetry.canonical,
            metrics,
            copies,
            journeys: sightings,
            presences: Presences::new(),
            listeners,
            applied: watch::Sender::new(applied),
            publishing: parking_lot::Mutex::default(),
        });
        let journeys = Some(JourneyFollower::new(Arc::clone(&shared), seen));
        let handle = GatewayHandle { shared, commands: sender };
        Ok(Gateway { handle, journeys, commands })
    }

    /// The rest of the process's end of it.
    pub fn handle(&self) -> GatewayHandle {
        self.handle.clone()
    }

    /// What matches requests of journeys, to be run beside the data plane; `None` the second time.
    pub fn journeys(&mut self) -> Option<JourneyFollower> {
        self.journeys.take()
    }

    /// Serves until told to end through the handle. Blocks; must not be called from within an
    /// async runtime.
    pub fn run(self) {
        let Gateway { handle, commands, .. } = self;
        let workers = handle.shared.live.load().settings.limits.workers;
        let listeners = handle.shared.listeners.clone();
        let presences = Arc::clone(&handle.shared.presences);
        chassis::run(handle.shared, listeners, presences, workers, commands);
    }
}

// === impl GatewayHandle ===

impl GatewayHandle {
    /// Puts `table` in force; when this returns, the next request meets it.
    pub fn publish(&self, table: Arc<RouteTable>) -> Result<Applied, PublishError> {
        self.shared.publish(table)
    }

    /// Puts new settings in force: limits, time-outs, keys, certificates and revocation lists.
    /// Whole or not at all.
    pub fn reload(&self, settings: Settings) -> Result<Applied, ReloadError> {
        self.put_in_force(settings, None)
    }

    /// As [`GatewayHandle::reload`], together with a table, for settings that name what only this
    /// table has.
    pub fn replace(
        &self,
        settings: Settings,
        table: Arc<RouteTable>,
    ) -> Result<Applied, ReloadError> {
        self.put_in_force(settings, Some(table))
    }

    fn put_in_force(
        &self,
        mut settings: Settings,
        table: Option<Arc<RouteTable>>,
    ) -> Result<Applied, ReloadError> {
        let listeners = &self.shared.listeners;
        if settings.listeners.len() != listeners.len() {
            let (had, has) = (listeners.len(), settings.listeners.len());
            return Err(ReloadError::Listeners(format!("{had} before, {has} now")));
        }
        for (listener, new) in listeners.iter().zip(&mut settings.listeners) {
            let asked = listener.settings().address;
            if new.address != asked && new.address != listener.address {
                return Err(ReloadError::Listeners(format!("{asked} is now {}", new.address)));
            }
            if new.tls.is_some() != listener.tls.is_some() {
                return Err(ReloadError::Listeners(format!("TLS of {asked}")));
            }
            new.address = asked;
        }
        let mut checked = Vec::new();
        for (listener, new) in listeners.iter().zip(&settings.listeners) {
            if let (Some(tls), Some(files)) = (&listener.tls, &new.tls) {
                let address = listener.address;
                let failed = |source| ReloadError::Tls { address, source: Box::new(source) };
                // Read once to see that all can be read, then put in force together.
                TlsListener::load(files.clone()).map_err(failed)?;
                checked.push((tls, files.clone(), address));
            }
        }
        let applied = self.shared.reload(settings.clone(), table)?;
        for (tls, files, address) in checked {
            tls.replace(files)
                .map_err(|source| ReloadError::Tls { address, source: Box::new(source) })?;
        }
        Ok(applied)
    }

    /// The table in force; changes when one is published.
    pub fn applied(&self) -> watch::Receiver<Applied> {
        self.shared.applied.subscribe()
    }

    /// Where it listens, in the order of the settings; ports are never 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.shared.listeners.iter().map(|listener| listener.address).collect()
    }

    /// What every route has served since the process started, `_unmatched` last.
    pub fn counts(&self) -> Vec<RouteCounts> {
        self.shared.counts()
    }

    /// How many requests of `route` the decision gave to `side` since the process started, and have
    /// ended; `None`: the table has no such route. Costs far less than [`GatewayHandle::counts`], for
    /// those who look many times a second.
    pub fn requests_of(&self, route: &str, side: Side) -> Option<u64> {
        self.shared.requests_of(route, side)
    }

    /// What became of every journey since the process started, in the order of the table.
    pub fn journeys(&self) -> Vec<JourneyCounts> {
        self.shared.journeys()
    }

    /// Client connections open now.
    pub fn connections(&self) -> usize {
        self.shared.presences.open()
    }

    /// Whether it has stopped accepting connections.
    pub fn is_draining(&self) -> bool {
        self.shared.presences.stage() >= Stage::Draining
    }

    /// Stops accepting and lets what is in flight finish, at most for the settings' `drain`;
    /// then [`Gateway::run`] returns. Returns at once.
    pub async fn drain(&self) {
        let _ = self.commands.send(Command::Drain).await;
    }

    /// Ends now, cutting what is in flight.
    pub async fn stop(&self) {
        let _ = self.commands.send(Command::Stop).await;
    }

    /// Gives the listening sockets to the process that waits at `path`; once that one serves,
    /// drains. On failure this process goes on serving.
    pub async fn hand_over(&self, path: PathBuf) -> Result<(), HandOverError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(Command::HandOver(path, reply)).await;
        sent.map_err(|_| HandOverError::Draining)?;
        answer.await.unwrap_or(Err(HandOverError::Interrupted))
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there; stop it, choose another address, or take over from it \
             with `cutover run --upgrade`"
        }
        io::ErrorKind::PermissionDenied => {
            "not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        _ => "the system refused",
    }
}
