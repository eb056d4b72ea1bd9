//! Writes decisions to the store, in the order in which they were taken.
//!
//! What gates know is in memory, so a store that is away costs the keeping only: decisions wait,
//! and beyond [`super::RECORDS_MAX`] they are dropped and counted.

use std::{sync::atomic::Ordering, time::Duration};

use cutover_store::{Anchor, Appended, DECISION_BYTES_MAX, DecisionError, NewDecision};
use tokio::{sync::mpsc, task::JoinHandle};

use super::Gates;
use crate::controller::Controller;

/// Decisions written at once: a small transaction, since revisions wait for it.
const BATCH_MAX: usize = 32;
/// How long to wait before the store is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// One transaction under way. A task of its own: whoever waits for it may end, which must not
/// cancel SQLite halfway through a commit.
type Appending = JoinHandle<Result<Appended, DecisionError>>;

/// Writes until the last sender is gone.
pub(super) async fn run(gates: Gates, controller: Controller, inbox: mpsc::Receiver<NewDecision>) {
    let append = |decisions: Vec<NewDecision>, known| -> Option<Appending> {
        let store = controller.store().ok()?;
        Some(tokio::spawn(async move { store.append(&decisions, known).await }))
    };
    write_on(&gates, append, inbox).await;
}

/// Writes by `append`, which gives `None` while the store is away.
async fn write_on(
    gates: &Gates,
    append: impl Fn(Vec<NewDecision>, Option<Anchor>) -> Option<Appending>,
    mut inbox: mpsc::Receiver<NewDecision>,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {
        while !write(gates, append(batch.clone(), gates.anchor()), &mut batch).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether `batch` is dealt with, and empty. A store that takes its time is waited for: asking it
/// again would have the same records written twice.
async fn write(gates: &Gates, appending: Option<Appending>, batch: &mut Vec<NewDecision>) -> bool {
    let Some(appending) = appending else { return false };
    match appending.await {
        Ok(Ok(appended)) => gates.keep(appended),
        Ok(Err(DecisionError::TooLong { route, bytes })) => {
            tracing::error!(route, bytes, "a decision is too long to be recorded");
            gates.0.metrics.dropped();
            let before = batch.len();
            batch.retain(|decision| decision.document.len() <= DECISION_BYTES_MAX);
            gates.0.unwritten.fetch_sub(before - batch.len(), Ordering::Relaxed);
            return batch.is_empty();
        }
        Ok(Err(DecisionError::Fault(fault))) => {
            tracing::debug!(code = fault.code(), error = %fault, "decisions wait for the store");
            return false;
        }
        // It may have been written all the same: twice is better than never.
        Err(_) => return false,
    }
    gates.0.unwritten.fetch_sub(batch.len(), Ordering::Relaxed);
    batch.clear();
    true
}

#[cfg(test)]
mod tests;
