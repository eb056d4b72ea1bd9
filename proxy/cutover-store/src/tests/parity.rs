//! What comparing sides found out: written whole, in turn, within bounds, and never in the way.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::*;

const HOUR: u64 = 3_600_000;

async fn parity(dir: &TempDir) -> ParityStore {
    ParityStore::open(&url(dir), Bounds::default()).await.unwrap()
}

fn cluster(path: &str, count: u64) -> ClusterRow {
    let (path, kind, looks) = (path.into(), "value".into(), "integer→text".into());
    ClusterRow { path, kind, looks, count, first_ms: 10, last_ms: 10 + count }
}

fn sample(id: &str, at_ms: u64) -> SampleRow {
    SampleRow { id: id.into(), at_ms, document: format!("{{\"id\":\"{id}\"}}").into() }
}

/// A route with one cluster that got these samples.
fn change(route: &str, document: &str, samples: &[(&str, u64)]) -> RouteChange {
    let samples: Vec<_> = samples.iter().map(|(id, at_ms)| sample(id, *at_ms)).collect();
    let row = cluster("body.name", samples.len() as u64);
    let clusters = vec![ClusterChange { row, samples, samples_gone: vec![] }];
    RouteChange {
        route: route.into(),
        at_ms: 7,
        document: Some(document.into()),
        other: Some(3),
        clusters,
        ..RouteChange::default()
    }
}

fn ids(kept: &KeptRoute) -> Vec<&str> {
    let samples = kept.clusters.iter().flat_map(|cluster| &cluster.samples);
    samples.map(|sample| sample.id.as_str()).collect()
}

fn code(error: FlushError) -> &'static str {
    match error {
        FlushError::Superseded { .. } => "superseded",
        FlushError::Fault(fault) => fault.code(),
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let dir = dir();
    let store = open(&dir).await;
    let parity = parity(&dir).await;
    let store_id = store.snapshot().await.unwrap().store_id;
    let writer = |generation, released| Writer { store_id: store_id.clone(), generation, released };
    assert_eq!(parity.writer().await.unwrap(), writer(0, true));
    let turn = parity.claim().await.unwrap();
    let both = [change("a", "{}", &[("1", 10), ("2", 11)]), change("b", "[]", &[])];
    parity.flush(turn, &both).await.unwrap();
    parity.close().await;
    store.close().await;

    let again = ParityStore::open(&url(&dir), Bounds::default()).await.unwrap();
    assert_eq!(again.writer().await.unwrap(), writer(1, false));
    let expected = KeptRoute {
        document: Some("{}".into()),
        other: 3,
        updated_ms: 7,
        clusters: vec![KeptCluster {
            row: cluster("body.name", 2),
            samples: vec![sample("1", 10), sample("2", 11)],
        }],
    };
    assert_eq!(again.route("a").await.unwrap(), expected);
    assert_eq!(again.route("b").await.unwrap().document.as_deref(), Some("[]"));
    assert_eq!(again.route("never").await.unwrap(), KeptRoute::default());
}

