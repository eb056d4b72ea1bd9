//! What is counted per route and side.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cutover_domain::{Phase, Side};
use cutover_telemetry::{
    context::TraceContext,
    metrics::{ConfigLabel, DURATION_SECONDS, OVERHEAD_SECONDS},
    span::{Scheme, UpstreamLabel},
};
use http::{Method, StatusCode, Version};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::{
    AtomicHistogram, Outcome, RouteLabelSet,
    answered::Answered,
    answers::{Answers, Histograms},
    durations::{DurationFamily, Durations},
    histogram::Buckets,
    subjects::{SubjectCounts, Subjects, Trial},
};

/// Families that every route's handles come from.
#[derive(Clone, Debug)]
pub(crate) struct RouteMetricsFamilies {
    requests: Family<RequestLabels, Counter>,
    pub(crate) durations: DurationFamily,
    overhead: Histograms<RouteLabelSet>,
    fallbacks: Family<RouteLabelSet, Counter>,
    server: Histograms<AnswerLabels>,
    client: Histograms<ClientLabels>,
}

/// The handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: ConfigLabel,
    template: ConfigLabel,
    families: RouteMetricsFamilies,
    sides: [SideMetrics; 2],
    overhead: AtomicHistogram,
    fallbacks: Counter,
    pub(crate) no_subject: Counter,
    pub(crate) retries: Counter,
    /// What is in time, in nanoseconds; the largest number: whatever it is.
    in_time_nanos: AtomicU64,
    /// Its series are gone and must not come back.
    is_forgotten: AtomicBool,
}

#[derive(Debug)]
struct SideMetrics {
    side: Side,
    /// By phase and outcome, made at first use.
    requests: [[OnceLock<Counter>; Outcome::ALL.len()]; Phase::ALL.len()],
    subjects: Subjects,
    answered: Answered,
    server: Answers<AnswerLabels>,
    client: Answers<ClientLabels>,
}

/// One request, as far as metrics care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a> {
    pub(crate) side: Side,
    pub(crate) phase: Phase,
    pub(crate) outcome: Outcome,
    pub(crate) method: &'a Method,
    pub(crate) status: Option<StatusCode>,
    pub(crate) version: Version,
    pub(crate) scheme: Scheme,
    /// Hash of whom the decision sticks to; `None` where no cohort is judged.
    pub(crate) subject: Option<u64>,
    pub(crate) end: Instant,
    pub(crate) duration: Duration,
    /// Of it, time that no upstream was at work.
    pub(crate) overhead: Duration,
    /// Its trace, if it can be looked up.
    pub(crate) traced: Option<&'a TraceContext>,
}

/// What a route has served since the process started.
#[derive(Clone, Debug)]
pub struct RouteCounts {
    /// The route's id; `_unmatched` for what matches none.
    pub route: String,
    /// Upper bounds in seconds of [`SideCounts::latency`], rising. Where they change, its counts
    /// begin anew.
    pub bounds_seconds: Arc<[f64]>,
    /// Legacy, then new.
    pub sides: [SideCounts; 2],
    /// Requests that new failed and legacy answered.
    pub fallbacks: u64,
    /// Requests in `canary` that named no subject.
    pub no_subject: u64,
}

/// What one side of a route has served since the process started. The side is the one that the
/// decision chose.
#[derive(Clone, Debug)]
pub struct SideCounts {
    /// By outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Requests by duration: one count for each of [`RouteCounts::bounds_seconds`], one for above.
    pub latency: Vec<u64>,
    /// Requests answered well, but later than the route's objective asks for.
    pub slow: u64,
    /// Requests answered well in `canary` and `live` by latency, one count for each of
    /// [`BUCKETS`](cutover_domain::gate::latency::BUCKETS); empty: there were none.
    pub answered: Arc<[u64]>,
    /// Whom it served and failed in `canary` and `live`.
    pub subjects: SubjectCounts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    cutover_route: ConfigLabel,
    cutover_side: &'static str,
    cutover_phase: &'static str,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    http_request_method: &'static str,
    http_route: ConfigLabel,
    http_response_status_code: Status,
    url_scheme: &'static str,
    network_protocol_version: &'static str,
    cutover_route: ConfigLabel,
    cutover_side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClientLabels {
    http_request_method: &'static str,
    http_route: ConfigLabel,
    http_response_status_code: Status,
    server_address: ConfigLabel,
    server_port: u16,
    cutover_route: ConfigLabel,
    cutover_side: &'static str,
}

/// A status code; 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Status(u16);

// === impl RouteMetrics ===

impl RouteMetrics {
    /// Makes the handles of one route. `template` is its path template, `_unmatched`'s is empty.
    pub(crate) fn new(
        metrics: &super::GatewayMetrics,
        route: &str,
        template: &str,
    ) -> Arc<RouteMetrics> {
        let families = metrics.routes.clone();
        let route = ConfigLabel::from_config(route);
        let labels = RouteLabelSet { cutover_route: route.clone() };
        Arc::new(RouteMetrics {
            sides: Side::ALL.map(|side| SideMetrics {
                side,
                requests: Default::default(),
                subjects: Subjects::new(),
                answered: Answered::default(),
                server: Answers::default(),
                client: Answers::default(),
            }),
            overhead: families.overhead.get_or_create_owned(&labels),
            fallbacks: families.fallbacks.get_or_create_owned(&labels),
            no_subject: metrics.no_subject.get_or_create_owned(&labels),
            retries: metrics.retries.get_or_create_owned(&labels),
            template: ConfigLabel::from_config(template),
            route,
            families,
            in_time_nanos: AtomicU64::new(u64::MAX),
            is_forgotten: AtomicBool::new(false),
        })
    }

