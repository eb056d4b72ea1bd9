//! Writes decisions to the store, in the order in which they were taken.
//!
//! What gates know is in memory, so a store that is away costs the keeping only: decisions wait,
//! and beyond [`super::RECORDS_MAX`] they are dropped and counted.

use std::{sync::atomic::Ordering, time::Duration};

use cutover_store::{DECISION_BYTES_MAX, DecisionError, NewDecision};
use tokio::{sync::mpsc, time::timeout};

use super::Gates;
use crate::controller::Controller;

/// Decisions written at once: a small transaction, since revisions wait for it.
const BATCH_MAX: usize = 32;
/// How long one transaction may take.
const WITHIN: Duration = Duration::from_secs(3);
/// How long to wait before the store is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Writes until the last sender is gone.
pub(super) async fn run(
    gates: Gates,
    controller: Controller,
    mut inbox: mpsc::Receiver<NewDecision>,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {
        while !write(&gates, &controller, &mut batch).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether `batch` is dealt with, and empty.
async fn write(gates: &Gates, controller: &Controller, batch: &mut Vec<NewDecision>) -> bool {
    let Ok(store) = controller.store() else { return false };
    let decisions = batch.clone();
    let known = gates.anchor();
    // A task of its own: giving up on it must not cancel SQLite halfway through a commit.
    let appending = tokio::spawn(async move { store.append(&decisions, known).await });
    match timeout(WITHIN, appending).await {
        Ok(Ok(Ok(appended))) => gates.keep(appended),
        Ok(Ok(Err(DecisionError::TooLong { route, bytes }))) => {
            tracing::error!(route, bytes, "a decision is too long to be recorded");
            gates.0.metrics.dropped();
            let before = batch.len();
            batch.retain(|decision| decision.document.len() <= DECISION_BYTES_MAX);
            gates.0.unwritten.fetch_sub(before - batch.len(), Ordering::Relaxed);
            return batch.is_empty();
        }
        Ok(Ok(Err(DecisionError::Fault(fault)))) => {
            tracing::debug!(code = fault.code(), error = %fault, "decisions wait for the store");
            return false;
        }
        // It may have been written all the same: twice is better than never.
        Ok(Err(_)) | Err(_) => return false,
    }
    gates.0.unwritten.fetch_sub(batch.len(), Ordering::Relaxed);
    batch.clear();
    true
}
