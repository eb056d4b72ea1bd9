use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::*;

/// The monolith's tables, as far as they matter here, with one good and several broken devices.
async fn database(dir: &std::path::Path) -> String {
    let path = dir.join("monolith.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE homes (id INTEGER PRIMARY KEY, owner_id INTEGER);
         CREATE TABLE devices (id INTEGER PRIMARY KEY AUTOINCREMENT, home_id INTEGER, name TEXT, kind TEXT,
             firmware TEXT, state TEXT, created_at TEXT, updated_at TEXT, version INTEGER);
         CREATE TABLE device_tombstones (id INTEGER PRIMARY KEY, version INTEGER, deleted_at TEXT);
         INSERT INTO devices VALUES
             (1, 1, 'good', 'lamp', '1', '{}', '2024-03-01 12:34:56', '2024-03-01 12:34:56', 1),
             (2, 1, 'zero date', 'lamp', '1', '{}', '0000-00-00 00:00:00', '2024-03-01 12:34:56', 1),
             (3, 1, NULL, 'lamp', '1', '{}', '2024-03-01 12:34:56', '2024-03-01 12:34:56', 1),
             (4, 1, 'no version', 'lamp', '1', '{}', '2024-03-01 12:34:56', '2024-03-01 12:34:56', 0),
             (5, 1, 'no state', 'lamp', '1', '', '2024-03-01 12:34:56', '2024-03-01 12:34:56', 1);
         DELETE FROM sqlite_sequence; INSERT INTO sqlite_sequence VALUES ('devices', 9);",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    format!("sqlite://{}", path.display())
}

#[tokio::test]
async fn broken_rows_are_named_and_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let legacy = Legacy::open(&database(dir.path()).await).await.unwrap();
    let page = legacy.page(Entity::Devices, 0, i64::MAX, 10).await.unwrap();
    let ids: Vec<i64> = page.rows.iter().map(|row| row.digest.id).collect();
    assert_eq!((ids, page.count, page.last), (vec![1, 5], 5, Some(5)));
    let named: Vec<(i64, &str)> =
        page.unreadable.iter().map(|row| (row.id, row.why.as_str())).collect();
    assert_eq!(named[0], (2, "column created_at: not a date of the form YYYY-MM-DD HH:MM:SS"));
    assert_eq!(named[1], (3, "column name: NULL"));
    assert_eq!(named[2], (4, "column version: not above 0"));
    assert_eq!(legacy.device_id_max().await.unwrap(), 9);
}

#[tokio::test]
async fn pages_keep_to_their_range() {
    let dir = tempfile::tempdir().unwrap();
    let legacy = Legacy::open(&database(dir.path()).await).await.unwrap();
    for (after, upto, limit, last) in
        [(0, i64::MAX, 2, Some(2)), (2, 4, 9, Some(4)), (5, i64::MAX, 9, None)]
    {
        let page = legacy.page(Entity::Devices, after, upto, limit).await.unwrap();
        assert_eq!(page.last, last, "{after} {upto} {limit}");
    }
    assert_eq!(legacy.count(Entity::Devices).await.unwrap(), 5);
    assert_eq!(legacy.count_after(Entity::Devices, 3).await.unwrap(), 2);
}

#[tokio::test]
async fn the_monolith_cannot_be_written_and_a_wrong_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let url = database(dir.path()).await;
    let legacy = Legacy::open(&url).await.unwrap();
    let error = sqlx::query("DELETE FROM devices").execute(&legacy.pool).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");

    for url in ["postgres://x", "sqlite://", "sqlite://a?mode=rwc", "/a"] {
        assert!(matches!(Legacy::open(url).await, Err(LegacyError::Address { .. })), "{url}");
    }
    let missing = format!("sqlite://{}", dir.path().join("missing.db").display());
    let error = Legacy::open(&missing).await.unwrap_err().to_string();
    assert!(error.contains("missing.db: check the path"), "{error}");
    assert!(!dir.path().join("missing.db").exists());
    let empty = dir.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    let error = Legacy::open(&format!("sqlite://{}", empty.display())).await.unwrap_err();
    assert!(error.to_string().contains("cannot read homes of the monolith"), "{error}");
}