    /// Counts a request that has ended, into the `durations` of the table that it began with.
    pub(crate) fn served(&self, durations: &Durations, served: &Served<'_>) {
        if self.is_forgotten.load(Ordering::Relaxed) {
            return;
        }
        let side = &self.sides[served.side as usize];
        self.requests(side, served.phase, served.outcome).inc();
        durations.observe(served.side, served.duration, served.traced);
        self.overhead.observe(served.overhead);
        let trial = served.trial();
        let in_time = self.in_time_nanos.load(Ordering::Relaxed);
        if trial == Trial::Good {
            side.answered.note(served.duration, in_time, served.subject.is_some());
        } else if served.was_left() {
            side.answered.note(served.duration, in_time, false);
        }
        if let Some(subject) = served.subject {
            side.subjects.note(subject, trial, served.end);
        }
        if served.outcome == Outcome::Fallback {
            self.fallbacks.inc();
        }
        let (method, method_key) = known_method(served.method);
        let (version, version_key) = known_version(served.version);
        let status = served.status.map_or(0, |status| status.as_u16());
        let key = u32::from(status) << 16
            | method_key << 8
            | version_key << 1
            | u32::from(served.scheme == Scheme::Https);
        let labels = || AnswerLabels {
            http_request_method: method,
            http_route: self.template.clone(),
            http_response_status_code: Status(status),
            url_scheme: served.scheme.as_str(),
            network_protocol_version: version,
            cutover_route: self.route.clone(),
            cutover_side: side.side.as_str(),
        };
        side.server.observe(&self.families.server, key, served.duration, labels);
    }

    /// Counts an attempt at an upstream that has ended.
    pub(crate) fn attempted(
        &self,
        side: Side,
        method: &Method,
        status: Option<StatusCode>,
        upstream: &UpstreamLabel,
        duration: Duration,
    ) {
        if self.is_forgotten.load(Ordering::Relaxed) {
            return;
        }
        let side = &self.sides[side as usize];
        let (method, method_key) = known_method(method);
        let status = status.map_or(0, |status| status.as_u16());
        let key = u32::from(status) << 16 | method_key << 8;
        let labels = || ClientLabels {
            http_request_method: method,
            http_route: self.template.clone(),
            http_response_status_code: Status(status),
            server_address: ConfigLabel::from_config(&upstream.address),
            server_port: upstream.port,
            cutover_route: self.route.clone(),
            cutover_side: side.side.as_str(),
        };
        side.client.observe(&self.families.client, key, duration, labels);
    }

    /// What its users may expect: an answer within so many milliseconds.
    pub(crate) fn promise(&self, under_ms: Option<u32>) {
        let nanos = under_ms.map_or(u64::MAX, |under_ms| u64::from(under_ms) * 1_000_000);
        self.in_time_nanos.store(nanos, Ordering::Relaxed);
    }

    /// The route moved, so each side has other subjects from now on.
    pub(crate) fn moved(&self) {
        self.sides.iter().for_each(|side| side.subjects.begin_anew());
    }

    /// The route's id.
    pub(crate) fn id(&self) -> &str {
        self.route.as_str()
    }

    /// Removes the series that name the route's template, which has changed.
    pub(crate) fn forget_template(&self) {
        self.is_forgotten.store(true, Ordering::Relaxed);
        for side in &self.sides {
            side.server.forget(&self.families.server);
            side.client.forget(&self.families.client);
        }
    }

    /// Removes the route's series. A request still under way counts into nothing.
    pub(crate) fn forget(&self, metrics: &super::GatewayMetrics) {
        self.forget_template();
        let families = &self.families;
        let labels = RouteLabelSet { cutover_route: self.route.clone() };
        families.overhead.remove(&labels);
        families.fallbacks.remove(&labels);
        metrics.no_subject.remove(&labels);
        metrics.retries.remove(&labels);
        families.durations.remove(&self.route);
        for side in &self.sides {
            for (phase, outcome) in combinations() {
                families.requests.remove(&self.request_labels(side, phase, outcome));
            }
        }
    }

    /// What has been counted so far.
    pub(crate) fn counts(&self, durations: &Durations) -> RouteCounts {
        RouteCounts {
            route: self.route.as_str().to_owned(),
            bounds_seconds: durations.bounds_seconds(),
            sides: Side::ALL.map(|side| self.sides[side as usize].counts(durations.counts(side))),
            fallbacks: self.fallbacks.get(),
            no_subject: self.no_subject.get(),
        }
    }

