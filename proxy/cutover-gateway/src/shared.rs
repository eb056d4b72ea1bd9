//! What all connections share.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use cutover_domain::{RouteTable, Side, exchange::Copies};
use cutover_telemetry::{Tracer, canonical::CanonicalLog};
use parking_lot::Mutex;
use tokio::{net::TcpStream, sync::watch};

use crate::{
    chassis::{Accepted, Connections, Presences},
    http,
    journeys::Sightings,
    listener::Listener,
    live::{LiveTable, PublishError},
    metrics::{GatewayMetrics, JourneyCounts, RouteCounts, TurnedAway},
    settings::Settings,
    upstream,
};

/// A table in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its revision.
    pub revision: u64,
    /// Since when requests meet it.
    pub at: SystemTime,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) live: ArcSwap<LiveTable>,
    pub(crate) tracer: Tracer,
    pub(crate) canonical: CanonicalLog,
    pub(crate) metrics: Arc<GatewayMetrics>,
    pub(crate) copies: Option<Arc<dyn Copies>>,
    pub(crate) journeys: Sightings,
    pub(crate) presences: Arc<Presences>,
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) applied: watch::Sender<Applied>,
    /// Held while a table is built, so that of two the later one stays.
    pub(crate) publishing: Mutex<()>,
}

// === impl Shared ===

impl Shared {
    /// Puts `table` in force: the next request meets it.
    pub(crate) fn publish(&self, table: Arc<RouteTable>) -> Result<Applied, PublishError> {
        let _publishing = self.publishing.lock();
        let settings = Arc::clone(&self.live.load().settings);
        self.apply(table, settings)
    }

    /// Puts `settings` in force, with `table` or else the table that is.
    pub(crate) fn reload(
        &self,
        settings: Settings,
        table: Option<Arc<RouteTable>>,
    ) -> Result<Applied, PublishError> {
        let _publishing = self.publishing.lock();
        let table = table.unwrap_or_else(|| Arc::clone(&self.live.load().table));
        let applied = self.apply(table, Arc::new(settings))?;
        let live = self.live.load();
        for (listener, settings) in self.listeners.iter().zip(&live.settings.listeners) {
            listener.set_settings(settings);
        }
        Ok(applied)
    }

    /// What every route has served.
    pub(crate) fn counts(&self) -> Vec<RouteCounts> {
        self.live.load().counts()
    }

    /// How many requests of `route` the decision gave to `side`; `None`: it is not in the table.
    pub(crate) fn requests_of(&self, route: &str, side: Side) -> Option<u64> {
        let live = self.live.load();
        let (position, _) = live.table.route(route)?;
        Some(live.route(Some(position)).metrics.requests_of(side))
    }

    /// What became of every journey.
    pub(crate) fn journeys(&self) -> Vec<JourneyCounts> {
        self.live.load().journeys.iter().map(|journey| journey.metrics.counts()).collect()
    }

    fn apply(
        &self,
        table: Arc<RouteTable>,
        settings: Arc<Settings>,
    ) -> Result<Applied, PublishError> {
        let revision = table.revision;
        let before = self.live.load();
        let live =
            LiveTable::build(table, settings, &self.metrics, self.copies.as_ref(), Some(&before))?;
        self.metrics.forget_routes(&before, &live);
        self.metrics.forget_journeys(&before, &live);
        self.live.store(Arc::new(live));
        let applied = Applied { revision, at: SystemTime::now() };
        self.applied.send_replace(applied);
        Ok(applied)
    }
}

impl Connections for Shared {
    fn limits(&self) -> (usize, usize) {
        let limits = &self.live.load().settings.limits;
        (limits.connections_max, limits.connections_per_address_max)
    }

    fn drain(&self) -> Duration {
        self.live.load().settings.drain
    }

    fn turned_away(&self, reason: TurnedAway) {
        self.metrics.turn_away(reason);
    }

    async fn serve(self: Arc<Self>, listener: Arc<Listener>, accepted: Accepted<TcpStream>) {
        let _connected = self.metrics.connected();
        http::connection::serve(self, listener, accepted).await;
    }

    async fn housekeeping(&self) {
        self.metrics.workers.join();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = upstream::PLACE_WANTED.notified() => {}
            }
            let live = self.live.load_full();
            let in_use: HashSet<u32> = live.upstreams.iter().map(|upstream| upstream.id).collect();
            upstream::sweep(|id| in_use.contains(&id));
        }
    }
}
