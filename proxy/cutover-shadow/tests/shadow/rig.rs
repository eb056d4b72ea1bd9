//! Two sides, a route between them, and the shadow that compares them.

mod receiver;
mod side;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use cutover_domain::{
    Declaration, EndpointMatch, Exchange, Group, Percent, Phase, RouteSpec, RouteState, RouteTable,
    Scheme, ShadowSpec, Side, Target, Timeouts, Upstream, UpstreamTls,
    exchange::{
        BUDGET_BYTES, Budget, Copied, Copies, RequestCopy, ResponseCopy, RouteCopies, TraceIds,
    },
};
use cutover_shadow::{Accounting, Config, Record, RouteReport, ShadowHandle, ShadowMetrics, start};
use cutover_telemetry::{copies::CopyTracer, sampling::Sampler};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

pub(crate) use self::receiver::{Receiver, attribute};
pub(crate) use self::side::{Side as Server, answer, asked, bytes, http2, refuses, tls};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const JSON: &str = "application/json";

pub(crate) struct Rig {
    pub(crate) handle: ShadowHandle,
    pub(crate) copies: Arc<dyn RouteCopies>,
    pub(crate) records: mpsc::Receiver<Record>,
    pub(crate) registry: Registry,
    pub(crate) budget: Budget,
    pub(crate) table: Arc<RouteTable>,
    traces: AtomicU64,
}

/// What a rig is made of, to be changed before its start.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) spec: ShadowSpec,
    pub(crate) phase: Phase,
    pub(crate) writes: Option<cutover_domain::WriteClass>,
    pub(crate) method: Method,
    pub(crate) budget_bytes: u64,
    pub(crate) new_scheme: Scheme,
    pub(crate) new_tls: UpstreamTls,
    pub(crate) tracer: CopyTracer,
}

/// Copies are compared within short deadlines, without second legacy calls and without a limit.
pub(crate) fn parts() -> Parts {
    let config = Config {
        deadline_min: Duration::from_millis(200),
        deadline_max: Duration::from_millis(200),
        ..Config::default()
    };
    Parts {
        config,
        spec: ShadowSpec { rps_max: None, noise: Percent::ZERO, ..ShadowSpec::default() },
        phase: Phase::Shadow,
        // Not safe, so that legacy is never asked until its noise is known.
        writes: Some(cutover_domain::WriteClass::Idempotent),
        method: Method::GET,
        budget_bytes: BUDGET_BYTES,
        new_scheme: Scheme::Http,
        new_tls: UpstreamTls::default(),
        tracer: CopyTracer::new(Sampler::default(), None),
    }
}

impl Parts {
    /// As [`parts`], with time enough for answers that come.
    pub(crate) fn patient(mut self) -> Parts {
        // Both, or the longest shrinks once live requests are known to be fast.
        (self.config.deadline_min, self.config.deadline_max) = (PATIENCE, PATIENCE);
        self
    }

    pub(crate) fn start(self, legacy: &Server, new: &Server) -> Rig {
        let budget = Budget::new(self.budget_bytes);
        let mut registry = Registry::default();
        let metrics = ShadowMetrics::register(&mut registry, &budget);
        let table = Arc::new(self.table(legacy, new));
        let handle = start(self.config, budget.clone(), metrics, self.tracer).unwrap();
        let copies = handle.of_route("read");
        let records = handle.records().unwrap();
        let traces = AtomicU64::new(1);
        Rig { handle, copies, records, registry, budget, table, traces }
    }

    fn table(&self, legacy: &Server, new: &Server) -> RouteTable {
        let target = Target::phase(self.phase);
        let route = RouteSpec {
            id: "read".into(),
            group: "g".into(),
            endpoint: EndpointMatch {
                methods: vec![self.method.clone()],
                host: None,
                path: "/api/{rest...}".parse().unwrap(),
                headers: vec![],
            },
            legacy: "legacy".into(),
            new: Some("new".into()),
            writes: self.writes,
            target,
            timeouts: Timeouts::default(),
            shadow: Some(self.spec.clone()),
            rules: Default::default(),
            objectives: Default::default(),
            gates: None,
        };
        let mut candidate = upstream("new", self.new_scheme, new.port);
        candidate.tls = self.new_tls.clone();
        let declaration = Declaration {
            upstreams: vec![upstream("legacy", Scheme::Http, legacy.port), candidate],
            groups: vec![Group { id: "g".into(), ..Group::default() }],
            routes: vec![route],
            default: "legacy".into(),
            ..Declaration::default()
        };
        RouteTable::build(&declaration, 1, |_| RouteState::INITIAL.at(target, 1)).unwrap()
    }
}

