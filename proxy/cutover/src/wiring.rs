//! The whole process, top to bottom: configuration → telemetry → control plane → copies, and what
//! is kept of them → data plane → admin API → watchers, then serving until told to end, then the
//! way back.
//!
//! Two channels make the ring: the control plane publishes route tables on a `watch`, the data
//! plane reports what it has in force on another. No request ever waits for either.
//!
//! The data plane has threads of its own and blocks the calling one; everything else runs on a
//! small runtime beside it.

mod comparisons;
mod failure;
mod lifecycle;
mod loader;
mod numbers;
mod recorder;
mod runbooks;
mod telling;
mod traces;
mod watching;

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cutover_control::{
    AdminConfig, AdminError, AdminParts, AdminServer, AdminTlsFiles, Comparisons, ControlConfig,
    Controller, Evaluator, EvaluatorParts, Lifecycle, Loaded, system_clock,
};
use cutover_domain::{RouteTable, exchange::Copies};
use cutover_gateway::{Gateway, GatewayHandle, Inherited};
use cutover_shadow::ShadowHandle;
use sd_notify::NotifyState;
use tokio::{
    runtime::Runtime,
    sync::{oneshot, watch},
};

pub use self::failure::StartError;
use self::{
    comparisons::Compared,
    lifecycle::{Ending, notify},
    loader::FileLoader,
    recorder::{Recorder, RecorderParts, Terms},
    telling::Telling,
};
use crate::config::{Config, Environment, shown};

/// How long a process started with `--upgrade` waits to be given the sockets.
const UPGRADE_PATIENCE: Duration = Duration::from_secs(60);
/// Threads beside the data plane's.
const CONTROL_THREADS: usize = 2;
/// How long copies under way at the end may take to be compared.
const SHADOW_SHUTDOWN: Duration = Duration::from_secs(1);
/// How long telemetry may take to send its last.
const TELEMETRY_SHUTDOWN: Duration = Duration::from_secs(2);

/// Runs the proxy until it is told to end. Blocks.
///
/// `upgrade`: take the listening sockets from the process that runs now. When it fails, nothing
/// listens and, with `upgrade`, the process before goes on serving.
pub fn run(config: Config, environment: Environment, upgrade: bool) -> Result<(), StartError> {
    let telling = Telling::start(&config)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %shown(&config.path),
        routes = config.declaration.routes.len(),
        upgrade,
        "starting"
    );
    let served = serve(&config, environment, upgrade, &telling);
    if let Err(error) = &served {
        tracing::error!(code = error.code(), error = %error.chain(), "not started");
    }
    telling.end(TELEMETRY_SHUTDOWN);
    served
}

