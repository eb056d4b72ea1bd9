//! Gates at work: what is seen of each route is judged, done and recorded.
//!
//! [`cutover_domain::gate`] decides; here an actor looks at regular intervals, asks the controller
//! to move, and hands on what it found ([`Standings`]). It moves by compare-and-set on the revision
//! that it judged, so whoever was faster wins, and a person always may.
//!
//! It fails static: if the store is away no gate can be asked, and if this ends, nobody asks. Then
//! nothing moves by itself in either direction, and the data plane serves on.

mod document;
mod evaluator;
mod latches;
mod metrics;
mod recorder;
mod rehearsing;
mod rows;
mod sight;
mod spent;
mod standing;
mod watch;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use cutover_store::{Anchor, Appended, DecisionError, NewDecision};
use tokio::sync::{mpsc, watch as tokio_watch};

use crate::{
    controller::Controller,
    refused::{Refused, StoreDown},
};

use self::rehearsing::Rehearsing;
pub(crate) use self::{
    document::Kind,
    latches::latch_of,
    rehearsing::Turn,
    rows::{held_row, look_row, slo_rows},
};
pub use self::{
    evaluator::{Evaluator, EvaluatorParts},
    metrics::GateMetrics,
    standing::{Standing, Standings},
};

/// How the reason of a rehearsal's moves begins: what a dead process left there is brought back.
pub(crate) const REHEARSAL: &str = "rehearsal: ";

/// Decisions that wait to be recorded.
const RECORDS_MAX: usize = 1_024;

/// For how long a scrape of metrics counts: dashboards have data.
const SCRAPED_MS: u64 = 5 * 60_000;

/// What gates found, and who is told what they need. Clones share one state.
#[derive(Clone)]
pub struct Gates(Arc<Shared>);

struct Shared {
    standings: tokio_watch::Sender<Arc<Standings>>,
    /// When metrics were last read, in milliseconds since 1970; 0: never.
    scraped_ms: AtomicU64,
    /// Spans leave the process.
    traces: bool,
    records: mpsc::Sender<NewDecision>,
    /// Decisions that are not recorded yet.
    unwritten: AtomicUsize,
    inbox: Mutex<Option<mpsc::Receiver<NewDecision>>>,
    written: Mutex<Written>,
    rehearsing: Rehearsing,
    metrics: GateMetrics,
}

/// What this process remembers of the chain of decisions.
#[derive(Debug, Default)]
struct Written {
    /// The last record that it wrote on the chain that it knew.
    anchor: Option<Anchor>,
    /// The chain lost that record; it was told.
    is_lost: bool,
}

// === impl Gates ===

impl Gates {
    /// Nothing was looked at yet; an [`Evaluator`] begins to. `traces`: spans leave the process.
    pub fn new(metrics: GateMetrics, traces: bool) -> Gates {
        let standings = tokio_watch::Sender::new(Arc::default());
        metrics.watch(standings.subscribe());
        let (records, inbox) = mpsc::channel(RECORDS_MAX);
        Gates(Arc::new(Shared {
            standings,
            scraped_ms: AtomicU64::new(0),
            traces,
            records,
            unwritten: AtomicUsize::new(0),
            inbox: Mutex::new(Some(inbox)),
            written: Mutex::default(),
            rehearsing: Rehearsing::default(),
            metrics,
        }))
    }

    /// What was last found.
    pub fn standings(&self) -> Arc<Standings> {
        self.0.standings.borrow().clone()
    }

    /// Each look from now on.
    pub fn looks(&self) -> tokio_watch::Receiver<Arc<Standings>> {
        self.0.standings.subscribe()
    }

    /// Someone read the metrics, at this time in milliseconds since 1970.
    pub(crate) fn scraped(&self, now_ms: u64) {
        self.0.scraped_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Records a decision, as soon as the store takes it. Never waits: what there is no room for is
    /// dropped and counted.
    pub(crate) fn record(&self, decision: NewDecision) {
        self.0.metrics.recorded(&decision.kind);
        self.0.unwritten.fetch_add(1, Ordering::Relaxed);
        if self.0.records.try_send(decision).is_err() {
            self.0.unwritten.fetch_sub(1, Ordering::Relaxed);
            self.0.metrics.dropped();
            tracing::warn!("a decision is not recorded: too many wait for the store");
        }
    }

    /// Records a decision before anyone relies on it; fails where the store does not take it.
    pub(crate) async fn record_now(
        &self,
        controller: &Controller,
        decision: NewDecision,
    ) -> Result<(), Refused> {
        let store = controller.store()?;
        self.0.metrics.recorded(&decision.kind);
        // A task of its own: giving up on it must not cancel SQLite halfway through a commit.
        let known = self.anchor();
        let appending = tokio::spawn(async move { store.append(&[decision], known).await });
        let appended = appending.await.map_err(|_| Refused::Internal("recording panicked"))?;
        match appended {
            Ok(appended) => self.keep(appended),
            Err(DecisionError::Fault(fault)) => {
                return Err(Refused::StoreDown(StoreDown::from(&fault)));
            }
            Err(DecisionError::TooLong { .. }) => {
                return Err(Refused::Internal("a decision is too long to be recorded"));
            }
        }
        Ok(())
    }

    /// Takes note of what was written, if nothing later was. What was written on a chain that was
    /// cut is no anchor: the one before goes on showing that.
    fn keep(&self, Appended { end, holds }: Appended) {
        let mut written = crate::admin::locked(&self.0.written);
        if holds && written.anchor.is_none_or(|last| last.seq < end.seq) {
            written.anchor = Some(end);
        }
        if !holds && !std::mem::replace(&mut written.is_lost, true) {
            tracing::error!("decisions were cut off or written anew: `cutover audit --verify`");
        }
    }

    /// The last record that this process wrote, until one was lost; `None`: it has not written any.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        crate::admin::locked(&self.0.written).anchor
    }

    fn is_scraped(&self, now_ms: u64) -> bool {
        let scraped_ms = self.0.scraped_ms.load(Ordering::Relaxed);
        scraped_ms > 0 && now_ms.saturating_sub(scraped_ms) <= SCRAPED_MS
    }
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gates").field("routes", &self.standings().routes.len()).finish()
    }
}
