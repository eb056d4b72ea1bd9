//! The controller on real files and a real store.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cutover_domain::Phase;
use cutover_store::{Token, Trigger};
use prometheus_client::registry::Registry;
use tempfile::TempDir;

use super::*;
use crate::{
    fixtures::loaded,
    loader::{Diagnostic, Severity},
    token::Role,
    truth::{
        TokenEdit,
        moves::{Action, Scope},
    },
};

/// Files in memory; the text `broken` is refused.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) text: StdMutex<String>,
    pub(crate) unwritable: std::sync::atomic::AtomicBool,
    accepted: AtomicU64,
}

impl Loader for Memory {
    fn load(&self) -> Result<Loaded, Rejected> {
        let text = self.text.lock().unwrap().clone();
        self.parse(&[ConfigFile { path: "cutover.toml".into(), text }])
    }

    fn parse(&self, files: &[ConfigFile]) -> Result<Loaded, Rejected> {
        let text = &files.first().ok_or_else(no_files)?.text;
        if text == "broken" { Err(broken()) } else { Ok(loaded(text)) }
    }

    fn write(&self, files: &[ConfigFile]) -> Result<(), String> {
        if self.unwritable.load(Ordering::Relaxed) {
            return Err("the directory is read-only".into());
        }
        *self.text.lock().unwrap() = files[0].text.clone();
        Ok(())
    }

    fn accepted(&self, _: &Loaded) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

fn no_files() -> Rejected {
    Rejected { diagnostics: vec![Diagnostic { message: "no files".into(), ..diagnostic() }] }
}

fn broken() -> Rejected {
    Rejected { diagnostics: vec![diagnostic()] }
}

fn diagnostic() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "unknown_key".into(),
        message: "there is no key `phaes`".into(),
        file: Some("cutover.toml".into()),
        line: Some(3),
        column: Some(7),
        hint: Some("did you mean `phase`?".into()),
    }
}

/// A directory with everything that outlives a process.
pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) loader: Arc<Memory>,
    pub(crate) now_ms: Arc<AtomicU64>,
    started: StdMutex<Vec<Controller>>,
}

