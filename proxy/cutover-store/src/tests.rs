use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use cutover_domain::{Held, Percent, Phase, RouteState, Target};
use tempfile::TempDir;

use crate::*;

mod decisions;
mod faults;
mod latches;
mod parity;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn url(dir: &TempDir) -> String {
    format!("sqlite://{}", dir.path().join("cutover.db").display())
}

async fn open(dir: &TempDir) -> Store {
    Store::open(&url(dir)).await.unwrap()
}

fn at(phase: Phase) -> RouteState {
    RouteState::INITIAL.at(Target::phase(phase), 0)
}

fn change(route: &str, expected: u64, after: RouteState) -> Change {
    Change { route: route.into(), expected, after, declared: None }
}

fn revision(at_ms: u64, changes: Vec<Change>) -> NewRevision {
    NewRevision {
        at_ms,
        actor: "ann".into(),
        reason: "a test".into(),
        trigger: Trigger::Operator,
        forced: false,
        above: 0,
        config_hash: None,
        listing: Listing::default(),
        changes,
    }
}

#[tokio::test]
async fn a_new_store_is_empty_private_and_named() {
    let dir = dir();
    let store = open(&dir).await;
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!((snapshot.revision, snapshot.config_hash), (0, None));
    assert!(snapshot.routes.is_empty() && snapshot.tokens.is_empty());
    assert_eq!(snapshot.store_id.len(), 32);
    assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let other = tempfile::tempdir().unwrap();
    let other = Store::open(&url(&other)).await.unwrap().snapshot().await.unwrap();
    assert_ne!(snapshot.store_id, other.store_id);
}

#[tokio::test]
async fn settings_are_the_safe_ones() {
    let dir = dir();
    let store = open(&dir).await;
    let ask = async |pragma: &'static str| -> String {
        let text =
            sqlx::AssertSqlSafe(format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"));
        sqlx::query_scalar(text).fetch_one(&store.pool).await.unwrap()
    };
    assert_eq!(ask("journal_mode").await, "wal");
    assert_eq!(ask("synchronous").await, "2");
    assert_eq!(ask("foreign_keys").await, "1");
}

#[tokio::test]
async fn a_revision_is_there_after_reopening() {
    let dir = dir();
    let store = open(&dir).await;
    let mut new = revision(7, vec![change("a", 0, at(Phase::Shadow))]);
    new.config_hash = Some("h1".into());
    new.changes[0].declared = Some(Target::phase(Phase::Shadow));
    assert_eq!(store.record(&new).await.unwrap(), 1);
    store.close().await;

    let snapshot = open(&dir).await.snapshot().await.unwrap();
    assert_eq!((snapshot.revision, snapshot.config_hash.as_deref()), (1, Some("h1")));
    let declared = Some(Target::phase(Phase::Shadow));
    let state = RouteState { revision: 1, ..at(Phase::Shadow) };
    assert_eq!(snapshot.routes["a"], RouteRecord { state, declared, changed_at_ms: 7 });
}

#[tokio::test]
async fn a_commit_survives_the_process() {
    let (dir, copy) = (dir(), tempfile::tempdir().unwrap());
    let store = open(&dir).await;
    store.record(&revision(1, vec![change("a", 0, at(Phase::Live))])).await.unwrap();
    // What kill -9 leaves: the file and its log, connections never closed.
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let after = open(&copy).await.snapshot().await.unwrap();
    assert_eq!(after, store.snapshot().await.unwrap());
    assert_eq!(after.routes["a"].state.phase, Phase::Live);
}

