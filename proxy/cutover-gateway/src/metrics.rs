//! What the data plane counts. Handles are resolved when a table is loaded: a request adds to
//! atomics and never looks a label up.

mod answered;
mod answers;
mod certificates;
mod durations;
mod exemplars;
mod histogram;
mod journeys;
mod route;
mod subjects;
mod workers;

use std::{collections::HashSet, sync::Arc};

use cutover_telemetry::{closed_label, metrics::ConfigLabel};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

pub(crate) use self::{
    certificates::Certificates,
    durations::Durations,
    histogram::AtomicHistogram,
    journeys::{JourneyMetrics, JourneyMetricsFamilies},
    route::{RouteMetrics, RouteMetricsFamilies, Served},
    workers::Workers,
};
pub use self::{
    journeys::{JOURNEY_SECONDS, JourneyCounts, JourneySideCounts, Skipped},
    route::{RouteCounts, SideCounts},
    subjects::SubjectCounts,
};
use crate::{
    guard::{Clock, GuardEvents, Refusal},
    live::LiveTable,
};

closed_label! {
    /// How a request ended.
    pub enum Outcome {
        /// Answered below 400.
        Ok => "ok",
        /// Answered with a 4xx by the side, or given up by the client.
        ClientError => "client_error",
        /// Answered with a 5xx, cut off, or not at all.
        Error => "error",
        /// A deadline of ours passed.
        Timeout => "timeout",
        /// Refused by us before any upstream saw it.
        Rejected => "rejected",
        /// New failed and legacy answered.
        Fallback => "fallback",
    }
}

closed_label! {
    /// Why a connection was turned away.
    pub enum TurnedAway {
        /// Too many connections in all.
        InAll => "connections_max",
        /// Too many from one address.
        PerAddress => "connections_per_address_max",
        /// The TLS handshake failed or took too long.
        Handshake => "handshake",
        /// The client certificate is revoked or does not verify.
        Certificate => "certificate",
    }
}

/// Every metric of the data plane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GatewayMetrics {
    pub(crate) connections: Gauge,
    pub(crate) turned_away: Family<TurnedAwayLabel, Counter>,
    pub(crate) refused: Arc<[Counter]>,
    pub(crate) expired: Arc<[Counter]>,
    pub(crate) tunnels: Gauge,
    pub(crate) no_subject: Family<RouteLabelSet, Counter>,
    pub(crate) retries: Family<RouteLabelSet, Counter>,
    pub(crate) upstream_connections: Family<UpstreamLabelSet, Gauge>,
    pub(crate) upstream_connects: Family<UpstreamLabelSet, Counter>,
    pub(crate) upstream_connect_failures: Family<UpstreamLabelSet, Counter>,
    pub(crate) routes: RouteMetricsFamilies,
    pub(crate) journeys: JourneyMetricsFamilies,
    pub(crate) workers: Workers,
    pub(crate) certificates: Certificates,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TurnedAwayLabel {
    reason: TurnedAway,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RouteLabelSet {
    pub(crate) cutover_route: ConfigLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct UpstreamLabelSet {
    pub(crate) upstream: ConfigLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

// === impl GatewayMetrics ===

impl GatewayMetrics {
    /// Registers every metric in `registry`.
    pub fn register(registry: &mut Registry) -> GatewayMetrics {
        let refusals = Family::<ReasonLabel, Counter>::default();
        let clocks = Family::<ReasonLabel, Counter>::default();
        let counter = |family: &Family<ReasonLabel, Counter>, reason| {
            family.get_or_create_owned(&ReasonLabel { reason })
        };
        let metrics = GatewayMetrics {
            connections: Gauge::default(),
            turned_away: Family::default(),
            refused: Refusal::ALL.iter().map(|r| counter(&refusals, r.code())).collect(),
            expired: Clock::ALL.iter().map(|c| counter(&clocks, c.code())).collect(),
            tunnels: Gauge::default(),
            no_subject: Family::default(),
            retries: Family::default(),
            upstream_connections: Family::default(),
            upstream_connects: Family::default(),
            upstream_connect_failures: Family::default(),
            routes: RouteMetricsFamilies::default(),
            journeys: JourneyMetricsFamilies::default(),
            workers: Workers::default(),
            certificates: Certificates::default(),
        };
        for reason in TurnedAway::ALL {
            let _ = metrics.turned_away.get_or_create(&TurnedAwayLabel { reason: *reason });
        }
        registry.register(
            "cutover_no_subject",
            "Canary requests that named no subject",
            metrics.no_subject.clone(),
        );
        registry.register(
            "cutover_retries",
            "Repeated attempts at the same side",
            metrics.retries.clone(),
        );
        registry.register(
            "cutover_upstream_connects",
            "Connections made",
            metrics.upstream_connects.clone(),
        );
        registry.register(
            "cutover_upstream_connect_failures",
            "Connections that could not be made",
            metrics.upstream_connect_failures.clone(),
        );
        registry.register(
            "cutover_guard_refusals",
            "Requests refused before any upstream saw them",
            refusals,
        );
        registry.register("cutover_guard_clocks", "Clocks that ran out on clients", clocks);
        registry.register("cutover_connections", "Clients connected", metrics.connections.clone());
        registry.register("cutover_tunnels", "Upgraded connections", metrics.tunnels.clone());
        registry.register(
            "cutover_connections_turned_away",
            "Connections closed before their first request",
            metrics.turned_away.clone(),
        );
        registry.register(
            "cutover_upstream_connections",
            "Connections to upstreams, idle ones included",
            metrics.upstream_connections.clone(),
        );
        metrics.routes.register(registry);
        metrics.journeys.register(registry);
        metrics.workers.register(registry);
        metrics.certificates.register(registry);
        metrics
    }

    /// The registry's text, with exemplars of request durations behind their buckets. Only in
    /// OpenMetrics.
    pub fn with_exemplars(&self, text: String) -> String {
        self.routes.durations.put_exemplars_into(text)
    }

    /// Counts a client connection for as long as the value lives.
    pub(crate) fn connected(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// Counts an upgraded connection for as long as the value lives.
    pub(crate) fn tunnel(&self) -> Counted {
        Counted::new(&self.tunnels)
    }

    /// Removes the series of routes that are gone, and of templates that routes no longer have.
    pub(crate) fn forget_routes(&self, before: &LiveTable, after: &LiveTable) {
        let handles: HashSet<_> = after.metrics().map(Arc::as_ptr).collect();
        let ids: HashSet<_> = after.metrics().map(|metrics| metrics.id()).collect();
        for gone in before.metrics().filter(|metrics| !handles.contains(&Arc::as_ptr(metrics))) {
            match ids.contains(gone.id()) {
                true => gone.forget_template(),
                false => gone.forget(self),
            }
        }
    }

    /// Removes the series of journeys that are gone.
    pub(crate) fn forget_journeys(&self, before: &LiveTable, after: &LiveTable) {
        let after: HashSet<_> = after.journeys.iter().map(|live| &*live.spec.name).collect();
        let names = before.journeys.iter().map(|live| &*live.spec.name);
        names.filter(|name| !after.contains(name)).for_each(|name| self.journeys.forget(name));
    }

    pub(crate) fn turn_away(&self, reason: TurnedAway) {
        self.turned_away.get_or_create(&TurnedAwayLabel { reason }).inc();
    }
}

/// One more in a gauge, until it is dropped.
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Counted {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl GuardEvents for GatewayMetrics {
    fn refused(&self, reason: Refusal, _in_body: bool) {
        self.refused[reason.index()].inc();
    }

    fn expired(&self, clock: Clock) {
        self.expired[clock.index()].inc();
    }
}
