//! The store as a recorder sees it: there or not, its turn or another's.

mod trouble;

use std::time::Duration;

use cutover_store::{Bounds, KeptRoute, ParityStore, Pruned, Retention, RouteChange};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

pub(super) use self::trouble::Trouble;
use super::RecorderMetrics;

/// How long the store may take for one thing.
const STORE_DEADLINE: Duration = Duration::from_secs(3);
/// First and longest pause between attempts.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// How often lasting trouble is told.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How often the process before is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Most parts of what is old that are forgotten in a row: the rest has time.
const PRUNES_MAX: usize = 100;

/// The store, by one connection, as long as it is this process's turn.
pub(super) struct Session {
    url: String,
    bounds: Bounds,
    metrics: RecorderMetrics,
    /// Until when the process before may write; `None`: there is none.
    predecessor_until: Option<Instant>,
    store: Option<ParityStore>,
    turn: Option<Turn>,
    /// The turn was looked at since `store` was opened.
    is_checked: bool,
    is_superseded: bool,
    /// What the store was asked for and did not answer.
    under_way: Option<JoinHandle<()>>,
    trouble: Option<Lasting>,
    /// When the process before is looked at again.
    look_at: Option<Instant>,
}

/// Whose turn it is: this process's.
#[derive(Clone)]
struct Turn {
    store_id: String,
    generation: u64,
}

/// Trouble since its first moment.
struct Lasting {
    since: Instant,
    told_at: Instant,
    pause: Duration,
    retry_at: Instant,
}

// === impl Session ===

impl Session {
    pub(super) fn new(
        url: String,
        bounds: Bounds,
        metrics: RecorderMetrics,
        predecessor: Option<Duration>,
    ) -> Session {
        Session {
            url,
            bounds,
            metrics,
            predecessor_until: predecessor.map(|within| Instant::now() + within),
            store: None,
            turn: None,
            is_checked: false,
            is_superseded: false,
            under_way: None,
            trouble: None,
            look_at: None,
        }
    }

    /// Makes sure that the store is open and that it is this process's turn. True: it is another
    /// store than before, so nothing was written to it.
    pub(super) async fn open(&mut self) -> Result<bool, Trouble> {
        if self.is_superseded {
            return Err(Trouble::superseded());
        }
        if self.store.is_none() {
            let (url, bounds) = (self.url.clone(), self.bounds);
            self.is_checked = false;
            let opened = self.ask(async move { ParityStore::open(&url, bounds).await }).await?;
            self.store = Some(opened);
        }
        let store = self.store()?;
        let asked = store.clone();
        if self.is_checked {
            // An idle route has to be written to a new file, too.
            self.ask(async move { asked.look() }).await?;
            return Ok(false);
        }
        let writer = self.ask(async move { asked.writer().await }).await?;
        let is_same = |turn: &&Turn| turn.store_id == writer.store_id;
        match self.turn.as_ref().filter(is_same).map(|turn| turn.generation) {
            Some(generation) if generation != writer.generation => Err(Trouble::superseded()),
            Some(_) => {
                self.is_checked = true;
                Ok(false)
            }
            None if !writer.released && self.waits_for_predecessor() => Err(Trouble::not_yet()),
            None => {
                let generation = self.ask(async move { store.claim().await }).await?;
                self.turn = Some(Turn { store_id: writer.store_id, generation });
                self.is_checked = true;
                Ok(true)
            }
        }
    }

    /// What is kept of a route.
    pub(super) async fn read(&mut self, route: &str) -> Result<KeptRoute, Trouble> {
        let (store, route) = (self.store()?, route.to_owned());
        self.ask(async move { store.route(&route).await }).await
    }

    pub(super) async fn write(&mut self, changes: Vec<RouteChange>) -> Result<(), Trouble> {
        let (store, generation) = (self.store()?, self.generation()?);
        self.ask(async move { store.flush(generation, &changes).await }).await
    }

    /// Forgets what is old, part by part, so that others get their turn in between.
    pub(super) async fn prune(
        &mut self,
        before_ms: u64,
        routes: Vec<String>,
    ) -> Result<Pruned, Trouble> {
        let retention = Retention { before_ms, routes };
        let mut all = Pruned::default();
        for _ in 0..PRUNES_MAX {
            let (store, generation) = (self.store()?, self.generation()?);
            let retention = retention.clone();
            let pruned = self.ask(async move { store.prune(generation, &retention).await }).await?;
            all.samples_old += pruned.samples_old;
            all.samples_shed += pruned.samples_shed;
            all.more = pruned.more;
            if !pruned.more {
                break;
            }
        }
        Ok(all)
    }

    /// Gives the turn back.
    pub(super) async fn release(&mut self) -> Result<(), Trouble> {
        let (store, generation) = (self.store()?, self.generation()?);
        self.ask(async move { store.release(generation).await }).await
    }

