//! The chassis: sockets, worker threads, draining, and the end of the process. pingora's only
//! home.
//!
//! Each worker is a pingora service with a thread and a single-threaded runtime of its own, so
//! that a connection, its requests and its upstream connections never leave one thread. The
//! accept loop is ours: pingora's has no limit before the TLS handshake, a fixed 60 s for it, and
//! reads into 64 KiB a connection. pingora's grace period always sleeps in full; ours ends as
//! soon as the last connection has: the signal that pingora waits for is only given then.

mod accept;
mod hand_over;
mod presence;

use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::{
    server::{
        ListenFds, RunArgs, Server, ShutdownSignal, ShutdownSignalWatch, ShutdownWatch,
        configuration::ServerConf,
    },
    services::Service,
};
use tokio::sync::{Mutex, mpsc, oneshot};

pub use self::hand_over::{HandOverError, Inherited};
pub(crate) use self::{
    accept::{Accepted, Connections},
    presence::{Presence, Presences, Stage},
};
use crate::listener::Listener;

/// What the process is told to do about its end.
pub(crate) enum Command {
    /// Stop accepting, finish what is in flight, end.
    Drain,
    /// As [`Command::Drain`], without waiting any longer.
    Stop,
    /// Give the listening sockets to the process waiting at this path; once it serves, drain.
    HandOver(std::path::PathBuf, oneshot::Sender<Result<(), HandOverError>>),
}

/// Runs `connections` on `workers` threads until told to end. Blocks; not to be called from
/// within a runtime.
pub(crate) fn run<C: Connections>(
    connections: Arc<C>,
    listeners: Vec<Arc<Listener>>,
    presences: Arc<Presences>,
    workers: usize,
    commands: mpsc::Receiver<Command>,
) {
    let conf = ServerConf {
        threads: 1,
        work_stealing: false,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    for number in 0..workers.max(1) {
        server.add_service(Worker {
            name: format!("http-{number}"),
            connections: Arc::clone(&connections),
            listeners: listeners.clone(),
            presences: Arc::clone(&presences),
        });
    }
    let end = End { commands: Mutex::new(commands), connections, listeners, presences };
    server.run(RunArgs { shutdown_signal: Box::new(end) });
}

struct Worker<C> {
    name: String,
    connections: Arc<C>,
    listeners: Vec<Arc<Listener>>,
    presences: Arc<Presences>,
}

#[async_trait]
impl<C: Connections> Service for Worker<C> {
    async fn start_service(&mut self, _: Option<ListenFds>, _: ShutdownWatch, _: usize) {
        let accepting = self.listeners.iter().map(|listener| {
            accept::accept(
                Arc::clone(&self.connections),
                Arc::clone(listener),
                Arc::clone(&self.presences),
            )
        });
        for listener in accepting {
            tokio::spawn(listener);
        }
        let housekeeping = self.connections.housekeeping();
        tokio::select! {
            () = housekeeping => {}
            () = self.presences.wait_for(Stage::Cut) => {}
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }
}

/// Tells pingora to end, but only once that costs no one a request.
struct End<C> {
    connections: Arc<C>,
    commands: Mutex<mpsc::Receiver<Command>>,
    listeners: Vec<Arc<Listener>>,
    presences: Arc<Presences>,
}

#[async_trait]
impl<C: Connections> ShutdownSignalWatch for End<C> {
    async fn recv(&self) -> ShutdownSignal {
        let mut commands = self.commands.lock().await;
        loop {
            match commands.recv().await {
                Some(Command::HandOver(path, reply)) => {
                    let handed = self.hand_over(path).await;
                    let is_done = handed.is_ok();
                    let _ = reply.send(handed);
                    if is_done {
                        self.stop_accepting(false);
                        break;
                    }
                }
                Some(Command::Drain) => {
                    self.stop_accepting(true);
                    break;
                }
                Some(Command::Stop) | None => return ShutdownSignal::FastShutdown,
            }
        }
        tokio::select! {
            () = self.presences.emptied() => {}
            () = stopped(&mut commands) => {}
            () = tokio::time::sleep(self.connections.drain()) => {
                let open = self.presences.open();
                tracing::warn!(open, "the drain took too long: what is left is cut");
            }
        }
        self.presences.cut();
        ShutdownSignal::FastShutdown
    }
}

/// A second word ends a drain at once.
async fn stopped(commands: &mut mpsc::Receiver<Command>) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Stop => return,
            Command::Drain => {}
            Command::HandOver(_, reply) => {
                let _ = reply.send(Err(HandOverError::Draining));
            }
        }
    }
}

// === impl End ===

impl<C: Connections> End<C> {
    /// `empties_backlog`: nobody else listens on these sockets.
    fn stop_accepting(&self, empties_backlog: bool) {
        for listener in &self.listeners {
            listener.close();
        }
        self.presences.stop_accepting(empties_backlog);
    }

    async fn hand_over(&self, path: std::path::PathBuf) -> Result<(), HandOverError> {
        let listeners = self.listeners.clone();
        let sent = tokio::task::spawn_blocking(move || hand_over::send(&path, &listeners));
        sent.await.unwrap_or(Err(HandOverError::Interrupted))
    }
}
