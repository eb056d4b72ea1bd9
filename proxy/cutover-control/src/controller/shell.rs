//! Doing what the machine says: publishing, saving, recording, reconnecting, answering.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use cutover_domain::RouteTable;
use cutover_store::{Fault, FaultKind, Head, OpenError, RecordError, Snapshot, Store, TokenError};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{ASKS_MAX, Answered, Clock, ControlConfig, tell::tell};
use crate::{
    loader::Loaded,
    machine::{Ask, Done, Effect, Event, Fact, Machine},
    metrics::ControlMetrics,
    refused::{Refused, StoreDown},
    saver::{self, Saver},
    state_file,
    truth::{Author, TokenEdit, Truth},
    view::View,
};

/// The open store; empty while it is away.
pub(super) type StoreAccess = Arc<ArcSwapOption<Store>>;

/// How long the store may take for one thing.
const STORE_DEADLINE: Duration = Duration::from_secs(3);

/// How long it may take for what can happen without it: a step back is in force within 2 s.
const CAUTIOUS_DEADLINE: Duration = Duration::from_millis(1_500);

/// First and longest pause between attempts to open the store.
const RECONNECT_MS: (u64, u64) = (100, 5_000);

/// How often the store is looked at: what another process does to it is in force here within 2 s.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every how many looks it is also asked whether it can be written.
const LOOKS_A_PROBE: u32 = 10;

/// What reaches the actor from outside.
pub(super) enum Message {
    Ask(Ask, Reply),
    Stop,
}

type Reply = oneshot::Sender<Result<Answered, Refused>>;

/// An actor under way.
pub(super) struct Running {
    pub(super) asks: mpsc::Sender<Message>,
    pub(super) tables: watch::Receiver<Arc<RouteTable>>,
    pub(super) views: watch::Receiver<Arc<View>>,
    pub(super) task: JoinHandle<()>,
}

/// The actor.
pub(super) struct Shell {
    machine: Machine,
    store: StoreAccess,
    store_url: String,
    saver: Saver,
    /// Number of the last state wanted on disk.
    saving: u64,
    metrics: ControlMetrics,
    clock: Clock,
    published: Option<Published>,
    accepted_at_ms: u64,
    replies: HashMap<u64, Reply>,
    tickets: u64,
    looks: u32,
    looking: Option<JoinHandle<()>>,
    events: mpsc::Sender<Event>,
    happened: mpsc::Receiver<Event>,
}

struct Published {
    tables: watch::Sender<Arc<RouteTable>>,
    views: watch::Sender<Arc<View>>,
    at: Instant,
}

// === impl Shell ===

impl Shell {
    pub(super) fn new(
        truth: Truth,
        store: StoreAccess,
        saver: Saver,
        config: &ControlConfig,
        metrics: ControlMetrics,
        clock: &Clock,
    ) -> Shell {
        // The machine has one thing under way at a time, so this never fills.
        let (events, happened) = mpsc::channel(16);
        Shell {
            machine: Machine::new(truth),
            store,
            store_url: config.store_url.clone(),
            saver,
            saving: 0,
            metrics,
            clock: clock.clone(),
            published: None,
            accepted_at_ms: 0,
            replies: HashMap::new(),
            tickets: 0,
            looks: 0,
            looking: None,
            events,
            happened,
        }
    }

    /// Puts the first configuration in force, then runs on its own.
    pub(super) async fn start(
        mut self,
        first: Event,
        loaded: Arc<Loaded>,
        legacy_all: bool,
    ) -> Result<Running, Refused> {
        match self.first(first, loaded, legacy_all).await {
            Ok((tables, views)) => {
                let (asks, inbox) = mpsc::channel(ASKS_MAX);
                let task = tokio::spawn(self.run(inbox));
                Ok(Running { asks, tables, views, task })
            }
            Err(refused) => {
                self.finish().await;
                Err(refused)
            }
        }
    }