#[tokio::test]
async fn a_stale_change_writes_nothing_and_says_where_the_route_is() {
    let dir = dir();
    let store = open(&dir).await;
    store.record(&revision(1, vec![change("a", 0, at(Phase::Shadow))])).await.unwrap();
    let both = vec![change("b", 0, at(Phase::Live)), change("a", 0, at(Phase::Live))];
    let RecordError::Stale { route, expected, found, present } =
        store.record(&revision(2, both)).await.unwrap_err()
    else {
        panic!("not stale")
    };
    assert_eq!((route.as_str(), expected, found), ("a", 0, 1));
    assert_eq!(present.unwrap().state.phase, Phase::Shadow);
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.revision, 1);
    assert!(!snapshot.routes.contains_key("b"), "the other half was written");

    let RecordError::Stale { found, present, .. } =
        store.record(&revision(3, vec![change("never", 4, at(Phase::Live))])).await.unwrap_err()
    else {
        panic!("not stale")
    };
    assert_eq!((found, present), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_movers_with_the_same_view_exactly_one_wins() {
    let dir = dir();
    let (one, two) = (open(&dir).await, open(&dir).await);
    for round in 0..20 {
        let expected = round;
        let live = revision(round, vec![change("a", expected, at(Phase::Live))]);
        let shadow = revision(round, vec![change("a", expected, at(Phase::Shadow))]);
        let (one, two) = tokio::join!(one.record(&live), two.record(&shadow));
        let codes: Vec<_> =
            [one, two].into_iter().filter_map(|done| done.err().map(|e| e.code())).collect();
        assert_eq!(codes, ["stale_revision"], "round {round}");
    }
    assert_eq!(one.snapshot().await.unwrap().revision, 20);
}

#[tokio::test]
async fn numbers_rise_above_what_the_node_had_given_out() {
    let dir = dir();
    let store = open(&dir).await;
    let above = NewRevision { above: 41, ..revision(1, vec![]) };
    assert_eq!(store.record(&above).await.unwrap(), 42);
    assert_eq!(store.record(&above).await.unwrap(), 43);
    assert_eq!(store.record(&revision(1, vec![])).await.unwrap(), 44);
}

#[tokio::test]
async fn latches_are_kept_with_their_revision() {
    let dir = dir();
    let store = open(&dir).await;
    let held = |cause: &str| RouteState { held: Some(Held::because(cause)), ..at(Phase::Live) };
    store.record(&revision(1, vec![change("a", 0, at(Phase::Live))])).await.unwrap();
    store.record(&revision(2, vec![change("a", 1, held("x"))])).await.unwrap();
    // The same latch again, with another move: it is still the one put on at revision 2.
    store.record(&revision(3, vec![change("a", 2, held("x"))])).await.unwrap();
    let held_revision = async || -> Option<i64> {
        let sql = "SELECT held_revision FROM route_state WHERE route = 'a'";
        sqlx::query_scalar(sql).fetch_one(&store.pool).await.unwrap()
    };
    assert_eq!(held_revision().await, Some(2));
    store.record(&revision(4, vec![change("a", 3, held("y"))])).await.unwrap();
    assert_eq!(held_revision().await, Some(4));
    store.record(&revision(5, vec![change("a", 4, at(Phase::Live))])).await.unwrap();
    assert_eq!(held_revision().await, None);

    let latches: Vec<_> = (store.history(Some("a"), 10, None).await.unwrap().iter())
        .map(|revision| revision.changes[0].latch)
        .collect();
    let (held, released) = (Some(LatchChange::Held), Some(LatchChange::Released));
    assert_eq!(latches, [released, held, None, held, None]);
    assert_eq!(store.snapshot().await.unwrap().routes["a"].changed_at_ms, 1, "it never moved");
}

#[tokio::test]
async fn history_is_newest_first_and_can_be_paged_and_filtered() {
    let dir = dir();
    let store = open(&dir).await;
    let percent = Percent::from_basis_points(1250).unwrap();
    let canary = RouteState::INITIAL.at(Target::canary(percent), 0);
    let both = vec![change("a", 0, at(Phase::Shadow)), change("b", 0, at(Phase::Shadow))];
    store.record(&revision(1, both)).await.unwrap();
    store.record(&revision(2, vec![change("a", 1, canary)])).await.unwrap();
    let only_config = NewRevision { config_hash: Some("h".into()), ..revision(3, vec![]) };
    store.record(&only_config).await.unwrap();

    let numbers = async |route, limit, before| -> Vec<(u64, usize)> {
        let history = store.history(route, limit, before).await.unwrap();
        history.iter().map(|r| (r.revision, r.changes.len())).collect()
    };
    assert_eq!(numbers(None, 10, None).await, [(3, 0), (2, 1), (1, 2)]);
    assert_eq!(numbers(None, 1, None).await, [(3, 0)]);
    assert_eq!(numbers(None, 10, Some(2)).await, [(1, 2)]);
    assert_eq!(numbers(Some("b"), 10, None).await, [(1, 1)]);
    assert_eq!(numbers(Some("never"), 10, None).await, []);
    let history = store.history(Some("a"), 1, None).await.unwrap();
    let expected = RecordedChange {
        route: "a".into(),
        from: Target::phase(Phase::Shadow),
        to: Target::canary(percent),
        latch: None,
    };
    assert_eq!(history[0].changes, [expected]);
}

#[tokio::test]
async fn tokens_are_unique_and_removable() {
    let dir = dir();
    let store = open(&dir).await;
    let token = Token {
        name: "ci".into(),
        role: "migrator".into(),
        sha256: [7; 32],
        created_ms: 1,
        expires_ms: Some(9),
    };
    store.put_token(&token).await.unwrap();
    assert_eq!(store.put_token(&token).await.unwrap_err().code(), "token_exists");
    assert_eq!(store.snapshot().await.unwrap().tokens, [token]);
    assert!(store.remove_token("ci").await.unwrap());
    assert!(!store.remove_token("ci").await.unwrap());
}

#[test]
fn versions_are_compared_as_numbers() {
    for (version, safe) in
        [("3.51.3", true), ("3.51.10", true), ("3.52.0", true), ("4.0.0", true), ("3.51.2", false)]
    {
        assert_eq!(open::is_safe_version(version), safe, "{version}");
    }
    assert!(
        !open::is_safe_version("3.9.9")
            && !open::is_safe_version("")
            && !open::is_safe_version("x")
    );
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn the_head_tells_what_another_process_did() {
    let dir = dir();
    let (store, other) = (open(&dir).await, open(&dir).await);
    assert_eq!(store.head().await.unwrap(), Head { revision: 0, tokens: Vec::new() });
    other.record(&revision(1, vec![change("a", 0, at(Phase::Shadow))])).await.unwrap();
    let token = Token {
        name: "ann".into(),
        role: "viewer".into(),
        sha256: [7; 32],
        created_ms: 1,
        expires_ms: None,
    };
    other.put_token(&token).await.unwrap();
    assert_eq!(store.head().await.unwrap(), Head { revision: 1, tokens: vec![token] });
    other.remove_token("ann").await.unwrap();
    assert!(store.head().await.unwrap().tokens.is_empty());
    fs::remove_file(store.path()).unwrap();
    assert_eq!(store.head().await.unwrap_err().kind, FaultKind::Gone);
}

#[tokio::test]
async fn history_names_routes_that_came_and_went() {
    let dir = dir();
    let store = open(&dir).await;
    let both = Listing { added: vec!["b".into(), "c".into()], removed: vec!["a".into()] };
    store.record(&revision(1, vec![change("a", 0, at(Phase::Shadow))])).await.unwrap();
    store.record(&NewRevision { listing: both.clone(), ..revision(2, vec![]) }).await.unwrap();
    let history = store.history(None, 10, None).await.unwrap();
    assert_eq!((&history[0].listing, &history[1].listing), (&both, &Listing::default()));
    let of_a = store.history(Some("a"), 10, None).await.unwrap();
    assert_eq!(of_a.iter().map(|of| of.revision).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(of_a[0].listing, Listing { added: vec![], removed: vec!["a".into()] });
    assert_eq!(store.history(Some("c"), 10, None).await.unwrap()[0].listing.added, ["c"]);
}