impl House {
    pub(crate) fn new(files: &str) -> House {
        let loader = Arc::new(Memory::default());
        *loader.text.lock().unwrap() = files.into();
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        House { dir: tempfile::tempdir().unwrap(), loader, now_ms, started: StdMutex::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> ControlConfig {
        ControlConfig {
            store_url: format!("sqlite://{}", self.path("cutover.db").display()),
            state_file: self.path("state.json"),
            token_file: self.path("admin-token"),
            legacy_all: false,
        }
    }

    pub(crate) async fn start(&self) -> Controller {
        self.start_with(self.config()).await.unwrap()
    }

    pub(crate) async fn start_with(&self, config: ControlConfig) -> Result<Controller, StartError> {
        let now_ms = self.now_ms.clone();
        let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
        let metrics = ControlMetrics::register(&mut Registry::default());
        let loaded = self.loader.load().unwrap();
        let controller =
            Controller::start(config, loaded, self.loader.clone(), metrics, clock).await?;
        self.started.lock().unwrap().push(controller.clone());
        Ok(controller)
    }

    /// Stops everything that was started, so that nothing is written where the directory was.
    pub(crate) async fn end(&self) {
        let started = std::mem::take(&mut *self.started.lock().unwrap());
        for controller in started {
            controller.stop().await;
        }
    }

    /// The store's file goes, and a directory takes its place.
    fn block_store(&self) {
        for name in ["cutover.db", "cutover.db-wal", "cutover.db-shm"] {
            let _ = fs::remove_file(self.path(name));
        }
        fs::create_dir(self.path("cutover.db")).unwrap();
    }

    fn unblock_store(&self) {
        fs::remove_dir(self.path("cutover.db")).unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let is_over = self.started.lock().is_ok_and(|started| started.is_empty());
        assert!(is_over || std::thread::panicking(), "`end` was not awaited");
    }
}

fn ask(id: &str, action: Action) -> MoveAsk {
    MoveAsk {
        scope: Scope::Route(id.into()),
        action,
        expect: None,
        reason: "a test".into(),
        author: Author::token("ann", Role::Approver),
        trigger: Trigger::Operator,
    }
}

const NEXT: Action = Action::Promote { to: None, percent: None, force: false };
const BACK: Action = Action::Rollback { to: None };

fn phase(controller: &Controller, id: &str) -> Phase {
    let table = controller.tables().borrow().clone();
    table.route(id).unwrap().1.state.phase
}

fn code(result: &Result<Answered, Refused>) -> &'static str {
    result.as_ref().map_or_else(|refused| refused.code().as_str(), |_| "ok")
}

async fn until(controller: &Controller, what: impl Fn(&View) -> bool) {
    let mut views = controller.views.clone();
    let waiting = views.wait_for(|view| what(view));
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("in time").unwrap();
}

#[tokio::test]
async fn a_start_publishes_a_table_and_makes_a_token() {
    let house = House::new("read canary 5");
    let controller = house.start().await;
    assert_eq!(phase(&controller, "read"), Phase::Canary);
    assert_eq!(controller.tables().borrow().revision, 1);
    assert_eq!(house.loader.accepted.load(Ordering::Relaxed), 1);
    let text = fs::read_to_string(house.path("admin-token")).unwrap();
    let tokens = controller.view().truth.tokens.clone();
    assert!(crate::token::recognise(&tokens, text.trim(), 0).is_ok());
    controller.stop().await;

    let controller = house.start().await;
    assert_eq!(controller.view().truth.tokens, tokens, "no second token");
    assert_eq!(controller.tables().borrow().revision, 1);
    house.end().await;
}

#[tokio::test]
async fn a_prepared_token_that_is_not_private_stops_the_start() {
    let house = House::new("read legacy");
    fs::write(house.path("admin-token"), "x".repeat(40)).unwrap();
    let error = house.start_with(house.config()).await.unwrap_err();
    assert_eq!(error.code(), "token_file");
    assert!(error.to_string().contains("admin-token"), "{error}");
    house.end().await;
}

#[tokio::test]
async fn a_move_is_in_the_table_when_it_is_answered() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    let answered = controller.move_routes(ask("read", NEXT)).await.unwrap();
    assert_eq!(answered.done.revision, 2);
    let table = controller.tables().borrow().clone();
    assert_eq!((table.revision, phase(&controller, "read")), (2, Phase::Canary));
    let history = controller.history(Some("read"), 10, None).await.unwrap();
    assert_eq!((history.len(), history[0].actor.as_str()), (2, "ann"));
    house.end().await;
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    controller.move_routes(ask("read", NEXT)).await.unwrap();
    // No stop: what a killed process leaves. The state file may or may not be written yet.
    let copy = House::new("read shadow");
    for name in ["cutover.db", "cutover.db-wal", "admin-token"] {
        fs::copy(house.path(name), copy.path(name)).unwrap();
    }
    let again = copy.start().await;
    assert_eq!((phase(&again, "read"), again.tables().borrow().revision), (Phase::Canary, 2));
    copy.end().await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_saw_the_same_exactly_one_moves() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    for round in 0..10 {
        let revision = controller.tables().borrow().route("read").unwrap().1.state.revision;
        let action = if round % 2 == 0 { NEXT } else { BACK };
        let asks =
            [(); 2].map(|()| MoveAsk { expect: Some(revision), ..ask("read", action.clone()) });
        let [one, two] = asks.map(|ask| {
            let controller = controller.clone();
            tokio::spawn(async move { controller.move_routes(ask).await })
        });
        let mut codes = [code(&one.await.unwrap()), code(&two.await.unwrap())];
        codes.sort_unstable();
        assert_eq!(codes, ["ok", "stale_revision"], "round {round}");
    }
    house.end().await;
}

#[tokio::test]
async fn every_process_on_a_store_follows_it() {
    let house = House::new("read shadow\n list shadow");
    let (one, two) = (house.start().await, house.start().await);
    let moved = one.move_routes(ask("read", NEXT)).await.unwrap();
    let mut views = two.views.clone();
    let followed = views.wait_for(|view| view.truth.head >= moved.done.revision);
    tokio::time::timeout(Duration::from_secs(2), followed).await.expect("in time").unwrap();
    assert_eq!(phase(&two, "read"), Phase::Canary);
    assert_eq!(two.tables().borrow().revision, moved.done.revision);

    let put = |name: &str| {
        let (role, sha256) = ("viewer".into(), crate::token::hash(name));
        Token { name: name.into(), role, sha256, created_ms: 0, expires_ms: None }
    };
    let edit = TokenEdit::Put(put("vera"));
    one.ask(Ask::PutToken { edit, bootstrap: false }).await.unwrap();
    until(&two, |view| view.truth.tokens.iter().any(|token| token.name == "vera")).await;
    let remove = Ask::RemoveToken { name: "vera".into(), now_ms: 0 };
    one.ask(remove).await.unwrap();
    until(&two, |view| view.truth.tokens.iter().all(|token| token.name != "vera")).await;
    house.end().await;
}

