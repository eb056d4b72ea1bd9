//! Whatever can happen to the file: each has its code, and nothing is half done.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::*;

async fn refused(url: &str) -> OpenError {
    Store::open(url).await.map(drop).unwrap_err()
}

async fn raw(dir: &TempDir) -> sqlx::SqliteConnection {
    let file = dir.path().join("cutover.db");
    let busy = Duration::from_millis(10);
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.busy_timeout(busy).connect().await.unwrap()
}

#[tokio::test]
async fn addresses_that_are_no_store() {
    for url in [
        "",
        "cutover.db",
        "mysql://x/y",
        "sqlite://",
        "sqlite://x?mode=ro",
        "sqlite://:memory:",
        "postgres://ann:secret@db/cutover",
        "postgresql://db/cutover",
    ] {
        let error = refused(url).await;
        assert_eq!(error.code(), "store_url", "{url}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(refused("postgres://db/x").await.to_string().contains("PostgreSQL"));
}

#[tokio::test]
async fn places_that_cannot_be_written() {
    let dir = dir();
    write(&dir.path().join("file"), b"");
    let missing = dir.path().join("missing/cutover.db");
    let inside_a_file = dir.path().join("file/cutover.db");
    for path in [missing.as_path(), &inside_a_file, Path::new("/proc/cutover.db"), dir.path()] {
        let error = refused(&format!("sqlite://{}", path.display())).await;
        assert_eq!(error.code(), "store_unwritable", "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let dir = dir();
    write(&dir.path().join("cutover.db"), &[b'x'; 4096]);
    assert_eq!(refused(&url(&dir)).await.code(), "store_corrupt");
}

#[tokio::test]
async fn a_damaged_page() {
    let dir = dir();
    let store = open(&dir).await;
    for round in 0..50 {
        let new = revision(1, vec![change(&format!("route-{round}"), 0, at(Phase::Live))]);
        store.record(&new).await.unwrap();
    }
    store.close().await;
    let file = dir.path().join("cutover.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0xff);
    write(&file, &bytes);
    assert_eq!(refused(&url(&dir)).await.code(), "store_corrupt");
    assert_eq!(fs::read(&file).unwrap(), bytes, "it is evidence: left as it was");
}

#[tokio::test]
async fn a_store_of_a_newer_release() {
    let dir = dir();
    open(&dir).await.close().await;
    let mut raw = raw(&dir).await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let error = refused(&url(&dir)).await;
    assert_eq!(error.code(), "store_too_new");
    assert!(error.to_string().contains("99"), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program() {
    let dir = dir();
    let mut raw = raw(&dir).await;
    sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    assert_eq!(refused(&url(&dir)).await.code(), "store_foreign");
}

#[tokio::test]
async fn a_file_removed_or_replaced_while_open() {
    let dir = dir();
    let store = open(&dir).await;
    let file = dir.path().join("cutover.db");
    fs::remove_file(&file).unwrap();
    let code = |error: RecordError| error.code();
    assert_eq!(store.record(&revision(1, vec![])).await.map_err(code), Err("store_gone"));
    fs::create_dir(&file).unwrap();
    assert_eq!(store.record(&revision(1, vec![])).await.map_err(code), Err("store_gone"));
    assert_eq!(store.snapshot().await.unwrap_err().code(), "store_gone");
    assert_eq!(store.history(None, 1, None).await.unwrap_err().code(), "store_gone");
    assert_eq!(store.remove_token("x").await.unwrap_err().code(), "store_gone");
    assert_eq!(store.probe().await.unwrap_err().code(), "store_gone");
}

#[tokio::test]
async fn a_file_that_another_process_holds() {
    let dir = dir();
    let store = open(&dir).await;
    let mut raw = raw(&dir).await;
    let lock = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let code = |error: RecordError| error.code();
    assert_eq!(store.record(&revision(1, vec![])).await.map_err(code), Err("store_busy"));
    assert_eq!(store.snapshot().await.unwrap().revision, 0, "reading goes on");
    assert_eq!(store.probe().await.unwrap_err().code(), "store_busy");
    lock.rollback().await.unwrap();
    assert!(store.probe().await.is_ok());
    assert_eq!(store.record(&revision(1, vec![])).await.map_err(code), Ok(1));
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_recorded() {
    let dir = dir();
    let store = open(&dir).await;
    store.record(&revision(1, vec![change("a", 0, at(Phase::Live))])).await.unwrap();
    // The limit belongs to a connection, so every one that the pool may open gets it.
    let mut all = Vec::new();
    for _ in 0..store.pool.options().get_max_connections() {
        let mut one = store.pool.acquire().await.unwrap();
        let pages: i64 =
            sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *one).await.unwrap();
        let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(limit).execute(&mut *one).await.unwrap();
        all.push(one);
    }
    drop(all);

    let reason = "x".repeat(64 * 1024);
    let new = NewRevision { reason, ..revision(2, vec![change("a", 1, at(Phase::Shadow))]) };
    assert_eq!(store.record(&new).await.unwrap_err().code(), "store_unwritable");
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!((snapshot.revision, snapshot.routes["a"].state.phase), (1, Phase::Live));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_damage_not_a_guess() {
    let dir = dir();
    let store = open(&dir).await;
    store.record(&revision(1, vec![change("a", 0, at(Phase::Live))])).await.unwrap();
    let sql = "PRAGMA ignore_check_constraints = 1; UPDATE route_state SET phase = 'sideways'";
    sqlx::raw_sql(sql).execute(&store.pool).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap_err().code(), "store_corrupt");
}

#[test]
fn every_kind_has_its_own_code_and_a_hint() {
    let mut codes: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.code()).collect();
    codes.dedup();
    assert_eq!(codes.len(), FaultKind::ALL.len());
    assert!(FaultKind::ALL.iter().all(|kind| !kind.hint().is_empty()));
}