#[tokio::test]
async fn writing_twice_is_writing_once() {
    let dir = dir();
    let _store = open(&dir).await;
    let parity = parity(&dir).await;
    let turn = parity.claim().await.unwrap();
    let first = change("a", "1", &[("1", 10), ("2", 11)]);
    parity.flush(turn, std::slice::from_ref(&first)).await.unwrap();
    let once = parity.route("a").await.unwrap();
    parity.flush(turn, &[first]).await.unwrap();
    assert_eq!(parity.route("a").await.unwrap(), once);

    // One makes room for another; what is not named stays.
    let mut second = change("a", "2", &[("3", 12)]);
    second.clusters[0].samples_gone = vec!["1".into()];
    (second.document, second.other) = (None, Some(4));
    parity.flush(turn, &[second]).await.unwrap();
    let kept = parity.route("a").await.unwrap();
    assert_eq!((ids(&kept), kept.document.as_deref()), (vec!["2", "3"], Some("1")));
    assert_eq!(kept.other, 4);

    let whole = RouteChange { whole: true, ..change("a", "3", &[("4", 13)]) };
    parity.flush(turn, &[whole]).await.unwrap();
    assert_eq!(ids(&parity.route("a").await.unwrap()), ["4"]);

    let looks_otherwise = ClusterRow { looks: "text→null".into(), ..cluster("body.name", 1) };
    let clusters_gone = vec![looks_otherwise, cluster("body.other", 1)];
    let other = RouteChange { route: "a".into(), clusters_gone, ..RouteChange::default() };
    parity.flush(turn, &[other]).await.unwrap();
    assert_eq!(ids(&parity.route("a").await.unwrap()), ["4"]);
    let clusters_gone = vec![cluster("body.name", 0)];
    let gone = RouteChange { route: "a".into(), clusters_gone, ..RouteChange::default() };
    parity.flush(turn, &[gone]).await.unwrap();
    let kept = parity.route("a").await.unwrap();
    assert_eq!((kept.clusters, kept.document.as_deref()), (vec![], Some("3")));
}

#[tokio::test]
async fn an_older_generation_writes_nothing_any_more() {
    let dir = dir();
    let _store = open(&dir).await;
    let (old, new) = (parity(&dir).await, parity(&dir).await);
    let before = old.claim().await.unwrap();
    old.flush(before, &[change("a", "old", &[])]).await.unwrap();
    old.release(before).await.unwrap();
    assert!(new.writer().await.unwrap().released);
    let turn = new.claim().await.unwrap();
    assert!(turn > before && !new.writer().await.unwrap().released);
    new.flush(turn, &[change("a", "new", &[])]).await.unwrap();

    let late = change("a", "late", &[("9", 1)]);
    assert_eq!(old.flush(before, &[late]).await.map_err(code), Err("superseded"));
    assert_eq!(old.release(before).await.map_err(code), Err("superseded"));
    let retention = Retention { before_ms: u64::MAX, routes: vec![] };
    assert_eq!(old.prune(before, &retention).await.map_err(code), Err("superseded"));
    let kept = new.route("a").await.unwrap();
    assert_eq!((kept.document.as_deref(), ids(&kept)), (Some("new"), vec![]));
}

#[tokio::test]
async fn a_store_of_the_release_before_is_brought_up_to_date() {
    let dir = dir();
    let store = open(&dir).await;
    store.record(&revision(1, vec![super::change("a", 0, at(Phase::Live))])).await.unwrap();
    let undo = "DROP TABLE parity; DROP TABLE parity_sample; DROP TABLE parity_cluster;
                DROP TABLE parity_writer; DROP TABLE decision;
                ALTER TABLE route_state DROP COLUMN held_build; PRAGMA user_version = 2;
                PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(sql, ', ''alert'')', ')');
                PRAGMA writable_schema = RESET";
    sqlx::raw_sql(undo).execute(&store.pool).await.unwrap();
    store.close().await;
    // Whichever is first.
    let (store, parity) = tokio::join!(open(&dir), parity(&dir));
    let turn = parity.claim().await.unwrap();
    parity.flush(turn, &[change("a", "{}", &[("1", 1)])]).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().routes["a"].state.phase, Phase::Live);
    let back = revision(2, vec![super::change("a", 1, at(Phase::Shadow))]);
    store.record(&NewRevision { trigger: Trigger::Alert, ..back }).await.unwrap();
}

