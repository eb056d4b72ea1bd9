//! The route table in force, with everything a request needs resolved: upstreams, metric
//! handles, span names, time-outs. One snapshot serves a request from start to end.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_domain::{
    Phase, Route, RouteTable, Scheme, Side, Target, Timeouts,
    exchange::{Copies, RouteCopies},
};
use cutover_telemetry::{sampling::RouteSampling, span::RouteLabel};

use crate::{
    journeys::LiveJourney,
    metrics::{Durations, GatewayMetrics, RouteCounts, RouteMetrics},
    settings::Settings,
    upstream::{TlsError, Upstream},
};

/// Name of what matches no route, in metrics and logs.
pub const UNMATCHED: &str = "_unmatched";

/// A route table in force.
#[derive(Debug)]
pub(crate) struct LiveTable {
    pub(crate) table: Arc<RouteTable>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    routes: Vec<LiveRoute>,
    unmatched: LiveRoute,
    pub(crate) journeys: Arc<[Arc<LiveJourney>]>,
    /// By listener: the upstream of what matches no route.
    defaults: Vec<usize>,
}

/// What a request of one route needs.
#[derive(Clone, Debug)]
pub(crate) struct LiveRoute {
    pub(crate) metrics: Arc<RouteMetrics>,
    pub(crate) durations: Arc<Durations>,
    pub(crate) label: Arc<RouteLabel>,
    /// What its traces are kept for.
    pub(crate) sampling: RouteSampling,
    timeouts: Timeouts,
    /// Who takes copies of its requests; `None`: nobody.
    pub(crate) copies: Option<Arc<dyn RouteCopies>>,
    /// The journeys that its requests take part in; `None`: in none.
    pub(crate) journeys: Option<Arc<[Arc<LiveJourney>]>>,
}

/// Time-outs of one attempt, all set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
}

/// Why a table cannot be put in force; the one before it stays.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// An upstream's TLS cannot be set up.
    #[error("upstream `{upstream}` cannot be used")]
    Upstream {
        /// Its name.
        upstream: String,
        /// Why.
        #[source]
        source: Box<TlsError>,
    },
    /// A listener's default is no upstream.
    #[error("listener {listener} names the upstream `{name}`, which is not declared")]
    Default {
        /// Its address.
        listener: std::net::SocketAddr,
        /// The name.
        name: String,
    },
}

// === impl LiveTable ===

impl LiveTable {
    /// Resolves `table`. What did not change since `before` is taken over, so that connections
    /// and counters go on.
    pub(crate) fn build(
        table: Arc<RouteTable>,
        settings: Arc<Settings>,
        metrics: &GatewayMetrics,
        copies: Option<&Arc<dyn Copies>>,
        before: Option<&LiveTable>,
    ) -> Result<LiveTable, PublishError> {
        let upstreams = upstreams(&table, &settings, metrics, before)?;
        let journeys = before.map(|before| &*before.journeys).unwrap_or_default();
        let journeys = LiveJourney::of_table(&table.journeys, &metrics.journeys, journeys);
        let known: HashMap<&str, (&LiveRoute, Target)> =
            before.map(LiveTable::by_id).unwrap_or_default();
        let defaults = defaults(&table, &settings)?;
        // Nothing fails any more, so what is no longer in force may go.
        let ends_elsewhere = metrics.routes.durations.follow(&table);
        let routes = table.routes.iter().map(|route| {
            let id = route.spec.id.as_str();
            let known = known.get(id).copied();
            let live = live_route(metrics, copies, known.map(|(live, _)| live), id, Some(route));
            let mut live = LiveRoute { journeys: LiveJourney::of_route(&journeys, id), ..live };
            if ends_elsewhere {
                live.durations = Durations::new(&metrics.routes.durations, id);
            }
            live.metrics.promise(route.spec.objectives.latency.map(|latency| latency.under_ms));
            // Who served whom before a move says nothing about who serves whom now.
            if known.is_some_and(|(_, was)| was != route.state.target()) {
                live.metrics.moved();
            }
            if known.is_some_and(|(_, was)| route.state.is_forward(was)) {
                // Where it was is ahead of where it is: users were taken back.
                live.sampling.rolled_back = Some(Instant::now());
            }
            live
        });
        let routes = routes.collect();
        let unmatched = before.map(|before| &before.unmatched);
        let mut unmatched = live_route(metrics, None, unmatched, UNMATCHED, None);
        if ends_elsewhere {
            unmatched.durations = Durations::new(&metrics.routes.durations, UNMATCHED);
        }
        Ok(LiveTable { table, settings, upstreams, routes, unmatched, journeys, defaults })
    }

    /// Every route by its id, and where it is.
    fn by_id(&self) -> HashMap<&str, (&LiveRoute, Target)> {
        let states = self.table.routes.iter().map(|route| route.state.target());
        let routes = self.routes.iter().zip(states);
        routes.map(|(live, at)| (&*live.label.id, (live, at))).collect()
    }

    /// The route at `position`, or what stands for none.
    pub(crate) fn route(&self, position: Option<usize>) -> &LiveRoute {
        position.map_or(&self.unmatched, |position| &self.routes[position])
    }