fn serve(
    config: &Config,
    environment: Environment,
    upgrade: bool,
    telling: &Telling,
) -> Result<(), StartError> {
    let runtime = runtime()?;
    // Sockets come first: whatever fails after them leaves the process before serving.
    let mut inherited =
        upgrade.then(|| Inherited::receive(&config.upgrade_sock, UPGRADE_PATIENCE)).transpose()?;

    if !upgrade {
        check_ports(config)?;
    }
    let loader = Arc::new(FileLoader::new(config, environment));
    // Looked at before it is read, so that no change falls between.
    let seen = watching::Seen::now(&loader);
    let (loaded, config) = loader.first().map_err(StartError::Config)?;
    let config = &*config;
    let controller = runtime.block_on(control(config, loaded, &loader, telling))?;

    let admin = match upgrade {
        // The process before still has the port; it lets go once this one serves.
        true => None,
        false => Some(runtime.block_on(AdminServer::bind(admin_config(config)))?),
    };
    let table = controller.tables().borrow().clone();
    let shadow = shadow(config, telling);
    // Before any copy is taken, so that counters go on where they were.
    let recorder = shadow.clone().map(|shadow| {
        let parts = recorder_parts(shadow, config, &controller, telling, upgrade);
        runtime.block_on(Recorder::start(parts))
    });
    let copies = shadow.clone().map(|shadow| Arc::new(shadow) as Arc<dyn Copies>);
    let mut gateway = Gateway::start(
        config.settings.clone(),
        table,
        telling.for_gateway(),
        copies,
        inherited.as_mut(),
    )?;
    if let Some(journeys) = gateway.journeys() {
        runtime.spawn(journeys.run());
    }
    let handle = gateway.handle();
    loader.attach(handle.clone(), controller.tables());

    let lifecycle = Lifecycle::default();
    lifecycle.set_listening(true);
    let (applied, parts) = parts(&controller, &handle, shadow.as_ref(), telling, &lifecycle);
    let evaluator = evaluator(&runtime, &parts);
    runtime.spawn(follow_tables(controller.clone(), handle.clone(), shadow.clone()));
    runtime.spawn(report_applied(handle.clone(), applied));
    let (stop_admin, admin_stopped) = oneshot::channel();
    let admin_config = admin_config(config);
    let admin_task =
        runtime.spawn(serve_admin(admin, admin_config, parts, loader.clone(), async {
            let _ = admin_stopped.await;
        }));
    let watchers = [
        runtime.spawn(watching::files(controller.clone(), loader.clone(), seen)),
        runtime.spawn(watching::legacy_all(controller.clone(), config.legacy_all.clone())),
    ];
    let handed_over = Arc::new(AtomicBool::new(false));
    runtime.spawn(lifecycle::signals(Ending {
        handle: handle.clone(),
        controller: controller.clone(),
        lifecycle: lifecycle.clone(),
        upgrade_sock: config.upgrade_sock.clone(),
        stop_admin: Some(stop_admin),
        watchers: watchers
            .iter()
            .map(|watcher| watcher.abort_handle())
            .chain([evaluator.abort_handle()])
            .collect(),
        handed_over: handed_over.clone(),
        recorder: recorder.as_ref().map(Recorder::hand_over),
    }));

    for address in handle.addresses() {
        tracing::info!(%address, "listening");
    }
    runtime.spawn(async move {
        if let Some(inherited) = inherited
            && let Err(error) = inherited.serving()
        {
            tracing::warn!(%error, "the process before could not be told that this one serves");
        }
        // After a hand-over the service manager has to be told whom it watches now.
        notify(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready]);
        tracing::info!("ready");
    });
    gateway.run();

    tracing::info!("drained");
    runtime.block_on(async {
        // Nothing more is copied; what is under way still comes to its count.
        if let Some(shadow) = &shadow {
            shadow.shutdown(SHADOW_SHUTDOWN).await;
        }
        if let Some(recorder) = recorder {
            recorder.end().await;
        }
        let _ = tokio::time::timeout(Duration::from_secs(6), admin_task).await;
        evaluator.end().await;
        // The state on disk belongs to the process that serves.
        if !handed_over.load(Ordering::Relaxed) {
            controller.stop().await;
        }
    });
    Ok(())
}

/// A port in use ends the process before it touches the store: most often a second process was
/// started by mistake, and the first one must not notice.
fn check_ports(config: &Config) -> Result<(), StartError> {
    let listen = config.admin.listen;
    TcpListener::bind(listen).map_err(|source| AdminError::Listen { listen, source })?;
    for address in config.settings.listeners.iter().map(|listener| listener.address) {
        TcpListener::bind(address)
            .map_err(|source| cutover_gateway::StartError::Listen { address, source })?;
    }
    Ok(())
}

fn runtime() -> Result<Runtime, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(StartError::Runtime)
}

/// What compares both sides. Users are served without it, too.
fn shadow(config: &Config, telling: &Telling) -> Option<ShadowHandle> {
    let (budget, metrics, tracer) = telling.for_shadow();
    cutover_shadow::start(shadow_config(config), budget, metrics, tracer)
        .inspect_err(|error| tracing::error!(%error, "nothing is copied or compared"))
        .ok()
}

/// Samples outlive the process, and with them the key of their hashes. There is one also where
/// nothing is compared yet: the next change of the files may want it.
fn shadow_config(config: &Config) -> cutover_shadow::Config {
    let key = config.store.state_file.with_file_name("cutover-redaction.key");
    let redaction_key = cutover_shadow::Config::redaction_key_file(&key);
    cutover_shadow::Config { redaction_key, ..cutover_shadow::Config::default() }
}

fn recorder_parts(
    shadow: ShadowHandle,
    config: &Config,
    controller: &Controller,
    telling: &Telling,
    takes_over: bool,
) -> RecorderParts {
    RecorderParts {
        shadow,
        tables: controller.tables(),
        store_url: config.store.url.clone(),
        metrics: telling.recorder_metrics(),
        clock: system_clock(),
        takes_over,
        terms: Terms::default(),
    }
}

/// The control plane, with a first table published and a token written. Where the store cannot be
/// opened and there is no last good state, this is where the process ends: before it listens.
async fn control(
    config: &Config,
    loaded: Loaded,
    loader: &Arc<FileLoader>,
    telling: &Telling,
) -> Result<Controller, StartError> {
    let control = ControlConfig {
        store_url: config.store.url.clone(),
        state_file: config.store.state_file.clone(),
        token_file: config.admin.token_file.clone(),
        legacy_all: config.legacy_all.exists(),
    };
    let metrics = telling.control_metrics();
    let controller =
        Controller::start(control, loaded, loader.clone(), metrics, system_clock()).await?;
    Ok(controller)
}

