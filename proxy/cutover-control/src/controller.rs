//! The control plane's one actor: the machine, and the I/O around it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use cutover_domain::RouteTable;
use cutover_store::{OpenError, Revision, Store};
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    loader::{ConfigFile, Loaded, Loader, Rejected},
    machine::{Ask, Done, Event},
    metrics::ControlMetrics,
    refused::{Refused, StoreDown},
    saver::{Saved, Saver},
    state_file::{self, StateFileError},
    truth::{Author, Truth, judged::Judgements, moves::MoveAsk},
    view::View,
};

mod bootstrap;
mod shell;
mod tell;

use shell::{Message, Shell, StoreAccess};

/// Asks that may wait for the actor; beyond it callers wait for room.
const ASKS_MAX: usize = 64;

/// Where the control plane keeps its things.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// `sqlite://…`, relative to the working directory of the process.
    pub store_url: String,
    /// The last good state; its directory must exist.
    pub state_file: PathBuf,
    /// Where the first start writes the first admin token, or finds one prepared.
    pub token_file: PathBuf,
    /// The file `legacy-all` is there at start.
    pub legacy_all: bool,
}

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The control plane could not be started; nothing listens yet.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store's address or contents are unusable.
    #[error("cannot open the store")]
    Store(#[source] OpenError),
    /// The store is away, and there is no last good state either.
    #[error(
        "cannot open the store, and there is no last good state at `{}` to serve by", state_file.display()
    )]
    NoState {
        /// Where it was looked for.
        state_file: PathBuf,
        /// What is wrong with the store.
        #[source]
        store: OpenError,
    },
    /// The store is away, and the last good state cannot be used.
    #[error("cannot open the store ({store}), and the last good state is unusable")]
    StateFile {
        /// What is wrong with the state file.
        #[source]
        source: StateFileError,
        /// What is wrong with the store.
        store: StoreText,
    },
    /// The configuration makes no table.
    #[error("the configuration cannot be put in force")]
    Config(#[source] Refused),
    /// The first admin token could not be written or read.
    #[error("cannot set up the first admin token in `{}`: {why}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// What is wrong with the store, as text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreText(String);

/// The control plane, running. Clones are handles on the same.
#[derive(Clone)]
pub struct Controller {
    asks: mpsc::Sender<Message>,
    tables: watch::Receiver<Arc<RouteTable>>,
    views: watch::Receiver<Arc<View>>,
    saved: watch::Receiver<Saved>,
    store: StoreAccess,
    loader: Arc<dyn Loader>,
    /// One load at a time, so that they take effect in the order of what they read.
    loading: Arc<Mutex<()>>,
    last_reload: watch::Sender<Option<Refused>>,
    metrics: ControlMetrics,
    clock: Clock,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// Something done, and when it was handed to the data plane.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What was done.
    pub done: Done,
    /// When the table with it was published.
    pub published_at: Instant,
}

// === impl Controller ===

impl Controller {
    /// Starts the control plane with the configuration that wiring has loaded.
    ///
    /// Serves by the store, or by the last good state if the store cannot be opened. When it
    /// returns, a table is published and a token exists; wiring may open its listeners. Fails as
    /// [`StartError`] says.
    pub async fn start(
        config: ControlConfig,
        loaded: Loaded,
        loader: Arc<dyn Loader>,
        metrics: ControlMetrics,
        clock: Clock,
    ) -> Result<Controller, StartError> {
        let store: StoreAccess = Arc::new(ArcSwapOption::empty());
        let (truth, first) = find_truth(&config, &store).await?;
        let saver = Saver::start(config.state_file.clone());
        let saved = saver.saved();
        let shell = Shell::new(truth, store.clone(), saver, &config, metrics.clone(), &clock);
        let running = shell.start(first, Arc::new(loaded), config.legacy_all).await;
        let running = running.map_err(StartError::Config)?;
        metrics.watch(running.views.clone());
        let controller = Controller {
            asks: running.asks,
            tables: running.tables,
            views: running.views,
            saved,
            store,
            loader,
            loading: Arc::default(),
            last_reload: watch::Sender::new(None),
            metrics,
            clock,
            task: Arc::new(Mutex::new(Some(running.task))),
        };
        controller.accepted(controller.view().truth.loaded.clone()).await;
        match bootstrap::first_token(&controller, &config.token_file).await {
            Ok(()) => Ok(controller),
            Err(error) => {
                controller.stop().await;
                Err(error)
            }
        }
    }

    /// The tables for the data plane; there is one from the start.
    pub fn tables(&self) -> watch::Receiver<Arc<RouteTable>> {
        self.tables.clone()
    }

    /// The file `legacy-all` appeared or went. In force at once, whatever the store does.
    pub async fn set_legacy_all(&self, on: bool) -> Result<Answered, Refused> {
        self.ask(Ask::LegacyAll(on)).await
    }

    /// What gates said of every route at the last look: files wait for it.
    pub(crate) async fn set_gates(&self, judged: Judgements) -> Result<(), Refused> {
        self.ask(Ask::Gates(judged)).await.map(drop)
    }

    /// Moves routes.
    pub async fn move_routes(&self, ask: MoveAsk) -> Result<Answered, Refused> {
        self.ask(Ask::Move(ask)).await
    }

    /// Reads the files again and puts them in force, whole or not at all. An invalid file leaves
    /// everything as it is.
    pub async fn reload(&self, author: Author, reason: String) -> Result<Answered, Refused> {
        let _one = self.loading.lock().await;
        let loader = self.loader.clone();
        let loaded = blocking(move || loader.load()).await?;
        let result = match loaded {
            Ok(loaded) => self.put_in_force(loaded, author, reason, None).await,
            Err(rejected) => Err(Refused::Config(rejected)),
        };
        self.note_reload(result.as_ref().err());
        result
    }

    /// Puts files from elsewhere in force, and then on disk. `expect` is the head that the author
    /// has seen.
    pub async fn apply(
        &self,
        files: Vec<ConfigFile>,
        author: Author,
        reason: String,
        expect: u64,
    ) -> Result<Answered, Refused> {
        let _one = self.loading.lock().await;
        crate::truth::moves::check_reason(&reason)?;
        let (loaded, files) = self.parse(files).await?;
        let answered = self.put_in_force(loaded, author, reason, Some(expect)).await?;
        let loader = self.loader.clone();
        let revision = answered.done.revision;
        match blocking(move || loader.write(&files)).await? {
            Ok(()) => {
                self.note_reload(None);
                Ok(answered)
            }
            Err(why) => Err(Refused::FilesNotWritten { revision, why }),
        }
    }

    /// Parses files from elsewhere; nothing changes.
    pub(crate) async fn parse(
        &self,
        files: Vec<ConfigFile>,
    ) -> Result<(Loaded, Vec<ConfigFile>), Refused> {
        let loader = self.loader.clone();
        let parsed = blocking(move || (loader.parse(&files), files)).await?;
        let (loaded, files): (Result<Loaded, Rejected>, _) = parsed;
        Ok((loaded.map_err(Refused::Config)?, files))
    }

    /// Revisions, newest first; see [`Store::history`].
    pub async fn history(
        &self,
        route: Option<&str>,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Revision>, Refused> {
        let history = self.store()?.history(route, limit, before).await;
        history.map_err(|fault| Refused::StoreDown(StoreDown::from(&fault)))
    }

    /// The store, to be asked beside the actor; refused while it is away.
    pub(crate) fn store(&self) -> Result<Store, Refused> {
        let down = || {
            let down = self.view().truth.down.clone();
            Refused::StoreDown(down.unwrap_or_else(shell::not_open))
        };
        self.store.load_full().map(|store| (*store).clone()).ok_or_else(down)
    }

    /// Ends the actor after what it is doing, and writes the last good state.
    pub async fn stop(&self) {
        let _ = self.asks.send(Message::Stop).await;
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }

    pub(crate) fn metrics(&self) -> &ControlMetrics {
        &self.metrics
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.views.borrow().clone()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Why the last good state could not be written; `None`: it was.
    pub(crate) fn unsaved(&self) -> Option<String> {
        self.saved.borrow().failed.clone()
    }

    /// Why the files last seen are not in force; `None`: they are.
    pub(crate) fn last_reload(&self) -> Option<Refused> {
        self.last_reload.borrow().clone()
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answered, Refused> {
        let (reply, answer) = oneshot::channel();
        let sent = self.asks.send(Message::Ask(ask, reply)).await;
        sent.map_err(|_| Refused::Stopping)?;
        answer.await.map_err(|_| Refused::Stopping)?
    }

    async fn put_in_force(
        &self,
        loaded: Loaded,
        author: Author,
        reason: String,
        expect: Option<u64>,
    ) -> Result<Answered, Refused> {
        let loaded = Arc::new(loaded);
        let ask = Ask::Load { loaded: loaded.clone(), author, reason, expect };
        let answered = self.ask(ask).await?;
        self.accepted(Some(loaded)).await;
        Ok(answered)
    }

    async fn accepted(&self, loaded: Option<Arc<Loaded>>) {
        let Some(loaded) = loaded else { return };
        let loader = self.loader.clone();
        if blocking(move || loader.accepted(&loaded)).await.is_err() {
            tracing::error!("putting accepted configuration in force panicked");
        }
    }

    /// Not logged here: whoever asked tells what is wrong, with every place.
    fn note_reload(&self, refused: Option<&Refused>) {
        if refused.is_some() {
            self.metrics.reload_refused();
        }
        self.last_reload.send_replace(refused.cloned());
    }
}

/// The clock of the system.
pub fn system_clock() -> Clock {
    Arc::new(now_ms)
}

/// Milliseconds since 1970, by the clock of the system.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refused> {
    let panicked = |_| Refused::Internal("reading or writing the configuration panicked");
    tokio::task::spawn_blocking(work).await.map_err(panicked)
}

/// What is known at start, and what to tell the machine first.
async fn find_truth(
    config: &ControlConfig,
    store: &StoreAccess,
) -> Result<(Truth, Event), StartError> {
    let path = config.state_file.clone();
    let file = state_file::read(&path);
    match shell::open(&config.store_url).await {
        Ok((opened, snapshot)) => {
            store.store(Some(Arc::new(opened)));
            let truth = file.unwrap_or_else(|error| {
                tracing::warn!(%error, "the last good state is not used; the store is there");
                None
            });
            Ok((truth.unwrap_or_else(Truth::unknown), Event::StoreOpened(snapshot)))
        }
        Err(OpenError::Fault(fault)) => {
            let down = StoreDown::from(&fault);
            let error = OpenError::Fault(fault);
            match file {
                Ok(Some(truth)) => Ok((truth, Event::StoreLost(down))),
                Ok(None) => Err(StartError::NoState { state_file: path, store: error }),
                Err(source) => {
                    Err(StartError::StateFile { source, store: StoreText(error.to_string()) })
                }
            }
        }
        Err(error) => Err(StartError::Store(error)),
    }
}

// === impl StartError ===

impl StartError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            StartError::Store(error) => error.code(),
            StartError::NoState { .. } => "no_state",
            StartError::StateFile { .. } => "state_file",
            StartError::Config(refused) => refused.code().as_str(),
            StartError::TokenFile { .. } => "token_file",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            StartError::Store(error) | StartError::NoState { store: error, .. } => error.hint(),
            _ => crate::codes::Code::find(self.code()).map_or("", |code| code.doc().remedy),
        }
    }
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller").field("revision", &self.view().truth.head).finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;
