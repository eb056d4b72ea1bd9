//! What a service owes to whoever started it: a port file, systemd's notices, an end on signals.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A port file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the port file {}", path.display())]
pub struct PortFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Writes `addr`'s port and a line end to `path`, whole or not at all.
pub fn write_port(path: &Path, addr: SocketAddr) -> Result<(), PortFileError> {
    let whole = path.with_extension("part");
    std::fs::write(&whole, format!("{}\n", addr.port()))
        .and_then(|()| std::fs::rename(&whole, path))
        .map_err(|source| PortFileError { path: path.to_owned(), source })
}

/// SIGTERM and SIGINT. Whoever tells others that it runs listens to these before.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on they no longer end the process by themselves. Needs a tokio runtime.
    pub fn listen() -> io::Result<StopSignals> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(StopSignals { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Tells systemd, when there is one.
pub(crate) fn notify_ready() {
    notify(NotifyState::Ready);
}

/// Tells systemd, when there is one.
pub(crate) fn notify_stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