    async fn first(
        &mut self,
        first: Event,
        loaded: Arc<Loaded>,
        legacy_all: bool,
    ) -> Result<(watch::Receiver<Arc<RouteTable>>, watch::Receiver<Arc<View>>), Refused> {
        let load =
            Ask::Load { loaded, author: Author::files(), reason: "start".into(), expect: None };
        self.handle(first);
        // Before the load, so that nothing moves forward by it; and after, to be recorded.
        self.ask_and_wait(Ask::LegacyAll(legacy_all)).await?;
        self.ask_and_wait(load).await?;
        self.ask_and_wait(Ask::LegacyAll(legacy_all)).await?;
        let Some(published) = &self.published else {
            return Err(Refused::Internal("a configuration was accepted but not published"));
        };
        Ok((published.tables.subscribe(), published.views.subscribe()))
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = self.happened.recv() => self.handle(event),
                _ = look.tick() => self.look(),
                message = inbox.recv() => match message {
                    Some(Message::Ask(ask, reply)) => self.ask(ask, reply),
                    Some(Message::Stop) | None => break,
                },
            }
        }
        inbox.close();
        self.finish().await;
    }

    /// Waits for what is under way, so that its asker learns of it; nothing new is begun.
    async fn finish(mut self) {
        let wait = async {
            while !self.replies.is_empty() {
                match self.happened.recv().await {
                    Some(event) => self.handle(event),
                    None => break,
                }
            }
        };
        let _ = tokio::time::timeout(STORE_DEADLINE, wait).await;
        self.saver.stop().await;
        if let Some(store) = self.store.swap(None) {
            store.close().await;
        }
    }

    async fn ask_and_wait(&mut self, ask: Ask) -> Result<Answered, Refused> {
        let (reply, mut answer) = oneshot::channel();
        self.ask(ask, reply);
        loop {
            tokio::select! {
                biased;
                answered = &mut answer => return answered.map_err(|_| Refused::Stopping)?,
                Some(event) = self.happened.recv() => self.handle(event),
            }
        }
    }

    fn ask(&mut self, ask: Ask, reply: Reply) {
        self.tickets += 1;
        self.replies.insert(self.tickets, reply);
        self.handle(Event::Ask(Some(self.tickets), ask));
    }

    fn handle(&mut self, event: Event) {
        let now_ms = (self.clock)();
        for effect in self.machine.apply(event, now_ms) {
            self.perform(effect, now_ms);
        }
    }

    fn perform(&mut self, effect: Effect, now_ms: u64) {
        match effect {
            Effect::Publish => self.publish(),
            Effect::Save => self.saving = self.saver.save(state_file::render(self.machine.truth())),
            Effect::Record { new, cautious } => {
                let work = async move |store: Store| store.record(&new).await;
                let deadline = if cautious { CAUTIOUS_DEADLINE } else { STORE_DEADLINE };
                let doing = ("record a revision", deadline);
                self.with_store(doing, work, Event::Recorded, RecordError::Fault);
            }
            Effect::Refresh => {
                let work = async |store: Store| store.snapshot().await;
                let doing = ("read the routes' states", STORE_DEADLINE);
                self.with_store(doing, work, Event::Refreshed, |fault| fault);
            }
            Effect::EditToken(edit) => {
                let work = async move |store: Store| edit_token(&store, &edit).await;
                let doing = ("edit a token", STORE_DEADLINE);
                self.with_store(doing, work, Event::TokenEdited, TokenError::Fault);
            }
            Effect::Reconnect => self.reconnect(),
            Effect::Answer(ticket, result) => self.answer(ticket, result),
            Effect::Note(fact) => {
                if matches!(fact, Fact::ConfigAccepted { .. }) {
                    self.accepted_at_ms = now_ms;
                }
                self.metrics.count(&fact, now_ms);
                tell(&fact);
            }
        }
    }

    fn publish(&mut self) {
        let Some(view) = View::of(self.machine.truth(), self.accepted_at_ms) else { return };
        let view = Arc::new(view);
        match &mut self.published {
            Some(published) => {
                published.tables.send_replace(view.table.clone());
                published.at = Instant::now();
                published.views.send_replace(view);
            }
            None => {
                let tables = watch::Sender::new(view.table.clone());
                let views = watch::Sender::new(view);
                self.published = Some(Published { tables, views, at: Instant::now() });
            }
        }
    }

    /// Does `work` with the store on a task of its own; its result comes back as an event.
    fn with_store<T, E, W>(
        &self,
        (doing, deadline): (&'static str, Duration),
        work: impl FnOnce(Store) -> W,
        event: fn(Result<T, E>) -> Event,
        fault: fn(Fault) -> E,
    ) where
        W: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let events = self.events.clone();
        let failed = |path, kind| fault(Fault::without_source(doing, path, kind));
        let Some(store) = self.store.load_full() else {
            let result = Err(failed(self.store_url.clone().into(), FaultKind::Failed));
            tokio::spawn(async move { events.send(event(result)).await });
            return;
        };
        let path = store.path().to_owned();
        // A task of its own: giving up on it must not cancel SQLite halfway through a commit.
        let work = tokio::spawn(work((*store).clone()));
        let silent = failed(path.clone(), FaultKind::Silent);
        let panicked = failed(path, FaultKind::Failed);
        tokio::spawn(async move {
            let result = match tokio::time::timeout(deadline, work).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(panicked),
                Err(_) => Err(silent),
            };
            let _ = events.send(event(result)).await;
        });
    }

    /// Finds out what others did to the store, and that it is away before someone needs it. One
    /// look at a time.
    fn look(&mut self) {
        let Some(store) = self.store.load_full() else { return };
        if self.looking.as_ref().is_some_and(|looking| !looking.is_finished()) {
            return;
        }
        self.looks = self.looks.wrapping_add(1);
        let probes = self.looks.is_multiple_of(LOOKS_A_PROBE);
        let events = self.events.clone();
        self.looking = Some(tokio::spawn(async move {
            let event = match tokio::time::timeout(STORE_DEADLINE, looked(&store, probes)).await {
                Ok(Ok(head)) => Event::Seen(head),
                Ok(Err(fault)) => Event::ProbeFailed(fault),
                Err(_) => {
                    let (path, kind) = (store.path().to_owned(), FaultKind::Silent);
                    Event::ProbeFailed(Fault::without_source("look at it", path, kind))
                }
            };
            let _ = events.send(event).await;
        }));
    }

    fn reconnect(&self) {
        if let Some(store) = self.store.swap(None) {
            tokio::spawn(async move { store.close().await });
        }
        let (url, access, events) =
            (self.store_url.clone(), self.store.clone(), self.events.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = events.closed() => {}
                (store, snapshot) = reopened(&url) => {
                    access.store(Some(Arc::new(store)));
                    let _ = events.send(Event::StoreOpened(snapshot)).await;
                }
            }
        });
    }

    fn answer(&mut self, ticket: Option<u64>, result: Result<Done, Refused>) {
        let Some(reply) = ticket.and_then(|ticket| self.replies.remove(&ticket)) else { return };
        let published_at = self.published.as_ref().map_or_else(Instant::now, |p| p.at);
        let answered = result.map(|done| Answered { done, published_at });
        // What the store does not have must be on disk before anyone relies on it.
        if answered.as_ref().is_ok_and(|answered| !answered.done.recorded) {
            let (saved, number) = (self.saver.saved(), self.saving);
            tokio::spawn(async move {
                saver::settled(saved, number).await;
                let _ = reply.send(answered);
            });
        } else {
            // Whoever asked may have gone; what was asked is done all the same.
            let _ = reply.send(answered);
        }
    }
}

