//! Signals, hand-over and the service manager.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cutover_control::{Controller, Lifecycle};
use cutover_gateway::GatewayHandle;
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    task::AbortHandle,
};

use super::{recorder::HandOver, watching::reload};

/// What ending takes.
pub(super) struct Ending {
    pub(super) handle: GatewayHandle,
    pub(super) controller: Controller,
    pub(super) lifecycle: Lifecycle,
    pub(super) upgrade_sock: PathBuf,
    pub(super) stop_admin: Option<oneshot::Sender<()>>,
    /// Ended at a hand-over: the files are the new process's to follow.
    pub(super) watchers: Vec<AbortHandle>,
    /// Set at a hand-over.
    pub(super) handed_over: Arc<AtomicBool>,
    /// Told of a hand-over; `None`: nothing is compared.
    pub(super) recorder: Option<HandOver>,
}

/// What the operator or the service manager wants.
#[derive(Clone, Copy, Debug)]
enum Event {
    Reload,
    HandOver,
    End,
}

/// Obeys signals until the process ends.
pub(super) async fn signals(mut ending: Ending) {
    let listen = |kind| signal(kind).inspect_err(|error| tracing::error!(%error, "no signals"));
    let (Ok(mut hup), Ok(mut quit), Ok(mut term), Ok(mut int)) = (
        listen(SignalKind::hangup()),
        listen(SignalKind::quit()),
        listen(SignalKind::terminate()),
        listen(SignalKind::interrupt()),
    ) else {
        return;
    };
    loop {
        match next(&mut hup, &mut quit, &mut term, &mut int).await {
            Event::Reload => reload(&ending.controller, "SIGHUP").await,
            Event::HandOver => ending.hand_over().await,
            Event::End => break,
        }
    }
    ending.drain().await;
    // Whoever asks a second time is in a hurry.
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::warn!("asked to end again: cutting what is in flight");
    ending.handle.stop().await;
}

async fn next(hup: &mut Signal, quit: &mut Signal, term: &mut Signal, int: &mut Signal) -> Event {
    tokio::select! {
        _ = hup.recv() => Event::Reload,
        _ = quit.recv() => Event::HandOver,
        _ = term.recv() => Event::End,
        _ = int.recv() => Event::End,
    }
}

// === impl Ending ===

impl Ending {
    async fn drain(&mut self) {
        tracing::info!(connections = self.handle.connections(), "draining");
        notify(&[NotifyState::Stopping]);
        self.lifecycle.set_draining(true);
        self.handle.drain().await;
        // Probes see the draining until the last request is through.
        let (handle, stop_admin) = (self.handle.clone(), self.stop_admin.take());
        tokio::spawn(async move {
            let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
            while handle.connections() > 0 {
                every.tick().await;
            }
            drop(stop_admin);
        });
    }

    /// Gives the sockets away; on failure nothing has changed.
    async fn hand_over(&mut self) {
        tracing::info!(socket = %self.upgrade_sock.display(), "handing over");
        match self.handle.hand_over(self.upgrade_sock.clone()).await {
            Ok(()) => {
                tracing::info!("the new process serves; draining");
                self.handed_over.store(true, Ordering::Relaxed);
                self.lifecycle.set_draining(true);
                self.watchers.iter().for_each(AbortHandle::abort);
                self.recorder.iter().for_each(HandOver::begin);
                // The new process waits for this port.
                drop(self.stop_admin.take());
            }
            Err(error) => {
                let mut text = error.to_string();
                if let Some(cause) = std::error::Error::source(&error) {
                    text.push_str(&format!(": {cause}"));
                }
                tracing::error!(error = text, "not handed over; this process goes on serving");
            }
        }
    }
}

/// Tells the service manager, if there is one.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// `RELOADING=1` needs the time it began (sd_notify(3)).
pub(super) fn reloading() -> Vec<NotifyState<'static>> {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    states
}
