//! Writing the state file off the control plane's path: the newest state wins, older ones that
//! were not begun are skipped.

use std::{path::PathBuf, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use crate::state_file::{self, StateFileError};

/// How long a writer waits for its state to be on disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// Hands states to a task of its own.
#[derive(Debug)]
pub(crate) struct Saver {
    wanted: watch::Sender<Wanted>,
    saved: watch::Receiver<Saved>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Wanted {
    number: u64,
    text: Vec<u8>,
}

/// How far the disk has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    number: u64,
    /// Why the last attempt failed; `None`: it did not.
    pub(crate) failed: Option<String>,
}

// === impl Saver ===

impl Saver {
    pub(crate) fn start(path: PathBuf) -> Saver {
        state_file::tidy(&path);
        let (wanted, wants) = watch::channel(Wanted::default());
        let (saves, saved) = watch::channel(Saved::default());
        let task = tokio::spawn(run(path, wants, saves));
        Saver { wanted, saved, task }
    }

    /// Wants `text` on disk; returns at once, with the number to wait for.
    pub(crate) fn save(&self, text: Vec<u8>) -> u64 {
        let mut number = 0;
        self.wanted.send_modify(|wanted| {
            number = wanted.number + 1;
            *wanted = Wanted { number, text };
        });
        number
    }

    /// Follows how far the disk has come.
    pub(crate) fn saved(&self) -> watch::Receiver<Saved> {
        self.saved.clone()
    }

    /// Writes what is wanted and ends.
    pub(crate) async fn stop(self) {
        drop(self.wanted);
        let _ = self.task.await;
    }
}

/// Waits until state `number`, or a newer one, was written or failed; at most [`PATIENCE`].
pub(crate) async fn settled(mut saved: watch::Receiver<Saved>, number: u64) {
    let _ = tokio::time::timeout(PATIENCE, saved.wait_for(|saved| saved.number >= number)).await;
}

async fn run(path: PathBuf, mut wants: watch::Receiver<Wanted>, saves: watch::Sender<Saved>) {
    while wants.changed().await.is_ok() {
        let (number, text) = {
            let wanted = wants.borrow_and_update();
            (wanted.number, wanted.text.clone())
        };
        let path = path.clone();
        let written = tokio::task::spawn_blocking(move || state_file::write(&path, &text)).await;
        let failed = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(told(&error)),
            Err(_) => Some("the writer panicked".into()),
        };
        saves.send_modify(|saved| *saved = Saved { number, failed });
    }
}

fn told(error: &StateFileError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    let message = format!("{error}{}", cause.unwrap_or_default());
    tracing::error!(error = message, "the last good state was not written");
    message
}