#[tokio::test]
async fn old_samples_and_routes_that_are_gone_are_forgotten() {
    let dir = dir();
    let _store = open(&dir).await;
    let parity = parity(&dir).await;
    let turn = parity.claim().await.unwrap();
    let samples = [("old", HOUR), ("older", 0), ("young", 2 * HOUR)];
    let mut gone = change("gone", "{}", &samples);
    let here = change("here", "{}", &samples);
    gone.clusters.push(ClusterChange {
        row: ClusterRow { last_ms: 3 * HOUR, ..cluster("body.other", 1) },
        ..ClusterChange::default()
    });
    parity.flush(turn, &[gone, here]).await.unwrap();
    let retention = Retention { before_ms: 2 * HOUR, routes: vec!["here".into()] };
    let pruned = parity.prune(turn, &retention).await.unwrap();
    assert_eq!(pruned, Pruned { samples_old: 4, samples_shed: 0, more: false });
    let here = parity.route("here").await.unwrap();
    assert_eq!((ids(&here), here.document.is_some()), (vec!["young"], true));
    // One of its clusters still changed.
    let gone_now = parity.route("gone").await.unwrap();
    assert_eq!((gone_now.document, gone_now.clusters.len()), (None, 1));
    let later = Retention { before_ms: 4 * HOUR, ..retention };
    parity.prune(turn, &later).await.unwrap();
    assert_eq!(parity.route("gone").await.unwrap(), KeptRoute::default());
    assert_eq!(parity.route("here").await.unwrap().clusters.len(), 1);
}

#[tokio::test]
async fn forgetting_takes_small_steps() {
    let dir = dir();
    let _store = open(&dir).await;
    let parity = parity(&dir).await;
    let turn = parity.claim().await.unwrap();
    let names: Vec<String> = (0..450).map(|number| number.to_string()).collect();
    let samples: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    parity.flush(turn, &[change("a", "{}", &samples)]).await.unwrap();
    let retention = Retention { before_ms: 2, routes: vec!["a".into()] };
    let mut steps = Vec::new();
    loop {
        let pruned = parity.prune(turn, &retention).await.unwrap();
        steps.push(pruned.samples_old);
        if !pruned.more {
            break;
        }
    }
    assert_eq!(steps, [200, 200, 50]);
}

#[tokio::test]
async fn a_file_that_may_not_grow_sheds_its_oldest_samples_and_still_takes_revisions() {
    let dir = dir();
    let store = open(&dir).await;
    let bounds = Bounds { file_bytes_max: 1 << 20, ..Bounds::default() };
    let parity = ParityStore::open(&url(&dir), bounds).await.unwrap();
    let turn = parity.claim().await.unwrap();
    let long: std::sync::Arc<str> = "x".repeat(32 * 1024).into();
    let fill = async |number: u64| {
        let mut change = change("a", "{}", &[(&number.to_string(), number)]);
        change.clusters[0].samples[0].document.clone_from(&long);
        parity.flush(turn, &[change]).await
    };
    let mut written = 0;
    let full = loop {
        match fill(written).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "it grows without end");
    };
    assert_eq!(code(full), "store_unwritable");
    assert_eq!(ids(&parity.route("a").await.unwrap()).len() as u64, written, "all or nothing");
    // Revisions are not held to that bound.
    let reason = "x".repeat(64 * 1024);
    let new = NewRevision { reason, ..revision(2, vec![super::change("a", 0, at(Phase::Live))]) };
    assert_eq!(store.record(&new).await.unwrap(), 1);

    let keep = Retention { before_ms: 0, routes: vec!["a".into()] };
    let pruned = parity.prune(turn, &keep).await.unwrap();
    assert!(pruned.samples_shed > 0, "{pruned:?}");
    fill(written).await.unwrap();
    assert!(ids(&parity.route("a").await.unwrap()).contains(&written.to_string().as_str()));
}

#[tokio::test]
async fn the_last_of_a_disk_is_left_to_revisions() {
    let dir = dir();
    let store = open(&dir).await;
    let bounds = Bounds { disk_bytes_free_min: u64::MAX, ..Bounds::default() };
    let turn = parity(&dir).await.claim().await.unwrap();
    let parity = ParityStore::open(&url(&dir), bounds).await.unwrap();
    let flushed = parity.flush(turn, &[change("a", "{}", &[])]).await;
    assert_eq!(flushed.map_err(code), Err("store_reserve"));
    let refused = parity.claim().await.unwrap_err();
    assert_eq!(refused.code(), "store_reserve");
    let words = format!("{refused}; {}", refused.hint());
    assert!(words.contains("less than 32 MiB free") && words.contains("revisions"), "{words}");
    store.record(&revision(1, vec![])).await.unwrap();
    // What takes no room still works.
    parity.release(turn).await.unwrap();
    assert_eq!(parity.route("a").await.unwrap(), KeptRoute::default());
}