fn admin_config(config: &Config) -> AdminConfig {
    let tls = config.admin.tls.clone();
    AdminConfig {
        tls: tls.map(|(cert, key)| AdminTlsFiles { cert, key }),
        hosts: config.admin.hosts.clone(),
        ..AdminConfig::new(config.admin.listen)
    }
}

fn parts(
    controller: &Controller,
    handle: &GatewayHandle,
    shadow: Option<&ShadowHandle>,
    telling: &Telling,
    lifecycle: &Lifecycle,
) -> (watch::Sender<cutover_control::Applied>, AdminParts) {
    let now = handle.applied().borrow().revision;
    let first = cutover_control::Applied { revision: now, at: Instant::now() };
    let (sender, applied) = watch::channel(first);
    let comparisons =
        shadow.map(|shadow| Arc::new(Compared(shadow.clone())) as Arc<dyn Comparisons>);
    let parts = AdminParts {
        controller: controller.clone(),
        applied,
        live: Arc::new(numbers::Numbers(handle.clone())),
        comparisons,
        gates: telling.for_gates(),
        metrics: telling.exposition(),
        lifecycle: lifecycle.clone(),
        runbooks: runbooks::runbooks(),
        traces: telling.traces(),
    };
    (sender, parts)
}

/// What looks at every route by its gates, and moves it.
fn evaluator(runtime: &Runtime, parts: &AdminParts) -> Evaluator {
    let _within = runtime.enter();
    Evaluator::start(EvaluatorParts {
        controller: parts.controller.clone(),
        live: parts.live.clone(),
        comparisons: parts.comparisons.clone(),
        gates: parts.gates.clone(),
    })
}

/// Control plane → data plane.
async fn follow_tables(
    controller: Controller,
    handle: GatewayHandle,
    shadow: Option<ShadowHandle>,
) {
    let mut tables = controller.tables();
    loop {
        let table = tables.borrow_and_update().clone();
        if let Some(shadow) = &shadow {
            // The newest table there is at that moment: a newer one may be in force already.
            shadow.retain_routes(|id| is_compared(&controller.tables().borrow(), id));
        }
        // A table that only goes with new settings is put in force together with them, by the
        // loader; so this is not the last word.
        if let Err(error) = handle.publish(table) {
            tracing::debug!(%error, "the table waits for its settings");
        }
        if tables.changed().await.is_err() {
            return;
        }
    }
}

fn is_compared(table: &RouteTable, id: &str) -> bool {
    table.routes.iter().any(|route| route.spec.id == id && route.spec.shadow.is_some())
}

/// Data plane → control plane.
async fn report_applied(handle: GatewayHandle, report: watch::Sender<cutover_control::Applied>) {
    let mut applied = handle.applied();
    loop {
        let now = *applied.borrow_and_update();
        // The data plane tells the time of day, the control plane measures.
        let ago = now.at.elapsed().unwrap_or_default();
        let at = Instant::now();
        let at = at.checked_sub(ago).unwrap_or(at);
        report.send_replace(cutover_control::Applied { revision: now.revision, at });
        if applied.changed().await.is_err() {
            return;
        }
    }
}

/// The admin API; after a hand-over it is opened as soon as the process before lets go.
async fn serve_admin(
    server: Option<AdminServer>,
    config: AdminConfig,
    parts: AdminParts,
    loader: Arc<FileLoader>,
    stopped: impl Future<Output = ()> + Send,
) {
    tokio::pin!(stopped);
    let server = match server {
        Some(server) => server,
        None => tokio::select! {
            server = bind_again(&config) => server,
            () = &mut stopped => return,
        },
    };
    tracing::info!(address = %server.local_addr(), "admin API");
    loader.attach_admin(server.tls());
    server.serve(parts, stopped).await;
}

async fn bind_again(config: &AdminConfig) -> AdminServer {
    let mut tries = 0_u32;
    loop {
        match AdminServer::bind(config.clone()).await {
            Ok(server) => return server,
            Err(error) => {
                // Quiet for two seconds, which a hand-over may take; then once every ten.
                if tries >= 40 && tries % 200 == 40 {
                    tracing::error!(error = %error, hint = error.hint(), "no admin API yet");
                }
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
