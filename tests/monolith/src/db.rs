//! The monolith's own SQLite database: one writer, a few readers, WAL, foreign keys on.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::value::RawValue;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};

mod seed;

pub(crate) use seed::is_password;

/// Readers at once; a request beyond them waits up to [`ACQUIRE_TIMEOUT`].
const READERS_MAX: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a new database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Tables only.
    #[default]
    Empty,
    /// Three users, three homes, 40 devices with events, commands and files, and this many devices
    /// more spread over the homes. The same rows every time.
    Demo {
        /// Devices beyond the 40.
        extra_devices: u32,
    },
}

impl std::str::FromStr for Seed {
    type Err = String;

    /// `demo` or `demo:N` with N extra devices.
    fn from_str(text: &str) -> Result<Seed, String> {
        let extra = match text.split_once(':') {
            None if text == "demo" => Some(0),
            Some(("demo", extra)) => extra.parse().ok(),
            _ => None,
        };
        let seed = extra.map(|extra_devices| Seed::Demo { extra_devices });
        seed.ok_or_else(|| {
            format!("unknown seed `{text}`; write `demo`, or `demo:1000` for 1000 devices more")
        })
    }
}

/// Pools over one file. Writes are serialized by the one writing connection.
pub(crate) struct Db {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Db {
    /// Opens or creates `path`, makes the tables and, when there is no user yet, plants `seed`.
    pub(crate) async fn open(path: &Path, seed: Seed) -> anyhow::Result<Db> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
        };
        let opened = pool(1).connect_with(options.clone()).await;
        let writer =
            opened.with_context(|| format!("cannot open the database {}", path.display()))?;
        sqlx::raw_sql(include_str!("db/schema.sql")).execute(&writer).await?;
        let readers = pool(READERS_MAX).connect_with(options.read_only(true)).await?;
        let db = Db { readers, writer };
        if let Seed::Demo { extra_devices } = seed {
            let planted = seed::plant(&db, extra_devices).await;
            planted.context("cannot plant the demo seed")?;
        }
        Ok(db)
    }

    /// Where reads go.
    pub(crate) fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// A consistent view over several reads.
    pub(crate) async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.readers.begin().await
    }

    /// A write transaction, rolled back unless committed.
    pub(crate) async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Ends all connections; the write-ahead log is folded into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A column of JSON text, kept as it is.
pub(crate) fn json_text(row: &SqliteRow, column: &'static str) -> sqlx::Result<Box<RawValue>> {
    RawValue::from_string(row.try_get(column)?).map_err(|source| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(source),
    })
}