    /// The position of the upstream for what matches no route of a listener.
    pub(crate) fn default_of(&self, listener: usize) -> usize {
        self.defaults.get(listener).copied().unwrap_or(self.table.default)
    }

    /// The position of the upstream that stands on `side` of a route; legacy's where there is no
    /// new.
    pub(crate) fn upstream_position(&self, route: &Route, side: Side) -> usize {
        match side {
            Side::Legacy => route.legacy,
            Side::New => route.new.unwrap_or(route.legacy),
        }
    }

    /// Every route's metrics, `_unmatched` last.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &Arc<RouteMetrics>> {
        self.all().map(|route| &route.metrics)
    }

    /// What every route has served, `_unmatched` last.
    pub(crate) fn counts(&self) -> Vec<RouteCounts> {
        self.all().map(|route| route.metrics.counts(&route.durations)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &LiveRoute> {
        self.routes.iter().chain([&self.unmatched])
    }
}

// === impl Patience ===

impl Patience {
    /// At most until `deadline`, if there is one.
    pub(crate) fn until(self, deadline: Option<Instant>) -> Patience {
        let Some(deadline) = deadline else {
            return self;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let (connect, first_byte) = (self.connect.min(left), self.first_byte.min(left));
        Patience { connect, first_byte, ..self }
    }
}

// === impl LiveRoute ===

impl LiveRoute {
    /// How long to wait for `upstream`.
    pub(crate) fn patience(&self, upstream: &Upstream) -> Patience {
        let timeouts = self.timeouts.or(upstream.spec.timeouts);
        let millis = |value: Option<u32>, default| {
            Duration::from_millis(u64::from(value.unwrap_or(default)))
        };
        Patience {
            connect: millis(timeouts.connect_ms, Timeouts::CONNECT_MS),
            first_byte: millis(timeouts.first_byte_ms, Timeouts::FIRST_BYTE_MS),
            idle: millis(timeouts.idle_ms, Timeouts::IDLE_MS),
        }
    }
}

fn live_route(
    metrics: &GatewayMetrics,
    copies: Option<&Arc<dyn Copies>>,
    known: Option<&LiveRoute>,
    id: &str,
    route: Option<&Route>,
) -> LiveRoute {
    let template = route.map(|route| route.spec.endpoint.path.as_str());
    let timeouts = route.map(|route| route.spec.timeouts).unwrap_or_default();
    let is_copied = route.is_some_and(|route| route.spec.shadow.is_some());
    let copies = copies.filter(|_| is_copied).map(|copies| copies.of_route(id));
    let sampling = known.map(|known| known.sampling.clone());
    let mut sampling = sampling.unwrap_or_else(|| RouteSampling::new(Instant::now()));
    let in_time = route.and_then(|route| route.spec.objectives.latency);
    sampling.slow_after = in_time.map(|it| Duration::from_millis(it.under_ms.into()));
    let live = match known.filter(|known| known.label.template.as_deref() == template) {
        Some(known) => LiveRoute { sampling, timeouts, copies, ..known.clone() },
        None => LiveRoute {
            metrics: RouteMetrics::new(metrics, id, template.unwrap_or_default()),
            durations: Durations::new(&metrics.routes.durations, id),
            label: Arc::new(RouteLabel { id: id.into(), template: template.map(Into::into) }),
            sampling,
            timeouts,
            copies,
            journeys: None,
        },
    };
    live.metrics.prepare(route.map_or(Phase::Legacy, |route| route.state.phase));
    live
}

/// By listener: the position of the upstream for what matches no route.
fn defaults(table: &RouteTable, settings: &Settings) -> Result<Vec<usize>, PublishError> {
    let default = |listener: &crate::settings::ListenerSettings| match &listener.default {
        None => Ok(table.default),
        Some(name) => {
            let position = table.upstreams.iter().position(|upstream| upstream.name == *name);
            let (listener, name) = (listener.address, name.clone());
            position.ok_or(PublishError::Default { listener, name })
        }
    };
    settings.listeners.iter().map(default).collect()
}

fn upstreams(
    table: &RouteTable,
    settings: &Arc<Settings>,
    metrics: &GatewayMetrics,
    before: Option<&LiveTable>,
) -> Result<Vec<Arc<Upstream>>, PublishError> {
    let same = |spec: &cutover_domain::Upstream| {
        let before = before.filter(|before| before.settings.limits == settings.limits)?;
        // A reload reads certificates again.
        let is_reload = !Arc::ptr_eq(&before.settings, settings);
        if is_reload && spec.scheme == Scheme::Https {
            return None;
        }
        before.upstreams.iter().find(|known| known.spec == *spec).cloned()
    };
    let resolve = |spec: &cutover_domain::Upstream| match same(spec) {
        Some(known) => Ok(known),
        None => Upstream::new(spec, &settings.limits, metrics).map(Arc::new).map_err(|source| {
            PublishError::Upstream { upstream: spec.name.clone(), source: Box::new(source) }
        }),
    };
    table.upstreams.iter().map(resolve).collect()
}
