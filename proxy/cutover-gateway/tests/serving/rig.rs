//! A gateway between two scripted upstreams.

mod client;
mod h2;
mod pki;
mod script;
mod taker;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use cutover_domain::{
    Declaration, EndpointMatch, Group, RouteSpec, RouteState, RouteTable, Scheme, Target, Timeouts,
    Upstream, UpstreamTls, WriteClass,
};
use cutover_gateway::{
    Gateway, GatewayHandle, GatewayMetrics, Inherited, JourneyFollower, RouteCounts, Settings,
    Telemetry,
    settings::{Limits, ListenerSettings},
};
use cutover_telemetry::{
    Tracer, Trust,
    canonical::CanonicalLog,
    export::{ExportConfig, Exporter, Resource},
    logs::{LogFormat, LogGuard},
    metrics::TelemetryMetrics,
    sampling::Sampler,
};
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;

pub(crate) use self::{
    client::Client,
    h2::{Body, H2Client, H2Upstream, Raw, body, empty, live_body, text},
    pki::Pki,
    script::{
        Behaviour, Script, Seen, answer, as_asked, closes, closes_after, cut, endless, held,
        hints_forever, interim, pauses, reads_all, records_traces, refuses, silent, websocket,
    },
    taker::Taker,
};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Rig {
    pub(crate) handle: GatewayHandle,
    pub(crate) legacy: Script,
    pub(crate) new: Script,
    pub(crate) copies: Arc<Taker>,
    pub(crate) declaration: Declaration,
    /// As it was started; to be changed and reloaded.
    pub(crate) settings: Settings,
    registry: Registry,
    revision: AtomicU64,
    thread: Option<JoinHandle<()>>,
    _follower: oneshot::Sender<()>,
    _log: LogGuard,
}

/// A gateway that takes over.
pub(crate) struct Successor {
    pub(crate) handle: mpsc::Receiver<(GatewayHandle, LogGuard)>,
    pub(crate) thread: JoinHandle<()>,
}

pub(crate) fn route(id: &str, method: &str, path: &str, writes: WriteClass) -> RouteSpec {
    RouteSpec {
        id: id.into(),
        group: "g".into(),
        endpoint: EndpointMatch {
            methods: vec![method.parse().unwrap()],
            host: None,
            path: path.parse().unwrap(),
            headers: vec![],
        },
        legacy: "legacy".into(),
        new: Some("new".into()),
        writes: Some(writes),
        target: Target::phase(cutover_domain::Phase::Legacy),
        timeouts: Timeouts { first_byte_ms: Some(700), ..Timeouts::default() },
        shadow: None,
        rules: Default::default(),
        objectives: Default::default(),
        gates: None,
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn settings(address: SocketAddr) -> Settings {
    Settings {
        listeners: vec![ListenerSettings::http(address)],
        limits: Limits { workers: 1, ..Limits::default() },
        ..Settings::default()
    }
}

fn gateway(
    settings: Settings,
    declaration: &Declaration,
    inherited: Option<&mut Inherited>,
    registry: &mut Registry,
    copies: &Arc<Taker>,
    tracer: Tracer,
) -> (Gateway, LogGuard) {
    let telemetry_metrics = TelemetryMetrics::new();
    let log = LogGuard::start(io::sink(), &telemetry_metrics).unwrap();
    let canonical = CanonicalLog::new(log.writer().clone(), LogFormat::Json, 1.0).unwrap();
    let telemetry = Telemetry { tracer, canonical, metrics: GatewayMetrics::register(registry) };
    let table = RouteTable::build(declaration, 1, |_| RouteState::INITIAL).unwrap();
    let copies = Arc::<Taker>::clone(copies) as _;
    (Gateway::start(settings, Arc::new(table), telemetry, Some(copies), inherited).unwrap(), log)
}

/// Follows journeys until what it returns is dropped.
fn follow(follower: JourneyFollower) -> oneshot::Sender<()> {
    let (sender, dropped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = follower.run() => {}
                _ = dropped => {}
            }
        });
    });
    sender
}

fn untraced() -> Tracer {
    Tracer::new(Trust::Always, Sampler::default(), None)
}

// === impl Rig ===

impl Rig {
    pub(crate) fn start(routes: &[RouteSpec], [legacy, new]: [Behaviour; 2]) -> Rig {
        Rig::with(routes, [legacy, new], |_| {})
    }

    pub(crate) fn with(
        routes: &[RouteSpec],
        upstreams: [Behaviour; 2],
        change: impl FnOnce(&mut Settings),
    ) -> Rig {
        Rig::custom(routes, upstreams, |settings, _| change(settings))
    }

    /// With settings and declaration changed before the start.
    pub(crate) fn custom(
        routes: &[RouteSpec],
        upstreams: [Behaviour; 2],
        change: impl FnOnce(&mut Settings, &mut Declaration),
    ) -> Rig {
        Rig::build(routes, upstreams, untraced(), change)
    }

