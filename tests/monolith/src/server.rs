//! Listening, connections and the end of both.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::access_log::AccessLog;
use crate::app::{self, App};
use crate::clock::Clock;
use crate::db::{Db, Seed};
use crate::events::Feed;
use crate::faults::{self, Fault, Faults};
use crate::session::Sessions;
use crate::telemetry::{Receiver, Telemetry};
use crate::wire::{CutSwitch, Wire};

/// Connections at once; the next one waits in the backlog.
const CONNECTIONS_MAX: usize = 10_000;
/// For a head, and for an idle kept-alive connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Event streams and WebSockets at once.
const STREAMS_MAX: usize = 1000;
const HEADERS_MAX: usize = 200;
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// What requests under way get at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How to run the monolith. [`Config::new`] suits tests.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The database file, made when absent.
    pub db: PathBuf,
    /// Planted when the database has no user.
    pub seed: Seed,
    /// The clock of writes, sessions and events. The access log always uses the machine's.
    pub clock: Clock,
    /// File to append one line per request to; `None` keeps no log.
    pub access_log: Option<PathBuf>,
    /// File with the HMAC key of the session cookie, made when absent; `None` draws one for the process.
    pub session_key_file: Option<PathBuf>,
    /// Where the fault switch listens, a loopback address; `None` has no such listener.
    pub control: Option<SocketAddr>,
    /// Where a span for each request is sent; `None` makes no spans.
    pub otlp: Option<Receiver>,
}

impl Config {
    /// A free loopback port, the demo seed, the system clock, no files but the database `db`.
    pub fn new(db: impl Into<PathBuf>) -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            db: db.into(),
            seed: Seed::Demo { extra_devices: 0 },
            clock: Clock::System,
            access_log: None,
            session_key_file: None,
            control: None,
            otlp: None,
        }
    }
}

/// A running monolith. Dropping it ends it at once; [`Monolith::stop`] lets requests finish.
pub struct Monolith {
    addr: SocketAddr,
    control_addr: Option<SocketAddr>,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    control: Option<JoinHandle<()>>,
}

impl Monolith {
    /// Opens the database and listens. Once this returns, connections are accepted.
    ///
    /// Errors name the address or file that could not be used.
    pub async fn start(config: Config) -> anyhow::Result<Monolith> {
        let listener = bind(config.listen).await?;
        let control = open_control(config.control).await?;
        let access_log = config.access_log.as_deref().map(AccessLog::open).transpose()?;
        let telemetry = config.otlp.as_ref().map(Telemetry::start).transpose()?;
        let (stop, stopped) = watch::channel(false);
        let app = Arc::new(App {
            db: Db::open(&config.db, config.seed).await?,
            clock: config.clock,
            sessions: Sessions::open(config.session_key_file.as_deref())?,
            access_log: access_log.unwrap_or_default(),
            telemetry: telemetry.unwrap_or_default(),
            feed: Feed::default(),
            faults: Faults::default(),
            stream_slots: Arc::new(Semaphore::new(STREAMS_MAX)),
            stopped,
        });
        let addr = listener.local_addr()?;
        let control_addr = control.as_ref().map(TcpListener::local_addr).transpose()?;
        let serving = tokio::spawn(serve(listener, Arc::clone(&app)));
        let control =
            control.map(|listener| tokio::spawn(serve_control(listener, Arc::clone(&app))));
        Ok(Monolith { addr, control_addr, app, stop, serving, control })
    }

    /// Where the fault switch listens.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_addr
    }

    /// Replaces all faults; an empty list heals. Errors say which fault is wrong, and why.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        self.app.faults.set(faults)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting, gives requests under way up to 5 s, closes database and access log, and
    /// sends the last spans for up to 2 s.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.serving).await {
            tracing::error!(%error, "the accept loop failed");
        }
        self.app.db.close().await;
        self.app.access_log.close();
        self.app.telemetry.shutdown().await;
    }
}

impl Drop for Monolith {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.serving.abort();
        self.control.iter().for_each(JoinHandle::abort);
    }
}

/// Writes `addr`'s port for whoever started us, whole or not at all.
pub fn write_port(path: &Path, addr: SocketAddr) -> anyhow::Result<()> {
    let whole = path.with_extension("part");
    std::fs::write(&whole, format!("{}\n", addr.port()))
        .and_then(|()| std::fs::rename(&whole, path))
        .with_context(|| format!("cannot write the port file {}", path.display()))
}

async fn bind(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))
}

async fn open_control(addr: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(addr) = addr else { return Ok(None) };
    anyhow::ensure!(
        addr.ip().is_loopback(),
        "the fault switch has no password and must listen on loopback, not on {addr}: use 127.0.0.1:0"
    );
    bind(addr).await.map(Some)
}

async fn serve_control(listener: TcpListener, app: Arc<App>) {
    if let Err(error) = axum::serve(listener, faults::router(app)).await {
        tracing::error!(%error, "the fault switch ended");
    }
}

async fn serve(listener: TcpListener, app: Arc<App>) {
    let mut stopped = app.stopped.clone();
    let router = app::router(Arc::clone(&app));
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection = converse(stream, Arc::clone(&app), router.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; waiting a little");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            () = told_to_stop(&mut stopped) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// Ends when the monolith is to stop, or is gone.
pub(crate) async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}

async fn converse(stream: TcpStream, app: Arc<App>, router: Router) {
    let mut stopped = app.stopped.clone();
    let _ = stream.set_nodelay(true);
    let switch = Arc::new(CutSwitch::default());
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&switch)));
    let service = service_fn(move |request| {
        app::answer(Arc::clone(&app), router.clone(), Arc::clone(&switch), request)
    });
    let connection = http1::Builder::new()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(wire, service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection ended early");
    }
}
