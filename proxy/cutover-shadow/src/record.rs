//! What a recorder is told of each comparison.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use cutover_domain::{
    Side,
    compare::Difference,
    exchange::TraceIds,
    parity::{Class, Judgement, Place, Shape, Verdict},
};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{judge::Asked, route::Route};

/// Records that may wait for their reader.
const RECORDS_MAX: usize = 1_024;

/// One comparison. Paths, kinds and shapes; never a value.
#[derive(Clone, Debug)]
pub struct Record {
    /// The route's id.
    pub route: Arc<str>,
    /// Revision of the table that decided the request.
    pub revision: u64,
    /// When the live request came.
    pub at: SystemTime,
    /// The side that got the copy.
    pub candidate: Side,
    /// The live request's trace.
    pub live_trace: TraceIds,
    /// The copy's own trace, and the span that it was sent with.
    pub copy_trace: TraceIds,
    /// What it came to.
    pub verdict: Verdict,
    /// How the answers differed, sorted by path and kind; empty if they could not be compared.
    pub differences: Vec<Difference>,
    /// The class of each difference, in their order.
    pub classes: Vec<Class>,
    /// Paths that became a regression by this request.
    pub regressed: Vec<Place>,
    /// Legacy's second answer took part.
    pub is_paired: bool,
    /// The request's shape.
    pub shape: Shape,
    /// How long the live request took, its client included.
    pub live_duration: Duration,
    /// How long the copy took; `None`: there was no answer.
    pub copy_duration: Option<Duration>,
}

/// The way to whoever records; never waits.
#[derive(Debug)]
pub(crate) struct Records {
    sender: mpsc::Sender<Record>,
    receiver: Mutex<Option<mpsc::Receiver<Record>>>,
    has_reader: AtomicBool,
    dropped: Counter,
}

// === impl Record ===

impl Record {
    pub(crate) fn new(
        route: &Route,
        asked: &Asked,
        differences: &[Difference],
        judgement: &Judgement,
        is_paired: bool,
        shape: Shape,
    ) -> Record {
        let exchange = &asked.exchange;
        Record {
            route: Arc::clone(&route.id),
            revision: exchange.table.revision,
            at: exchange.at,
            candidate: exchange.candidate,
            live_trace: exchange.trace,
            copy_trace: asked.traced.ids(),
            verdict: judgement.verdict,
            differences: differences.to_vec(),
            classes: judgement.classes.clone(),
            regressed: judgement.regressed.clone(),
            is_paired,
            shape,
            live_duration: exchange.duration,
            copy_duration: asked.reply.as_ref().ok().map(|reply| reply.duration),
        }
    }
}

// === impl Records ===

impl Records {
    pub(crate) fn new(dropped: Counter) -> Records {
        let (sender, receiver) = mpsc::channel(RECORDS_MAX);
        let receiver = Mutex::new(Some(receiver));
        Records { sender, receiver, has_reader: AtomicBool::new(false), dropped }
    }

    /// The reader's end; there is one.
    pub(crate) fn reader(&self) -> Option<mpsc::Receiver<Record>> {
        let receiver = self.receiver.lock().take();
        self.has_reader.fetch_or(receiver.is_some(), Ordering::Relaxed);
        receiver
    }

    /// Sends a record if somebody reads; if there is no room, counts it.
    pub(crate) fn offer(&self, record: impl FnOnce() -> Record) {
        if !self.has_reader.load(Ordering::Relaxed) {
            return;
        }
        match self.sender.try_reserve() {
            Ok(place) => place.send(record()),
            Err(TrySendError::Full(())) => {
                self.dropped.inc();
            }
            // Whoever read has left: nothing is missed.
            Err(TrySendError::Closed(())) => {}
        }
    }
}

#[cfg(test)]
mod tests;