/// Opens the store and reads it.
pub(super) async fn open(url: &str) -> Result<(Store, Snapshot), OpenError> {
    let store = Store::open(url).await?;
    let snapshot = store.snapshot().await?;
    Ok((store, snapshot))
}

/// What is said while the store is between two attempts.
pub(super) fn not_open() -> StoreDown {
    let kind = FaultKind::Failed;
    StoreDown { code: kind.code(), message: "it is being opened".into(), hint: "try again" }
}

async fn reopened(url: &str) -> (Store, Snapshot) {
    let (mut pause_ms, longest_ms) = RECONNECT_MS;
    loop {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        match open(url).await {
            Ok(opened) => return opened,
            Err(error) => tracing::debug!(code = error.code(), %error, "the store is still away"),
        }
        pause_ms = (pause_ms * 2).min(longest_ms);
    }
}

async fn looked(store: &Store, probes: bool) -> Result<Head, Fault> {
    if probes {
        store.probe().await?;
    }
    store.head().await
}

async fn edit_token(store: &Store, edit: &TokenEdit) -> Result<bool, TokenError> {
    match edit {
        TokenEdit::Put(token) => store.put_token(token).await.map(|()| true),
        TokenEdit::Remove(name) => Ok(store.remove_token(name).await?),
    }
}
