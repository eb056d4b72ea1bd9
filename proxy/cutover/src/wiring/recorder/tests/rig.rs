//! A store, and processes that compare and keep.

use std::convert::Infallible;

use bytes::Bytes;
use cutover_domain::{
    Declaration, EndpointMatch, Exchange, Group, Percent, Phase, RouteSpec, RouteState, Scheme,
    ShadowSpec, Side, Target, Timeouts, Upstream, UpstreamTls, WriteClass,
    compare::{Action, Kinds, Rule, Rules},
    exchange::{
        BUDGET_BYTES, Budget, Copied, Copies, RequestCopy, ResponseCopy, RouteCopies, TraceIds,
    },
};
use cutover_shadow::{RouteReport, Sample, ShadowMetrics};
use cutover_store::{FlushError, RouteChange};
use cutover_telemetry::{copies::CopyTracer, sampling::Sampler};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the candidate answers.
const SAME: &str = r#"{"name":"a"}"#;
/// What legacy answers, as often as it is asked, to requests for this.
const OTHER: &str = r#"{"name":"b"}"#;
const OTHER_TARGET: &str = "/other";

/// Where a store is, and what all processes that use it see.
pub(super) struct Place {
    pub(super) dir: TempDir,
    pub(super) store: Store,
    pub(super) now_ms: Arc<AtomicU64>,
    /// Legacy's port and the candidate's.
    sides: [u16; 2],
}

/// One process.
pub(super) struct Node {
    pub(super) shadow: ShadowHandle,
    pub(super) recorder: Recorder,
    registry: Registry,
    budget: Budget,
    tables: watch::Sender<Arc<RouteTable>>,
    all: Arc<RouteTable>,
    copies: [std::sync::Mutex<Arc<dyn RouteCopies>>; 2],
    traces: AtomicU64,
}

/// Waits for a state, not for a time.
pub(super) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let waited = timeout(PATIENCE, async {
        while !is_so().await {
            look.tick().await;
        }
    });
    waited.await.expect("it never came to be");
}

/// Quick, and patient only where nothing else happens.
pub(super) fn terms() -> Terms {
    Terms {
        flush_every: Duration::from_millis(10),
        restore_within: PATIENCE,
        predecessor_within: PATIENCE,
        last_flush_within: PATIENCE,
        ..Terms::default()
    }
}

/// Every request that a parity knows of.
pub(super) fn eligible(parity: &Snapshot) -> u64 {
    let before = parity.history.iter().map(|epoch| epoch.counters.eligible());
    before.sum::<u64>() + parity.counters.eligible()
}

// === impl Place ===