#[tokio::test]
async fn a_move_meets_what_another_process_did_a_moment_ago() {
    let house = House::new("read shadow\n list live");
    let (one, two) = (house.start().await, house.start().await);
    for round in 0..5 {
        one.move_routes(ask("read", NEXT)).await.unwrap();
        let back = two.move_routes(ask("read", BACK)).await.unwrap();
        assert_eq!(back.done.moved.len(), 1, "round {round}: nobody named a revision");
        assert_eq!(phase(&two, "read"), Phase::Shadow);
    }
    let revision = one.move_routes(ask("read", BACK)).await.unwrap().done.revision;
    let seen = MoveAsk { expect: Some(revision - 1), ..ask("read", NEXT) };
    assert_eq!(code(&two.move_routes(seen).await), "stale_revision");
    let seen = MoveAsk { expect: Some(revision), ..ask("read", NEXT) };
    assert_eq!(code(&two.move_routes(seen).await), "ok");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_one_state_file() {
    let house = House::new("read shadow\n list shadow");
    let (one, two) = (house.start().await, house.start().await);
    let holds = async |controller: Controller, id: &str| {
        for _ in 0..10 {
            controller.move_routes(ask(id, Action::Hold)).await.unwrap();
            controller.move_routes(ask(id, Action::Release)).await.unwrap();
            assert_eq!(controller.unsaved(), None);
        }
    };
    tokio::join!(holds(one, "read"), holds(two, "list"));
    house.end().await;
    let names = fs::read_dir(house.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(state_file::read(&house.path("state.json")).unwrap().unwrap().head > 2);
}

#[tokio::test]
async fn without_store_and_state_nothing_starts() {
    let house = House::new("read live");
    let nowhere = |url: &str| ControlConfig { store_url: url.into(), ..house.config() };
    let start = async |config| house.start_with(config).await.map(drop).unwrap_err();
    let error = start(nowhere("sqlite:///proc/no/cutover.db")).await;
    assert_eq!(error.code(), "no_state");
    assert!(error.to_string().contains("state.json"), "{error}");
    for (url, code) in [("postgres://db/x", "store_url"), ("sqlite://", "store_url")] {
        assert_eq!(start(nowhere(url)).await.code(), code);
    }
    fs::write(house.path("cutover.db"), "x".repeat(4_096)).unwrap();
    assert_eq!(start(house.config()).await.code(), "no_state", "a damaged store");
    fs::write(house.path("state.json"), "{").unwrap();
    assert_eq!(start(house.config()).await.code(), "state_file");
    house.end().await;
}

#[tokio::test]
async fn with_a_last_good_state_it_serves_without_the_store() {
    let house = House::new("read live\n list canary 5");
    let controller = house.start().await;
    controller.move_routes(ask("list", BACK)).await.unwrap();
    controller.stop().await;
    house.block_store();

    let controller = house.start().await;
    assert_eq!(phase(&controller, "read"), Phase::Live);
    assert_eq!(phase(&controller, "list"), Phase::Legacy);
    let down = controller.view().truth.down.clone().unwrap();
    assert!(down.message.contains("cutover.db"), "{}", down.message);
    assert_eq!(code(&controller.move_routes(ask("list", NEXT)).await), "store_unreachable");
    assert_eq!(
        controller.history(None, 1, None).await.unwrap_err().code().as_str(),
        "store_unreachable"
    );
    let answered = controller.move_routes(ask("read", BACK)).await.unwrap();
    assert!(!answered.done.recorded);
    assert_eq!(phase(&controller, "read"), Phase::Legacy);
    assert!(
        fs::read_to_string(house.path("state.json")).unwrap().contains("a test"),
        "what the store does not have is on disk before the answer"
    );

    house.unblock_store();
    until(&controller, |view| view.truth.down.is_none()).await;
    assert_eq!(phase(&controller, "read"), Phase::Legacy);
    let history = controller.history(Some("read"), 10, None).await.unwrap();
    assert!(history.iter().any(|revision| revision.actor == "ann"), "{history:?}");
    assert!(controller.move_routes(ask("list", NEXT)).await.is_ok());
    house.end().await;
}

#[tokio::test]
async fn a_store_that_goes_while_it_runs_is_noticed_and_waited_for() {
    let house = House::new("read live\n list shadow");
    let controller = house.start().await;
    house.block_store();
    assert_eq!(code(&controller.move_routes(ask("list", NEXT)).await), "store_unreachable");
    let answered = controller.set_legacy_all(true).await.unwrap();
    assert!(!answered.done.recorded);
    assert_eq!(phase(&controller, "read"), Phase::Legacy);
    house.unblock_store();
    until(&controller, |view| view.truth.down.is_none()).await;
    assert_eq!(phase(&controller, "read"), Phase::Legacy);
    let triggers: Vec<_> = (controller.history(Some("read"), 10, None).await.unwrap().iter())
        .map(|revision| revision.trigger)
        .collect();
    assert_eq!(triggers, [Trigger::KillSwitch]);
    house.end().await;
}

#[tokio::test]
async fn legacy_all_at_start_holds_from_the_first_table() {
    let house = House::new("read live");
    let config = ControlConfig { legacy_all: true, ..house.config() };
    let controller = house.start_with(config).await.unwrap();
    assert_eq!(phase(&controller, "read"), Phase::Legacy);
    assert!(controller.tables().borrow().routes[0].state.held.is_some());
    house.end().await;
}

#[tokio::test]
async fn a_reload_is_whole_or_not_at_all() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    let set = |text: &str| *house.loader.text.lock().unwrap() = text.into();
    let reload = async || controller.reload(Author::files(), "reload".into()).await;
    set("broken");
    let Err(Refused::Config(rejected)) = reload().await else { panic!("accepted") };
    assert_eq!(rejected.diagnostics, [diagnostic()]);
    assert_eq!(controller.last_reload().unwrap().code().as_str(), "invalid_config");
    assert_eq!(controller.tables().borrow().revision, 1);
    set("read canary 5");
    assert_eq!(reload().await.unwrap().done.revision, 2);
    assert_eq!(controller.last_reload(), None);
    assert_eq!(house.loader.accepted.load(Ordering::Relaxed), 2);
    house.end().await;
}

#[tokio::test]
async fn applied_files_are_in_force_and_on_disk() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    let apply = async |text: &str, expect| {
        let files = vec![ConfigFile { path: "cutover.toml".into(), text: text.into() }];
        let author = Author::token("ci", Role::Migrator);
        controller.apply(files, author, "deploy".into(), expect).await
    };
    assert_eq!(code(&apply("read canary 5", 7).await), "stale_revision");
    assert_eq!(code(&apply("broken", 1).await), "invalid_config");
    assert_eq!(*house.loader.text.lock().unwrap(), "read shadow");
    assert_eq!(code(&apply("read canary 5", 1).await), "ok");
    assert_eq!(*house.loader.text.lock().unwrap(), "read canary 5");
    assert_eq!(controller.history(None, 1, None).await.unwrap()[0].actor, "ci");
    house.loader.unwritable.store(true, Ordering::Relaxed);
    let refused = apply("read live", 2).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "files_not_written");
    assert!(refused.to_string().contains("read-only"), "{refused}");
    assert_eq!(phase(&controller, "read"), Phase::Live, "in force all the same, and it says so");
    house.end().await;
}

#[tokio::test]
async fn after_a_stop_nothing_is_accepted_and_everything_is_written() {
    let house = House::new("read shadow");
    let controller = house.start().await;
    controller.move_routes(ask("read", NEXT)).await.unwrap();
    controller.stop().await;
    assert_eq!(code(&controller.move_routes(ask("read", NEXT)).await), "stopping");
    let truth = state_file::read(&house.path("state.json")).unwrap().unwrap();
    assert_eq!(truth.head, 2);
    assert!(!Path::new(&house.path("cutover.db-wal")).exists(), "the log is folded in");
    house.end().await;
}
