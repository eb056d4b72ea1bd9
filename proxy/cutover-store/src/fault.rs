//! What can go wrong with the store, in words an operator can act on.

use std::path::PathBuf;

use crate::rows::RouteRecord;

/// The store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no file that this build can use.
    #[error("`{url}` is no store address: {why}")]
    Url {
        /// As configured, without credentials.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file was written by a newer release.
    #[error(
        "the store `{}` has schema {found}, but this release knows only up to {known}", path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this release.
        known: i64,
    },
    /// A database, but not one of ours.
    #[error("`{}` is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The SQLite that was linked has known data-loss bugs.
    #[error("SQLite {found} is linked, but at least {needed} is needed")]
    OldSqlite {
        /// The version linked.
        found: String,
        /// The oldest that is safe.
        needed: &'static str,
    },
    /// The file cannot be used now.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A revision was not recorded. Nothing was changed, unless the fault hit the commit itself: then
/// a later [`crate::Store::snapshot`] tells.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Someone else moved the route meanwhile.
    #[error("route `{route}` is at revision {found}, not {expected}")]
    Stale {
        /// The route.
        route: String,
        /// The revision that the caller had seen.
        expected: u64,
        /// The revision that it is at; 0 if the store has never seen it.
        found: u64,
        /// Where it is now; `None` if the store has never seen it.
        present: Option<Box<RouteRecord>>,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A token was not stored.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name is taken.
    #[error("there is a token named `{0}` already")]
    Exists(String),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The store failed while something was attempted.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: the store `{}` {}", path.display(), kind.as_words())]
pub struct Fault {
    /// What was attempted: `record a revision`.
    pub doing: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What kind of failure.
    pub kind: FaultKind,
    /// The cause, for the log.
    #[source]
    pub source: Option<sqlx::Error>,
}

/// Kinds of failure. Closed, so that they can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The file or its directory cannot be created or written, or the disk is full.
    Unwritable,
    /// The disk has room, but only what is kept for revisions, which this was none of.
    Reserve,
    /// The file is damaged or no database.
    Corrupt,
    /// Another process holds it.
    Busy,
    /// The file was removed or replaced while open.
    Gone,
    /// No answer in time.
    Silent,
    /// Anything else.
    Failed,
}

// === impl OpenError ===

impl OpenError {
    /// Stable name, for metrics and `explain --code`.
    pub const fn code(&self) -> &'static str {
        match self {
            OpenError::Url { .. } => "store_url",
            OpenError::TooNew { .. } => "store_too_new",
            OpenError::Foreign { .. } => "store_foreign",
            OpenError::OldSqlite { .. } => "sqlite_too_old",
            OpenError::Fault(fault) => fault.code(),
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            OpenError::Url { .. } => "write `[store] url = \"sqlite://path/to/cutover.db\"`",
            OpenError::TooNew { .. } => "run the release that wrote it, or a newer one",
            OpenError::Foreign { .. } => "name another file in `[store] url`",
            OpenError::OldSqlite { .. } => "build with the bundled SQLite, never the system's",
            OpenError::Fault(fault) => fault.hint(),
        }
    }
}

// === impl RecordError ===

impl RecordError {
    /// Stable name, for metrics and `explain --code`.
    pub const fn code(&self) -> &'static str {
        match self {
            RecordError::Stale { .. } => "stale_revision",
            RecordError::Fault(fault) => fault.code(),
        }
    }
}

// === impl TokenError ===

impl TokenError {
    /// Stable name, for metrics and `explain --code`.
    pub const fn code(&self) -> &'static str {
        match self {
            TokenError::Exists(_) => "token_exists",
            TokenError::Fault(fault) => fault.code(),
        }
    }
}

// === impl Fault ===

impl Fault {
    /// Stable name, for metrics and `explain --code`.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        self.kind.hint()
    }

    /// A fault that no SQL error caused.
    pub fn without_source(doing: &'static str, path: PathBuf, kind: FaultKind) -> Fault {
        Fault { doing, path, kind, source: None }
    }
}

// === impl FaultKind ===

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 7] = [
        FaultKind::Unwritable,
        FaultKind::Reserve,
        FaultKind::Corrupt,
        FaultKind::Busy,
        FaultKind::Gone,
        FaultKind::Silent,
        FaultKind::Failed,
    ];

    /// Stable name, for metrics and `explain --code`.
    pub const fn code(self) -> &'static str {
        match self {
            FaultKind::Unwritable => "store_unwritable",
            FaultKind::Reserve => "store_reserve",
            FaultKind::Corrupt => "store_corrupt",
            FaultKind::Busy => "store_busy",
            FaultKind::Gone => "store_gone",
            FaultKind::Silent => "store_silent",
            FaultKind::Failed => "store_failed",
        }
    }

    /// What to do next.
    pub const fn hint(self) -> &'static str {
        match self {
            FaultKind::Unwritable => {
                "let the proxy's user write the file and its directory, and free disk space"
            }
            FaultKind::Reserve => {
                "free disk space: the last 32 MiB are kept for revisions, which still have room"
            }
            FaultKind::Corrupt => {
                "move the file away: the proxy writes a new one from its last good state; or \
                 restore a backup"
            }
            FaultKind::Busy => "end the other process that holds the file open for writing",
            FaultKind::Gone => {
                "nothing to do: the proxy opens the file anew and writes its last good state to it"
            }
            FaultKind::Silent => "look at the disk: SQLite did not answer in time",
            FaultKind::Failed => "read the proxy's log for the cause",
        }
    }

    const fn as_words(self) -> &'static str {
        match self {
            FaultKind::Unwritable => "cannot be written",
            FaultKind::Reserve => "is on a disk with less than 32 MiB free, kept for revisions",
            FaultKind::Corrupt => "is damaged or no database",
            FaultKind::Busy => "is held by another process",
            FaultKind::Gone => "was removed or replaced",
            FaultKind::Silent => "did not answer in time, so this may or may not have happened",
            FaultKind::Failed => "failed",
        }
    }

    /// By SQLite's primary result code (<https://sqlite.org/rescode.html>).
    pub(crate) fn of(error: &sqlx::Error) -> FaultKind {
        let sqlx::Error::Database(database) = error else {
            return match error {
                sqlx::Error::PoolTimedOut => FaultKind::Busy,
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => FaultKind::Corrupt,
                sqlx::Error::Io(_) => FaultKind::Unwritable,
                _ => FaultKind::Failed,
            };
        };
        let extended: u32 = database.code().and_then(|code| code.parse().ok()).unwrap_or(0);
        match extended & 0xff {
            5 | 6 => FaultKind::Busy,
            8 | 10 | 13 | 14 => FaultKind::Unwritable,
            11 | 26 => FaultKind::Corrupt,
            _ => FaultKind::Failed,
        }
    }
}