impl Place {
    pub(super) async fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&url(&dir)).await.unwrap();
        // The time of day, so that what is told apart by it is as in life.
        let now_ms = Arc::new(AtomicU64::new(cutover_control::system_clock()()));
        Place { dir, store, now_ms, sides: [side(OTHER).await, side(SAME).await] }
    }

    pub(super) fn url(&self) -> String {
        url(&self.dir)
    }

    /// A process that begins where the last one ended.
    pub(super) async fn start(&self) -> Node {
        self.start_on(terms(), false, 0).await
    }

    pub(super) async fn start_with(&self, terms: Terms) -> Node {
        self.start_on(terms, false, 0).await
    }

    pub(super) async fn start_with_rules(&self, rules: usize) -> Node {
        self.start_on(terms(), false, rules).await
    }

    /// A process that takes over from one that still serves.
    pub(super) async fn take_over(&self, terms: Terms) -> Node {
        self.start_on(terms, true, 0).await
    }

    async fn start_on(&self, terms: Terms, takes_over: bool, rules: usize) -> Node {
        let table = Arc::new(table(self.sides, rules));
        let (tables, receiver) = watch::channel(Arc::clone(&table));
        let mut registry = Registry::default();
        let budget = Budget::new(BUDGET_BYTES);
        let metrics = ShadowMetrics::register(&mut registry, &budget);
        let tracer = CopyTracer::new(Sampler::default(), None);
        let shadow = cutover_shadow::start(
            cutover_shadow::Config::default(),
            budget.clone(),
            metrics,
            tracer,
        )
        .unwrap();
        let now_ms = Arc::clone(&self.now_ms);
        let parts = RecorderParts {
            shadow: shadow.clone(),
            tables: receiver,
            store_url: self.url(),
            metrics: RecorderMetrics::register(&mut registry),
            clock: Arc::new(move || now_ms.load(Ordering::Relaxed)),
            takes_over,
            terms,
        };
        let recorder = Recorder::start(parts).await;
        let copies = ["read", "other"].map(|id| std::sync::Mutex::new(shadow.of_route(id)));
        let traces = AtomicU64::new(1);
        Node { shadow, recorder, registry, budget, tables, all: table, copies, traces }
    }

    /// The store as another reader sees it.
    pub(super) async fn parity_store(&self) -> ParityStore {
        ParityStore::open(&self.url(), Bounds::default()).await.unwrap()
    }

    /// What is kept of a route, and can be used.
    pub(super) async fn kept(&self, route: &str) -> Option<Snapshot> {
        let kept = self.parity_store().await.route(route).await.unwrap();
        kept.document.and_then(|text| kept::from_text(&text).ok())
    }

    /// Waits until exactly this is kept.
    pub(super) async fn has(&self, parity: &Snapshot) {
        until(async || self.kept("read").await.as_ref() == Some(parity)).await;
    }

    /// Writes a document, as a process before may have done.
    pub(super) async fn write(&self, route: &str, document: &str) {
        let document = Some(document.to_owned());
        self.flush(RouteChange { route: route.into(), document, ..Default::default() }).await;
    }

    /// The same of clusters.
    pub(super) async fn write_clusters(
        &self,
        route: &str,
        clusters: Vec<cutover_store::ClusterChange>,
    ) {
        self.flush(RouteChange { route: route.into(), clusters, ..Default::default() }).await;
    }

    async fn flush(&self, change: RouteChange) {
        let parity = self.parity_store().await;
        let at_ms = self.now_ms.load(Ordering::Relaxed);
        let change = RouteChange { at_ms, ..change };
        let turn = parity.writer().await.unwrap().generation;
        let written: Result<(), FlushError> = parity.flush(turn, &[change]).await;
        written.unwrap();
    }
}

fn url(dir: &TempDir) -> String {
    format!("sqlite://{}", dir.path().join("cutover.db").display())
}

fn table([legacy, new]: [u16; 2], rules: usize) -> RouteTable {
    let target = Target::phase(Phase::Shadow);
    let route = |id: &str| RouteSpec {
        id: id.into(),
        group: "g".into(),
        endpoint: EndpointMatch {
            methods: vec![Method::GET],
            host: None,
            path: format!("/{id}").parse().unwrap(),
            headers: vec![],
        },
        legacy: "legacy".into(),
        new: Some("new".into()),
        writes: Some(WriteClass::Safe),
        target,
        timeouts: Timeouts::default(),
        shadow: Some(ShadowSpec { rps_max: None, noise: Percent::FULL, ..ShadowSpec::default() }),
        rules: self::rules(rules),
        objectives: Default::default(),
        gates: None,
    };
    let upstream = |name: &str, port| Upstream {
        name: name.into(),
        scheme: Scheme::Http,
        host: "127.0.0.1".into(),
        port,
        timeouts: Timeouts::default(),
        connections_max: 1_024,
        tls: UpstreamTls::default(),
    };
    let declaration = Declaration {
        upstreams: vec![upstream("legacy", legacy), upstream("new", new)],
        groups: vec![Group { id: "g".into(), ..Group::default() }],
        routes: vec![route("read"), route("other")],
        default: "legacy".into(),
        ..Declaration::default()
    };
    RouteTable::build(&declaration, 1, |_| RouteState::INITIAL.at(target, 1)).unwrap()
}

/// So many rules that touch nothing.
fn rules(count: usize) -> Rules {
    let rule = |number| Rule {
        pattern: format!("body.unknown{number}").parse().unwrap(),
        action: Action::Ignore(Kinds::UNGUARDED),
        reason: "a test".into(),
        expires: None,
    };
    Rules::new((0..count).map(rule).collect()).unwrap()
}

