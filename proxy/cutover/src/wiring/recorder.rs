//! Keeps what comparing sides found out: restored at the start, written every second, whole.
//!
//! The truth is in memory, so a store that is gone, full or slow costs nothing but the keeping:
//! writing is tried again, and since every document is whole, the first that succeeds makes up for
//! all before it.
//!
//! One process keeps at a time. At a hand-over
//!
//! 1. the new process serves, but takes no copies yet (they count as dropped, `shutdown`);
//! 2. the old one takes no more either, comes to the end of those under way, writes for the last
//!    time and gives its turn back: [`Recorder::hand_over`];
//! 3. the new one takes the turn, restores and takes copies.
//!
//! So every comparison is counted once and by one of them. If the old one does not come to its
//! end, the new one takes the turn all the same, and what the old one writes afterwards is
//! refused. Comparisons that began before anything could be restored stay apart from what was
//! kept: see [`Parity::resume`](cutover_domain::parity::Parity::resume).

mod changes;
mod metrics;
mod restore;
mod rows;
mod session;

use std::{sync::Arc, time::Duration};

use cutover_control::Clock;
use cutover_domain::RouteTable;
use cutover_shadow::{SAMPLES_MILLIS, ShadowHandle};
use cutover_store::Bounds;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

pub(super) use self::metrics::RecorderMetrics;
use self::{
    changes::{Batch, Change, Known},
    session::{Session, Trouble},
};

/// What a recorder works with.
pub(super) struct RecorderParts {
    /// Whose findings are kept.
    pub(super) shadow: ShadowHandle,
    /// Which routes there are.
    pub(super) tables: watch::Receiver<Arc<RouteTable>>,
    /// `sqlite://PATH`
    pub(super) store_url: String,
    pub(super) metrics: RecorderMetrics,
    pub(super) clock: Clock,
    /// Another process serves until this one does.
    pub(super) takes_over: bool,
    pub(super) terms: Terms,
}

/// How long things take, and how much there may be.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// How often what changed is written.
    pub(super) flush_every: Duration,
    /// How often old samples are looked for in memory.
    pub(super) forget_every: Duration,
    /// How often old samples, and routes that are gone, are looked for in the store.
    pub(super) prune_every: Duration,
    /// How long the start of the process may wait for what was kept.
    pub(super) restore_within: Duration,
    /// How long a process that takes over waits for the one before to come to its end.
    pub(super) predecessor_within: Duration,
    /// How long comparisons under way may take at a hand-over.
    pub(super) settle_within: Duration,
    /// How long the last write may take.
    pub(super) last_flush_within: Duration,
    pub(super) bounds: Bounds,
}

/// The task that keeps; cheap to tell things.
pub(super) struct Recorder {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

/// Tells a recorder that another process takes over.
#[derive(Clone)]
pub(super) struct HandOver(mpsc::Sender<Order>);

enum Order {
    HandOver,
    End,
}

/// What the task holds.
struct Task {
    shadow: ShadowHandle,
    tables: watch::Receiver<Arc<RouteTable>>,
    clock: Clock,
    terms: Terms,
    session: Session,
    known: Known,
    restored: watch::Sender<bool>,
    next_flush: Instant,
    next_forget: Instant,
    next_prune: Instant,
}

// === impl Recorder ===

impl Recorder {
    /// Starts to keep. Waits until what was kept is restored, but not for long: a process that
    /// takes over from another does so while it serves, and a store that is away or slow must
    /// keep nobody from being served.
    pub(super) async fn start(parts: RecorderParts) -> Recorder {
        let RecorderParts { shadow, tables, store_url, metrics, clock, takes_over, terms } = parts;
        if takes_over {
            shadow.hold();
        }
        let within = terms.restore_within;
        let predecessor = takes_over.then_some(terms.predecessor_within);
        let (restored, mut is_restored) = watch::channel(false);
        let now = Instant::now();
        let task = Task {
            session: Session::new(store_url, terms.bounds, metrics, predecessor),
            known: Known::default(),
            shadow,
            tables,
            clock,
            terms,
            restored,
            next_flush: now,
            next_forget: now,
            next_prune: now,
        };
        let (orders, inbox) = mpsc::channel(2);
        let task = tokio::spawn(task.run(inbox));
        if !takes_over && timeout(within, is_restored.wait_for(|done| *done)).await.is_err() {
            tracing::warn!(
                "the store did not give in time what is known of parity: counters begin at zero, \
                 and earlier ones become history once they can be read"
            );
        }
        Recorder { orders, task }
    }

    /// To be told of a hand-over.
    pub(super) fn hand_over(&self) -> HandOver {
        HandOver(self.orders.clone())
    }