#[tokio::test]
async fn a_file_that_is_held_missing_or_replaced() {
    let dir = dir();
    let absent = ParityStore::open(&url(&dir), Bounds::default()).await.map(drop);
    assert_eq!(absent.unwrap_err().code(), "store_gone");
    let file = dir.path().join("cutover.db");
    assert!(!file.exists(), "only revisions create a store");

    let _store = open(&dir).await;
    let parity = parity(&dir).await;
    let turn = parity.claim().await.unwrap();
    let options = SqliteConnectOptions::new().filename(&file).busy_timeout(Duration::ZERO);
    let mut other = options.connect().await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let change = [change("a", "{}", &[])];
    assert_eq!(parity.flush(turn, &change).await.map_err(code), Err("store_busy"));
    assert_eq!(parity.route("a").await.unwrap(), KeptRoute::default(), "reading goes on");
    let second = ParityStore::open(&url(&dir), Bounds::default()).await;
    second.expect("an up-to-date store is opened without a lock");
    lock.rollback().await.unwrap();
    parity.flush(turn, &change).await.unwrap();

    parity.look().unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(parity.look().unwrap_err().code(), "store_gone");
    assert_eq!(parity.flush(turn, &change).await.map_err(code), Err("store_gone"));
    assert_eq!(parity.claim().await.unwrap_err().code(), "store_gone");
    assert_eq!(parity.writer().await.unwrap_err().code(), "store_gone");
    assert_eq!(parity.route("a").await.unwrap_err().code(), "store_gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_and_parity_do_not_stop_each_other() {
    let dir = dir();
    let store = open(&dir).await;
    let parity = parity(&dir).await;
    let turn = parity.claim().await.unwrap();
    let document = "x".repeat(512 * 1024);
    let recording = async {
        for round in 0..40 {
            let change = super::change("a", round, at(Phase::Live));
            store.record(&revision(round, vec![change])).await.unwrap();
        }
    };
    let flushing = async {
        for round in 0..40 {
            parity.flush(turn, &[change("a", &format!("{round}{document}"), &[])]).await.unwrap();
        }
    };
    tokio::join!(recording, flushing);
    assert_eq!(store.snapshot().await.unwrap().revision, 40);
    assert!(parity.route("a").await.unwrap().document.unwrap().starts_with("39x"));
}

#[tokio::test]
async fn damage_to_parity_does_not_cost_revisions() {
    let dir = dir();
    let store = open(&dir).await;
    store.record(&revision(1, vec![super::change("a", 0, at(Phase::Live))])).await.unwrap();
    let before = parity(&dir).await;
    let turn = before.claim().await.unwrap();
    let long = "x".repeat(64 * 1024);
    before.flush(turn, &[change("a", &long, &[("1", 1)])]).await.unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'parity'";
    let root: i64 = sqlx::query_scalar(root).fetch_one(&store.pool).await.unwrap();
    before.close().await;
    store.close().await;
    let file = dir.path().join("cutover.db");
    let mut bytes = fs::read(&file).unwrap();
    let page = (root as usize - 1) * 4_096;
    bytes[page..page + 4_096].fill(0xff);
    write(&file, &bytes);

    let store = open(&dir).await;
    assert_eq!(store.snapshot().await.unwrap().routes["a"].state.phase, Phase::Live);
    assert_eq!(store.record(&revision(2, vec![])).await.unwrap(), 2);
    let after = parity(&dir).await;
    assert_eq!(after.route("a").await.unwrap_err().code(), "store_corrupt");
    let turn = after.claim().await.unwrap();
    let flushed = after.flush(turn, &[change("a", "{}", &[])]).await;
    assert_eq!(flushed.map_err(code), Err("store_corrupt"));
}