/// A server that answers so where both sides do not answer [`SAME`].
async fn side(other: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request: Request<Incoming>| async move {
                let is_other = request.uri().path() == OTHER_TARGET;
                let body = Full::new(Bytes::from(if is_other { other } else { SAME }));
                let answer = Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(answer.body(body).unwrap())
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

/// What was given up, for this reason.
pub(super) fn dropped(registry: &Registry, reason: &str) -> u64 {
    metric(registry, &format!("cutover_recorder_dropped_total{{reason=\"{reason}\"}}"))
}

fn metric(registry: &Registry, series: &str) -> u64 {
    let scrape = cutover_telemetry::metrics::encode(registry);
    let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{scrape}")).parse().unwrap()
}

// === impl Node ===

impl Node {
    /// Compares so many requests that both sides answered alike, and waits for the verdicts.
    pub(super) async fn compare(&self, count: u64) {
        self.take(0, count, SAME).await;
    }

    /// The same, of requests that both sides answered differently.
    pub(super) async fn differ(&self, count: u64) {
        self.take(0, count, OTHER).await;
    }

    pub(super) async fn compare_other(&self) {
        self.take(1, 1, SAME).await;
    }

    async fn take(&self, route: usize, count: u64, body: &'static str) {
        let id = ["read", "other"][route];
        let before = self.shadow.accounting(id).unwrap_or_default();
        let copies = Arc::clone(&self.copies[route].lock().unwrap());
        for _ in 0..count {
            copies.take(self.exchange(route, body));
        }
        let settled = before.eligible + count;
        until(async || {
            let now = self.shadow.accounting(id).unwrap_or_default();
            now.eligible == settled && now.is_settled()
        })
        .await;
    }

    fn exchange(&self, route: usize, body: &'static str) -> Exchange {
        let trace_id = self.traces.fetch_add(1, Ordering::Relaxed);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        Exchange {
            table: Arc::clone(&self.all),
            route,
            subject: trace_id,
            served: Side::Legacy,
            candidate: Side::New,
            request: RequestCopy {
                method: Method::GET,
                target: if body == OTHER { OTHER_TARGET } else { "/same" }.into(),
                headers: HeaderMap::new(),
                body: Bytes::new(),
            },
            response: Some(ResponseCopy {
                status: StatusCode::OK,
                headers,
                body: Copied::Whole(body.into()),
                trailers: HeaderMap::new(),
            }),
            trace: TraceIds { trace_id: trace_id.into(), span_id: 7 },
            trace_flags: 0,
            copy_trace_id: u128::from(trace_id) | 1 << 64,
            is_traced: false,
            held: None,
            at: std::time::SystemTime::now(),
            duration: Duration::from_millis(1),
            reserved: self.budget.reserve(0).unwrap(),
        }
    }

    /// A request that the gateway could not copy.
    pub(super) fn drop_one(&self) {
        self.copies[0].lock().unwrap().give_up(Dropped::OverCap);
    }

    /// As the gateway does when a table is put in force.
    pub(super) fn take_again(&self) {
        *self.copies[0].lock().unwrap() = self.shadow.of_route("read");
    }

    /// Which routes there are.
    pub(super) fn declare(&self, ids: &[&str]) {
        let mut table = (*self.all).clone();
        table.routes.retain(|route| ids.contains(&route.spec.id.as_str()));
        self.tables.send_replace(Arc::new(table));
    }

    pub(super) fn parity(&self) -> Snapshot {
        self.shadow.snapshot("read").unwrap()
    }

    /// Nothing, if nothing is known that was counted.
    pub(super) fn parity_if_any(&self) -> Option<Snapshot> {
        self.shadow.snapshot("read").filter(|parity| eligible(parity) > 0)
    }

    pub(super) fn report(&self) -> RouteReport {
        self.shadow.report("read", 0.995).unwrap()
    }

    /// Names and contents of all samples.
    pub(super) fn samples(&self) -> Vec<(String, Sample)> {
        let clusters = self.report().mismatches.clusters.into_iter();
        let ids = clusters.flat_map(|cluster| cluster.samples).map(|listed| listed.head.id);
        let sample = |id| self.shadow.sample("read", id).unwrap().expect("it is known");
        ids.map(|id| (id.to_string(), sample(id))).collect()
    }

    /// What was given up, for this reason.
    pub(super) fn dropped(&self, reason: &str) -> u64 {
        dropped(&self.registry, reason)
    }

    pub(super) fn is_up(&self) -> bool {
        metric(&self.registry, "cutover_recorder_up") == 1
    }

    /// The end, as the process comes to it.
    pub(super) async fn end(self) {
        self.end_and_scrape().await;
    }

    /// The same; gives what was counted, and how long the recorder took.
    pub(super) async fn end_and_scrape(self) -> (Registry, Duration) {
        self.shadow.shutdown(PATIENCE).await;
        let begun = Instant::now();
        timeout(PATIENCE, self.recorder.end()).await.expect("it ends");
        (self.registry, begun.elapsed())
    }
}
