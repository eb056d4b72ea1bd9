use super::*;

const FIRST: Step =
    Step { version: 1, name: "first", sql: "CREATE TABLE t (id INTEGER PRIMARY KEY)" };
const SECOND: Step = Step { version: 2, name: "second", sql: "ALTER TABLE t ADD COLUMN name TEXT" };

async fn pragma(database: &Database, sql: &'static str) -> String {
    let mut tx = database.write().await.unwrap();
    let value: String = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap();
    value
}

#[tokio::test]
async fn opens_durably_and_migrates_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.db");
    let database = Database::open(&path, &[FIRST]).await.unwrap();
    assert_eq!(pragma(&database, "SELECT journal_mode FROM pragma_journal_mode").await, "wal");
    assert_eq!(
        pragma(&database, "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await,
        "2"
    );
    database.close().await;
    let database = Database::open(&path, &[FIRST, SECOND]).await.unwrap();
    let mut tx = database.write().await.unwrap();
    sqlx::query("INSERT INTO t (name) VALUES ('a')").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(database.read()).await.unwrap();
    assert_eq!(count, 1);
    database.check().await.unwrap();
    database.close().await;
    assert!(database.check().await.is_err());
}

#[tokio::test]
async fn readers_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(&dir.path().join("own.db"), &[FIRST]).await.unwrap();
    let refused = sqlx::query("INSERT INTO t (id) VALUES (1)").execute(database.read()).await;
    assert!(refused.unwrap_err().to_string().contains("readonly"));
}

#[tokio::test]
async fn a_changed_step_and_a_missing_directory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.db");
    Database::open(&path, &[FIRST]).await.unwrap().close().await;
    let changed = Step { sql: "CREATE TABLE u (id INTEGER)", ..FIRST };
    let error = Database::open(&path, &[changed]).await.unwrap_err();
    assert!(matches!(error, OpenError::Migrate { .. }), "{error}");
    let error = Database::open(&dir.path().join("no/own.db"), &[FIRST]).await.unwrap_err();
    assert!(matches!(error, OpenError::Connect { .. }), "{error}");
}

#[test]
fn old_libraries_are_recognised() {
    for (version, expected) in [
        ("3.51.3", true),
        ("3.52.0", true),
        ("4.0", true),
        ("3.51.2", false),
        ("3.40.1", false),
        ("?", false),
    ] {
        assert_eq!(is_new_enough(version), expected, "{version}");
    }
}