    /// With spans, which wait in the exporter's queue; roots are not kept.
    pub(crate) fn traced(
        routes: &[RouteSpec],
        upstreams: [Behaviour; 2],
        trust: Trust,
    ) -> (Rig, Exporter) {
        let hour = Duration::from_secs(3600);
        let config = ExportConfig { delay: hour, ..ExportConfig::new("http://127.0.0.1:9") };
        let resource = Resource::new("cutover-proxy", "1.2.3");
        let exporter = Exporter::start(config, &resource, &TelemetryMetrics::new());
        let exporter = exporter.unwrap().expect("it has an endpoint");
        let sampler = Sampler::new(0.0).unwrap();
        let tracer = Tracer::new(trust, sampler, Some(exporter.spans().clone()));
        (Rig::build(routes, upstreams, tracer, |_, _| {}), exporter)
    }

    fn build(
        routes: &[RouteSpec],
        [legacy, new]: [Behaviour; 2],
        tracer: Tracer,
        change: impl FnOnce(&mut Settings, &mut Declaration),
    ) -> Rig {
        let (legacy, new) = (Script::start(legacy), Script::start(new));
        let upstream = |name: &str, script: &Script| Upstream {
            name: name.into(),
            scheme: Scheme::Http,
            host: script.address.ip().to_string(),
            port: script.address.port(),
            timeouts: Timeouts { first_byte_ms: Some(5000), ..Timeouts::default() },
            connections_max: 100,
            tls: UpstreamTls::default(),
        };
        let mut declaration = Declaration {
            upstreams: vec![upstream("legacy", &legacy), upstream("new", &new)],
            groups: vec![Group {
                id: "g".into(),
                subjects: vec![cutover_domain::SubjectSource::Path("id".into())],
                ..Group::default()
            }],
            routes: routes.to_vec(),
            default: "legacy".into(),
            ..Declaration::default()
        };
        let mut settings = settings(([127, 0, 0, 1], 0).into());
        change(&mut settings, &mut declaration);
        let mut registry = Registry::default();
        let copies = Taker::new();
        let (mut gateway, log) =
            gateway(settings.clone(), &declaration, None, &mut registry, &copies, tracer);
        let follower = follow(gateway.journeys().unwrap());
        let handle = gateway.handle();
        let thread = std::thread::spawn(move || gateway.run());
        let revision = AtomicU64::new(1);
        Rig {
            handle,
            legacy,
            new,
            copies,
            declaration,
            settings,
            registry,
            revision,
            thread: Some(thread),
            _follower: follower,
            _log: log,
        }
    }

    /// Starts a second gateway that takes over this one's sockets at `path`.
    pub(crate) fn successor(&self, path: &std::path::Path) -> Successor {
        let settings = settings(self.handle.addresses()[0]);
        let (path, declaration) = (path.to_owned(), self.declaration.clone());
        let (sender, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut inherited = Inherited::receive(&path, PATIENCE).unwrap();
            let (gateway, log) = gateway(
                settings,
                &declaration,
                Some(&mut inherited),
                &mut Registry::default(),
                &Taker::new(),
                untraced(),
            );
            sender.send((gateway.handle(), log)).unwrap();
            inherited.serving().unwrap();
            gateway.run();
        });
        Successor { handle, thread }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// A client by TLS, which may resume a session of `config`.
    pub(crate) fn client_tls(&self, config: &Arc<rustls::ClientConfig>) -> Client {
        Client::connect_tls(self.address(), config)
    }

    /// A client by TLS who has never been here.
    pub(crate) fn fresh_client_tls(&self, pki: &Pki, identity: Option<pki::Identity>) -> Client {
        self.client_tls(&pki.client(identity, &["http/1.1"]))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    /// Puts a route into a phase.
    pub(crate) fn put(&self, id: &str, target: Target) {
        self.put_state(id, RouteState::INITIAL.at(target, 1));
    }

    /// Puts a route into a state.
    pub(crate) fn put_state(&self, id: &str, state: RouteState) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let state = |route: &RouteSpec| match route.id == id {
            true => RouteState { revision, ..state.clone() },
            false => RouteState::INITIAL,
        };
        let table = RouteTable::build(&self.declaration, revision, state).unwrap();
        assert_eq!(self.handle.publish(Arc::new(table)).unwrap().revision, revision);
    }

    /// Declares other routes.
    pub(crate) fn declare(&self, routes: &[RouteSpec]) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let declaration = Declaration { routes: routes.to_vec(), ..self.declaration.clone() };
        let table = RouteTable::build(&declaration, revision, |_| RouteState::INITIAL).unwrap();
        self.handle.publish(Arc::new(table)).unwrap();
    }

    /// Declares the upstreams in another order, and puts every route back to legacy.
    pub(crate) fn declare_upstreams_reversed(&self) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let mut declaration = self.declaration.clone();
        declaration.upstreams.reverse();
        let table = RouteTable::build(&declaration, revision, |_| RouteState::INITIAL).unwrap();
        self.handle.publish(Arc::new(table)).unwrap();
    }

    /// All metrics as text.
    pub(crate) fn metrics(&self) -> String {
        cutover_telemetry::metrics::encode(&self.registry)
    }

    pub(crate) fn counts(&self, route: &str) -> RouteCounts {
        self.handle.counts().into_iter().find(|counts| counts.route == route).unwrap()
    }

    pub(crate) fn drain(&self) {
        block_on(self.handle.drain());
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().unwrap().is_finished()
    }

    /// Waits for a state, at most for [`PATIENCE`].
    pub(crate) fn until(&self, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "it never came to that");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        block_on(self.handle.stop());
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}