    /// How many requests the decision gave to `side` so far, without anything else that is counted.
    pub(crate) fn requests_of(&self, side: Side) -> u64 {
        self.sides[side as usize].outcomes().into_iter().sum()
    }

    /// Makes the series of requests that may come in `phase`: an error that was the first of its
    /// kind is no rise of a counter that was not there.
    pub(crate) fn prepare(&self, phase: Phase) {
        let sides = match phase {
            Phase::Legacy | Phase::Shadow => &Side::ALL[..1],
            Phase::Canary => &Side::ALL[..],
            Phase::Live | Phase::Retired => &Side::ALL[1..],
        };
        for side in sides {
            for outcome in Outcome::ALL {
                self.requests(&self.sides[*side as usize], phase, *outcome);
            }
        }
    }

    fn requests<'s>(&self, side: &'s SideMetrics, phase: Phase, outcome: Outcome) -> &'s Counter {
        side.requests[phase as usize][outcome as usize].get_or_init(|| {
            self.families.requests.get_or_create_owned(&self.request_labels(side, phase, outcome))
        })
    }

    fn request_labels(&self, side: &SideMetrics, phase: Phase, outcome: Outcome) -> RequestLabels {
        RequestLabels {
            cutover_route: self.route.clone(),
            cutover_side: side.side.as_str(),
            cutover_phase: phase.as_str(),
            outcome,
        }
    }
}

fn combinations() -> impl Iterator<Item = (Phase, Outcome)> {
    Phase::ALL
        .into_iter()
        .flat_map(|phase| Outcome::ALL.iter().map(move |outcome| (phase, *outcome)))
}

impl SideMetrics {
    fn outcomes(&self) -> [u64; Outcome::ALL.len()] {
        let mut outcomes = [0; Outcome::ALL.len()];
        for by_outcome in &self.requests {
            for (sum, counter) in outcomes.iter_mut().zip(by_outcome) {
                *sum += counter.get().map_or(0, Counter::get);
            }
        }
        outcomes
    }

    fn counts(&self, latency: Vec<u64>) -> SideCounts {
        SideCounts {
            outcomes: self.outcomes(),
            latency,
            slow: self.answered.slow(),
            answered: self.answered.counts(),
            subjects: self.subjects.counts(),
        }
    }
}

// === impl Served ===

impl Served<'_> {
    /// The client went before there was an answer. Whoever went after the time in which an answer
    /// was promised did not get it in time: else a side that hangs looks well to those who compare.
    fn was_left(&self) -> bool {
        self.outcome == Outcome::ClientError && self.status.is_none()
    }

    /// What it says about the side that the decision chose.
    fn trial(&self) -> Trial {
        match self.outcome {
            Outcome::Error | Outcome::Timeout | Outcome::Fallback => Trial::Bad,
            Outcome::ClientError if self.was_left() => Trial::Void,
            Outcome::Ok | Outcome::ClientError => Trial::Good,
            Outcome::Rejected => Trial::Void,
        }
    }
}

// === impl RouteMetricsFamilies ===

impl Default for RouteMetricsFamilies {
    fn default() -> RouteMetricsFamilies {
        let conventions = Buckets::new(&DURATION_SECONDS);
        RouteMetricsFamilies {
            requests: Family::default(),
            durations: DurationFamily::default(),
            overhead: Family::new_with_constructor(Buckets::new(&OVERHEAD_SECONDS)),
            fallbacks: Family::default(),
            server: Family::new_with_constructor(conventions.clone()),
            client: Family::new_with_constructor(conventions),
        }
    }
}

impl RouteMetricsFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cutover_requests",
            "Requests served, by the side that the decision chose",
            self.requests.clone(),
        );
        self.durations.register(registry);
        registry.register(
            "cutover_proxy_overhead_seconds",
            "Of a request's duration, what no upstream was at work for",
            self.overhead.clone(),
        );
        registry.register(
            "cutover_fallbacks",
            "Requests that new failed and legacy answered",
            self.fallbacks.clone(),
        );
        registry.register(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests",
            self.server.clone(),
        );
        registry.register(
            "http_client_request_duration_seconds",
            "Duration of HTTP client requests",
            self.client.clone(),
        );
    }
}

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        match self.0 {
            0 => EncodeLabelValue::encode(&"", encoder),
            status => EncodeLabelValue::encode(&u64::from(status), encoder),
        }
    }
}

fn known_method(method: &Method) -> (&'static str, u32) {
    match *method {
        Method::GET => ("GET", 1),
        Method::HEAD => ("HEAD", 2),
        Method::POST => ("POST", 3),
        Method::PUT => ("PUT", 4),
        Method::DELETE => ("DELETE", 5),
        Method::OPTIONS => ("OPTIONS", 6),
        Method::PATCH => ("PATCH", 7),
        Method::TRACE => ("TRACE", 8),
        Method::CONNECT => ("CONNECT", 9),
        _ => ("_OTHER", 0),
    }
}

fn known_version(version: Version) -> (&'static str, u32) {
    match version {
        Version::HTTP_10 => ("1.0", 0),
        Version::HTTP_2 => ("2", 2),
        _ => ("1.1", 1),
    }
}

#[cfg(test)]
mod tests;
