//! Opening the file: safe settings, a version that can be trusted, a schema that is known.

use std::{
    fs,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::statvfs;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    fault::{Fault, FaultKind, OpenError},
    schema::{self, Found, STEPS},
};

/// The oldest SQLite without known WAL data loss (<https://sqlite.org/wal.html#walresetbug>).
const SQLITE_MIN: (&str, [u32; 3]) = ("3.51.3", [3, 51, 3]);

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_millis(800);

/// Readers do not wait for the writer in WAL mode; more than a few would only cost memory.
const CONNECTIONS_MAX: u32 = 3;

/// An open store. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    path: PathBuf,
    /// Device and inode: an unlinked file would swallow writes without a word.
    identity: (u64, u64),
}

impl Store {
    /// Opens or creates the file that `url` names (`sqlite://relative/path`,
    /// `sqlite:///absolute/path`), with WAL, `synchronous = FULL` and foreign keys, mode 0600.
    ///
    /// Fails when the address is of another kind, the file cannot be written, is damaged, of a
    /// newer release or of another program, or when the SQLite linked is too old. Directories
    /// are not created.
    pub async fn open(url: &str) -> Result<Store, OpenError> {
        let path = path_of(url)?;
        create_private(&path).map_err(|source| unwritable(&path, source))?;
        let opening =
            Opening { path: &path, connections: CONNECTIONS_MAX, options: options(&path) };
        let (pool, identity) = opening.open(true).await?;
        Ok(Store { pool, path, identity })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is there and could be written now; nothing is.
    pub async fn probe(&self) -> Result<(), Fault> {
        const DOING: &str = "reach it";
        self.check_present(DOING)?;
        let attempt = async { self.pool.begin_with("BEGIN IMMEDIATE").await?.rollback().await };
        attempt.await.map_err(self.fault(DOING))
    }

    /// Waits until every connection is closed and the log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the file is still the one that was opened. To be asked before each use.
    pub(crate) fn check_present(&self, doing: &'static str) -> Result<(), Fault> {
        check_present(&self.path, self.identity, doing)
    }

    pub(crate) fn fault(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Fault + use<> {
        let path = self.path.clone();
        move |source| fault(doing, &path, source)
    }
}

/// A file on its way to being a store.
pub(crate) struct Opening<'a> {
    pub(crate) path: &'a Path,
    pub(crate) connections: u32,
    pub(crate) options: SqliteConnectOptions,
}

// === impl Opening ===

impl Opening<'_> {
    /// Connections to the file, which has the newest schema, and its device and inode.
    /// `revisions`: whether what revisions rest on is to be proved undamaged.
    pub(crate) async fn open(self, revisions: bool) -> Result<(SqlitePool, (u64, u64)), OpenError> {
        let path = self.path;
        let metadata = fs::metadata(path).map_err(|source| unwritable(path, source))?;
        let fault = |source| fault("open it", path, source);
        let pool = SqlitePoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(BUSY_TIMEOUT * 2)
            .connect_with(self.options)
            .await
            .map_err(fault)?;
        check_version(&pool, path).await?;
        let mut connection = pool.acquire().await.map_err(fault)?;
        let found = match schema::inspect(&mut connection).await.map_err(fault)? {
            Found::Foreign => return Err(OpenError::Foreign { path: path.to_owned() }),
            Found::Ours(found) if found > known() => {
                return Err(OpenError::TooNew { path: path.to_owned(), found, known: known() });
            }
            Found::Ours(found) => found,
        };
        if revisions && let Some(damage) = schema::damage(&mut connection).await.map_err(fault)? {
            tracing::error!(path = %path.display(), damage, "the store is damaged");
            let path = path.to_owned();
            return Err(Fault::without_source("open it", path, FaultKind::Corrupt).into());
        }
        // Only then: it needs the write lock, which another process may hold for long.
        if found < known() {
            schema::migrate(&mut connection).await.map_err(fault)?;
        }
        drop(connection);
        Ok((pool, (metadata.dev(), metadata.ino())))
    }
}

/// Whether the file is still the one that was opened.
pub(crate) fn check_present(
    path: &Path,
    identity: (u64, u64),
    doing: &'static str,
) -> Result<(), Fault> {
    let now = fs::metadata(path).map(|now| (now.dev(), now.ino()));
    if now.is_ok_and(|now| now == identity) {
        return Ok(());
    }
    Err(Fault::without_source(doing, path.to_owned(), FaultKind::Gone))
}

/// Whether the disk has more room than `bytes_free_min`, which is kept for revisions.
pub(crate) fn check_room(
    path: &Path,
    bytes_free_min: u64,
    doing: &'static str,
) -> Result<(), Fault> {
    let free = statvfs(path).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    match free {
        // Where it cannot be told, the write itself will tell.
        Ok(free) if free < bytes_free_min => {
            Err(Fault::without_source(doing, path.to_owned(), FaultKind::Reserve))
        }
        _ => Ok(()),
    }
}

pub(crate) fn fault(doing: &'static str, path: &Path, source: sqlx::Error) -> Fault {
    let kind = FaultKind::of(&source);
    Fault { doing, path: path.to_owned(), kind, source: Some(source) }
}

fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

pub(crate) fn path_of(url: &str) -> Result<PathBuf, OpenError> {
    let scheme = url.split(':').next().unwrap_or_default();
    let bad = |url: &str, why| Err(OpenError::Url { url: url.to_owned(), why });
    let Some(path) = url.strip_prefix("sqlite://") else {
        return match scheme {
            // Without what follows the scheme: it may hold a password.
            "postgres" | "postgresql" => bad(
                "postgres://…",
                "this release keeps its state in SQLite; PostgreSQL, for several nodes, comes later",
            ),
            _ => bad(scheme, "it must start with `sqlite://`"),
        };
    };
    match path {
        "" => bad(url, "it names no file"),
        path if path.contains('?') => bad(url, "it takes no parameters"),
        ":memory:" => bad(url, "a store in memory would forget every move"),
        path => Ok(PathBuf::from(path)),
    }
}

/// It holds hashes of tokens, so only its owner may read it. SQLite gives `-wal` and `-shm` the
/// mode of the file itself.
fn create_private(path: &Path) -> std::io::Result<()> {
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

/// Settings that every connection to a store has. Nothing is created by connecting.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}

fn unwritable(path: &Path, source: std::io::Error) -> Fault {
    let source = Some(sqlx::Error::Io(source));
    Fault { doing: "open it", path: path.to_owned(), kind: FaultKind::Unwritable, source }
}

async fn check_version(pool: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(pool)
        .await
        .map_err(|source| fault("open it", path, source))?;
    if is_safe_version(&found) {
        Ok(())
    } else {
        Err(OpenError::OldSqlite { found, needed: SQLITE_MIN.0 })
    }
}

pub(crate) fn is_safe_version(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.len() >= 2 && parts.as_slice() >= SQLITE_MIN.1.as_slice()
}