    pub(super) async fn close(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
    }

    /// Waits for an answer that nobody waited for any more.
    pub(super) async fn wait_for_what_is_under_way(&mut self) {
        if let Some(task) = &mut self.under_way {
            let _ = task.await;
            self.under_way = None;
        }
    }

    /// When to try again; `None`: there is no trouble.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let lasting = self.trouble.as_ref().map(|trouble| trouble.retry_at);
        lasting.max(self.look_at)
    }

    /// Another process writes, for good.
    pub(super) fn is_superseded(&self) -> bool {
        self.is_superseded
    }

    /// The process before had time enough.
    pub(super) fn is_late(&self) -> bool {
        self.predecessor_until.is_some() && !self.waits_for_predecessor()
    }

    pub(super) fn metrics(&self) -> &RecorderMetrics {
        &self.metrics
    }

    /// Takes note of how a turn went; with trouble goes what is not written.
    pub(super) fn settle(&mut self, done: Result<(), (Trouble, u64)>) {
        self.look_at = None;
        match done {
            Ok(()) => self.recovered(),
            Err((Trouble::NotYet, _)) => self.look_at = Some(Instant::now() + LOOK_EVERY),
            Err((Trouble::Superseded, unwritten)) => self.superseded(unwritten),
            Err((Trouble::Failed(failed), _)) => {
                if failed.needs_reopening
                    && let Some(store) = self.store.take()
                {
                    tokio::spawn(async move { store.close().await });
                }
                self.failed(&failed);
            }
        }
    }

    /// What will never be written.
    pub(super) fn give_up(&mut self, trouble: &Trouble, unwritten: u64) {
        self.metrics.set_up(false);
        if unwritten > 0 {
            self.metrics.dropped(trouble.code(), unwritten);
            tracing::warn!(
                code = trouble.code(),
                routes = unwritten,
                "what was last found out about some routes is not kept: {trouble}"
            );
        }
    }

    fn recovered(&mut self) {
        self.metrics.set_up(true);
        if let Some(Lasting { since, .. }) = self.trouble.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "parity is kept again");
        }
    }

    fn superseded(&mut self, unwritten: u64) {
        self.metrics.set_up(false);
        // Nothing will change that; whoever waits, waits for an order.
        self.look_at = Some(Instant::now() + TELL_EVERY);
        if self.is_superseded {
            return;
        }
        self.is_superseded = true;
        self.metrics.dropped("superseded", unwritten);
        tracing::error!(
            hint = "if that process has no business there, end it and restart this one",
            "another process keeps parity in this store: this one keeps none any more"
        );
    }

    fn failed(&mut self, failed: &trouble::Failed) {
        self.metrics.set_up(false);
        let now = Instant::now();
        let (first, longest) = RETRY;
        let is_new = self.trouble.is_none();
        let lasting = self.trouble.get_or_insert(Lasting {
            since: now,
            told_at: now,
            pause: first,
            retry_at: now,
        });
        lasting.retry_at = now + lasting.pause;
        lasting.pause = (lasting.pause * 2).min(longest);
        if is_new || lasting.told_at + TELL_EVERY <= now {
            lasting.told_at = now;
            tracing::warn!(
                code = failed.code,
                hint = failed.hint,
                "parity is not kept for now; comparing goes on: {failed}"
            );
        }
    }

    fn waits_for_predecessor(&self) -> bool {
        let is_first = self.turn.is_none();
        is_first && self.predecessor_until.is_some_and(|until| Instant::now() < until)
    }

    fn store(&self) -> Result<ParityStore, Trouble> {
        self.store.clone().ok_or_else(Trouble::too_slow)
    }

    fn generation(&self) -> Result<u64, Trouble> {
        self.turn.as_ref().map(|turn| turn.generation).ok_or_else(Trouble::too_slow)
    }

    /// Asks the store for one thing, which may outlive the asker: giving up must not cancel SQLite
    /// halfway through a commit. There is never more than one.
    pub(super) async fn ask<T, E>(
        &mut self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Trouble>
    where
        T: Send + 'static,
        E: Into<Trouble> + Send + 'static,
    {
        if self.under_way.as_ref().is_some_and(|task| !task.is_finished()) {
            return Err(Trouble::too_slow());
        }
        let (answer, answered) = oneshot::channel();
        self.under_way = Some(tokio::spawn(async move {
            let _ = answer.send(work.await);
        }));
        match timeout(STORE_DEADLINE, answered).await {
            Ok(Ok(result)) => {
                self.under_way = None;
                result.map_err(Into::into)
            }
            Ok(Err(_)) => Err(Trouble::panicked()),
            Err(_) => Err(Trouble::too_slow()),
        }
    }
}