    /// Writes for the last time, unless that was done at a hand-over. What the store does not take
    /// in time is given up and counted.
    pub(super) async fn end(self) {
        // Refused only if the task has ended.
        let _ = self.orders.send(Order::End).await;
        if let Err(error) = self.task.await {
            tracing::error!(%error, "keeping parity ended badly");
        }
    }
}

// === impl HandOver ===

impl HandOver {
    /// Another process serves: compares no more, writes for the last time, gives the turn back.
    /// Does not wait.
    pub(super) fn begin(&self) {
        // Refused only if the task has ended, or was told already.
        let _ = self.0.try_send(Order::HandOver);
    }
}

// === impl Task ===

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        // What is under way when an order comes is left: nothing counts as written before the
        // store has said so.
        let order = loop {
            tokio::select! {
                order = inbox.recv() => break order,
                () = self.turn() => {}
            }
        };
        if matches!(order, Some(Order::HandOver)) {
            self.shadow.shutdown(self.terms.settle_within).await;
        }
        self.finish().await;
        if matches!(order, Some(Order::HandOver)) {
            let _ = inbox.recv().await;
            self.tell_uncompared();
        }
    }

    /// Waits until something is due and does it.
    async fn turn(&mut self) {
        let due = match self.session.retry_at() {
            Some(retry_at) => retry_at,
            None => self.next_flush,
        };
        tokio::time::sleep_until(due).await;
        let done = self.work().await;
        if self.session.is_superseded() || self.session.is_late() {
            self.begin();
        }
        self.session.settle(done.map_err(|trouble| (trouble, self.known.unwritten(&self.shadow))));
    }

    /// From now on copies are taken, with what was kept or without.
    fn begin(&self) {
        self.shadow.release();
        self.restored.send_if_modified(|restored| !std::mem::replace(restored, true));
    }

    async fn work(&mut self) -> Result<(), Trouble> {
        let is_another = self.session.open().await?;
        if is_another {
            self.known.forget_writes();
        }
        self.restore().await?;
        self.begin();
        let now = Instant::now();
        if now >= self.next_forget {
            self.forget_samples();
            self.next_forget = now + self.terms.forget_every;
        }
        if now >= self.next_flush {
            let bytes = self.flush().await?;
            self.next_flush = now + self.terms.flush_every.max(pause_after(bytes));
        }
        if now >= self.next_prune {
            self.prune().await?;
            self.next_prune = now + self.terms.prune_every;
        }
        Ok(())
    }

    /// The last write and the end of the turn, as far as the time suffices.
    async fn finish(&mut self) {
        if self.session.is_superseded() {
            return;
        }
        let within = self.terms.last_flush_within;
        let last = async {
            self.session.wait_for_what_is_under_way().await;
            self.session.open().await?;
            self.restore().await?;
            self.flush().await?;
            self.session.release().await
        };
        let done = timeout(within, last).await.unwrap_or_else(|_| Err(Trouble::too_slow()));
        match done {
            // A store that does not answer does not close either.
            Err(trouble) => self.session.give_up(&trouble, self.known.unwritten(&self.shadow)),
            Ok(()) => drop(timeout(within, self.session.close()).await),
        }
    }

    /// Requests of connections that drained after a hand-over are in nobody's counters.
    fn tell_uncompared(&self) {
        let requests = self.known.uncompared(&self.shadow);
        if requests > 0 {
            tracing::info!(requests, "requests after the hand-over were not compared");
        }
    }

    /// What is kept of routes that were not asked for yet.
    async fn restore(&mut self) -> Result<(), Trouble> {
        let declared = declared(&self.tables);
        for route in self.known.unrestored(&self.shadow, &declared) {
            let kept = self.session.read(&route).await?;
            self.known.restore(&self.shadow, &route, kept, self.session.metrics());
        }
        self.known.retain(&self.shadow, &declared);
        Ok(())
    }

    /// Writes what changed, in small transactions; gives the bytes written.
    async fn flush(&mut self) -> Result<u64, Trouble> {
        let mut bytes = 0;
        let mut batch = Batch::default();
        for route in self.known.changed(&self.shadow) {
            let now_ms = (self.clock)();
            let Some(mut change) = self.known.change(&self.shadow, &route, now_ms) else {
                continue;
            };
            self.tell_too_long(&route, &change);
            for part in std::mem::take(&mut change.parts) {
                if batch.is_full() {
                    bytes += self.write(&mut batch).await?;
                }
                batch.push(part);
            }
            batch.end(route, change);
        }
        if !batch.is_empty() {
            bytes += self.write(&mut batch).await?;
        }
        Ok(bytes)
    }

    /// One transaction; gives its bytes.
    async fn write(&mut self, batch: &mut Batch) -> Result<u64, Trouble> {
        let mut batch = std::mem::take(batch);
        self.session.write(batch.take_rows()).await?;
        let bytes = batch.bytes();
        self.known.written(batch);
        Ok(bytes)
    }

    /// Forgets old samples in memory.
    fn forget_samples(&mut self) {
        self.shadow.prune_samples((self.clock)());
        self.known.note_forgotten_samples(&self.shadow);
    }

    /// Forgets in the store what is old, and what there is no room for.
    async fn prune(&mut self) -> Result<(), Trouble> {
        let before_ms = (self.clock)().saturating_sub(SAMPLES_MILLIS);
        let declared = declared(&self.tables);
        let routes = declared.into_iter().map(|route| route.to_string()).collect();
        let pruned = self.session.prune(before_ms, routes).await?;
        self.session.metrics().dropped("no_room", pruned.samples_shed);
        Ok(())
    }

    fn tell_too_long(&self, route: &str, change: &Change) {
        if change.is_too_long {
            self.session.metrics().dropped("too_long", 1);
            tracing::warn!(
                cutover.route.id = route,
                "the parity of route `{route}` is too long to be kept: write rules for its paths"
            );
        }
    }
}

/// The routes that are compared, by id.
fn declared(tables: &watch::Receiver<Arc<RouteTable>>) -> Vec<Arc<str>> {
    let table = tables.borrow();
    let compared = table.routes.iter().filter(|route| route.spec.shadow.is_some());
    compared.map(|route| route.spec.id.as_str().into()).collect()
}

/// How long to stand back after having written so much: 4 MiB a second on the average.
fn pause_after(bytes: u64) -> Duration {
    Duration::from_millis(bytes >> 12)
}

// === impl Terms ===

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            flush_every: Duration::from_secs(1),
            forget_every: Duration::from_secs(60),
            prune_every: Duration::from_secs(3_600),
            restore_within: Duration::from_secs(2),
            predecessor_within: Duration::from_secs(10),
            settle_within: Duration::from_secs(2),
            last_flush_within: Duration::from_secs(2),
            bounds: Bounds::default(),
        }
    }
}

#[cfg(test)]
mod tests;