fn upstream(name: &str, scheme: Scheme, port: u16) -> Upstream {
    Upstream {
        name: name.into(),
        scheme,
        host: "127.0.0.1".into(),
        port,
        timeouts: Timeouts::default(),
        connections_max: 1_024,
        tls: UpstreamTls::default(),
    }
}

/// A live answer with this body.
pub(crate) fn live(media: &str, body: impl Into<Bytes>) -> ResponseCopy {
    ResponseCopy {
        status: StatusCode::OK,
        headers: headers(&[("content-type", media)]),
        body: Copied::Whole(body.into()),
        trailers: HeaderMap::new(),
    }
}

pub(crate) fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), value.parse().unwrap())
    };
    fields.iter().map(field).collect()
}

// === impl Rig ===

impl Rig {
    /// A request for `target` that legacy answered so.
    pub(crate) fn exchange(&self, target: &str, response: Option<ResponseCopy>) -> Exchange {
        let trace_id = self.traces.fetch_add(1, Ordering::Relaxed);
        let mut reserved = self.budget.reserve(0).unwrap();
        let body = response.as_ref().map(|response| &response.body);
        if let Some(Copied::Whole(body)) = body {
            reserved.grow(body.len() as u64).unwrap();
        }
        Exchange {
            table: Arc::clone(&self.table),
            route: 0,
            subject: trace_id,
            served: Side::Legacy,
            candidate: Side::New,
            request: RequestCopy {
                method: self.table.routes[0].spec.endpoint.methods[0].clone(),
                target: target.into(),
                headers: headers(&[("host", "monolith.example")]),
                body: Bytes::new(),
            },
            response,
            trace: TraceIds { trace_id: trace_id.into(), span_id: 7 },
            trace_flags: 2,
            copy_trace_id: u128::from(trace_id) << 64 | 0xc0,
            is_traced: false,
            held: None,
            at: SystemTime::now(),
            duration: Duration::from_millis(1),
            reserved,
        }
    }

    pub(crate) fn take(&self, exchange: Exchange) {
        self.copies.take(exchange);
    }

    /// The next comparison.
    pub(crate) async fn record(&mut self) -> Record {
        tokio::time::timeout(PATIENCE, self.records.recv()).await.unwrap().unwrap()
    }

    /// Takes one exchange and gives its comparison.
    pub(crate) async fn compared(&mut self, exchange: Exchange) -> Record {
        self.take(exchange);
        self.record().await
    }

    pub(crate) fn accounting(&self) -> Accounting {
        self.handle.accounting("read").unwrap()
    }

    pub(crate) fn report(&self) -> RouteReport {
        self.handle.report("read", 0.995).unwrap()
    }

    /// Once nothing is under way, held to the identity by every counter that there is.
    pub(crate) async fn settled(&self, eligible: u64) -> Accounting {
        until(|| self.accounting().open() == 0).await;
        let accounting = self.accounting();
        assert_eq!(accounting.eligible, eligible, "{accounting:?}");
        assert!(accounting.is_settled(), "{accounting:?}");
        // Where noise became known counters began anew.
        let parity = self.handle.snapshot("read").unwrap();
        let before = parity.history.iter().map(|epoch| epoch.counters.eligible());
        // Drops reach parity when it is looked at.
        assert_eq!(parity.counters.eligible() + before.sum::<u64>(), eligible);
        assert_eq!(self.budget.used(), 0, "bytes are still held");
        let scrape = self.scrape();
        assert_eq!(sum(&scrape, "cutover_shadow_eligible_total"), eligible);
        let dropped = sum(&scrape, "cutover_shadow_dropped_total");
        assert_eq!(sum(&scrape, "cutover_comparisons_total") + dropped, eligible);
        assert_eq!(sum(&scrape, "cutover_shadow_inflight"), 0);
        assert_eq!(sum(&scrape, "cutover_shadow_queue_bytes"), 0);
        accounting
    }

    pub(crate) fn scrape(&self) -> String {
        cutover_telemetry::metrics::encode(&self.registry)
    }

    /// Ends it all; afterwards nothing may be open.
    pub(crate) async fn shutdown(&self, within: Duration) -> Accounting {
        let ended = self.handle.shutdown(within);
        tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
        let accounting = self.accounting();
        assert!(accounting.is_settled(), "{accounting:?}");
        accounting
    }
}

/// Waits for a state, not for a time.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            look.tick().await;
        }
    });
    waited.await.expect("it never came to be");
}

/// The sum of a metric's series.
pub(crate) fn sum(scrape: &str, name: &str) -> u64 {
    let series = scrape
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let value = |line: &str| -> u64 {
        // An exemplar stands behind the value.
        let value = line.split(" # ").next().unwrap_or(line);
        value.rsplit(' ').next().unwrap().parse().unwrap()
    };
    series.map(value).sum()
}
