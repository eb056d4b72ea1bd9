//! A service's own SQLite database: one writing connection, several reading ones.
//!
//! WAL with `synchronous=FULL`: what was acknowledged survives a power cut. Refused: an SQLite
//! before 3.51.3, whose WAL-reset fault can corrupt a file with two connections, so that linking the
//! system's old library is noticed at the start.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{SqlSafeStr, Sqlite, Transaction};

/// Reading connections; a reader beyond them waits up to [`ACQUIRE_TIMEOUT`].
const READERS_MAX: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Takes the lock at once: a reader that becomes a writer could be refused half-way.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// Has the fix of the WAL-reset fault (<https://sqlite.org/wal.html>, "The WAL-Reset Bug").
const SQLITE_MIN: [u32; 3] = [3, 51, 3];

/// Connection pools over one file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    readers: SqlitePool,
    writer: SqlitePool,
}

/// One step of the schema, compiled into the service. Never edited once released: sqlx refuses a
/// database whose applied steps have other text.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Rising without gaps from 1.
    pub version: i64,
    /// A few words.
    pub name: &'static str,
    /// Statements, run in one transaction.
    pub sql: &'static str,
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such directory, no permission, no database, locked.
    #[error("cannot open the database {}", path.display())]
    Connect {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// Schema steps failed or do not fit the file.
    #[error("cannot bring the schema of {} up to date", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Which step, and why.
        #[source]
        source: MigrateError,
    },
    /// The library linked is too old.
    #[error("SQLite {found} can corrupt a database in WAL mode; link 3.51.3 or later")]
    Version {
        /// The version linked.
        found: String,
    },
}

impl Database {
    /// Opens or creates `path` and brings its schema up to date.
    pub async fn open(path: &Path, steps: &[Step]) -> Result<Database, OpenError> {
        let refused = |source| OpenError::Connect { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(refused)?;
        check_version(&writer, path).await?;
        let migrator = Migrator::with_migrations(steps.iter().map(Step::migration).collect());
        let migrated = migrator.run(&writer).await;
        migrated.map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        let readers =
            pool(READERS_MAX).connect_with(options.read_only(true)).await.map_err(refused)?;
        Ok(Database { readers, writer })
    }

    /// Where single reads go.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// One consistent view for several reads.
    pub async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.readers.begin().await
    }

    /// A write transaction, rolled back unless committed. Writers queue up for the one connection.
    ///
    /// It knows of no dry run: only for what the internal listener serves. Handlers of public
    /// requests have [`crate::dry_run::Write`].
    pub async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        match self.writer.begin_with(BEGIN).await {
            // A statement ended the last transaction behind sqlx's back, so that this connection
            // would never begin another.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        }
    }

    /// Whether a statement runs: what readiness asks.
    pub async fn check(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await.map(drop)
    }

    /// Ends all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn check_version(pool: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(pool)
        .await
        .map_err(|source| OpenError::Connect { path: path.to_owned(), source })?;
    if is_new_enough(&found) { Ok(()) } else { Err(OpenError::Version { found }) }
}

fn is_new_enough(version: &str) -> bool {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts.is_some_and(|parts| parts.as_slice() >= SQLITE_MIN.as_slice())
}

impl Step {
    fn migration(&self) -> Migration {
        let sql = self.sql.into_sql_str();
        Migration::new(self.version, self.name.into(), MigrationType::Simple, sql, false)
    }
}

#[cfg(test)]
mod tests;
