//! What comparing sides found out, for the next process: parity, clusters, samples.
//!
//! The same file as revisions, by one connection of its own, so that nothing here can keep a
//! revision waiting for longer than one small transaction: a commit does not wait for the disk
//! (`synchronous = NORMAL`; a crash of the machine may cost the last seconds, never the order),
//! no statement waits long for a lock, and growth ends where space gets short.
//!
//! Documents are opaque text here. One process writes at a time: each that begins to takes a
//! generation ([`ParityStore::claim`]), and the writes of one before are refused from then on, so
//! an old process never overwrites what a newer one knows.

mod read;
mod retention;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{SqlitePool, sqlite::SqliteSynchronous};

use crate::{
    fault::{Fault, FaultKind, OpenError},
    open::{self, Opening},
};

pub use self::{
    read::{KeptCluster, KeptRoute, Writer},
    retention::{Pruned, Retention},
    write::{ClusterChange, FlushError, RouteChange},
};

/// How long a statement waits for another's lock: shorter than a revision's, which goes first.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);

/// SQLite's default size of a page, which no store of ours changes.
const PAGE_BYTES: u64 = 4_096;

/// Bytes that stay free on the disk, for revisions.
pub(crate) const DISK_BYTES_FREE_MIN: u64 = 32 << 20;

/// Where growth ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of the whole file; what is written here fails beyond. Default 512 MiB.
    pub file_bytes_max: u64,
    /// Bytes that stay free on the disk, for revisions; below, nothing is written here:
    /// [`FaultKind::Reserve`]. Default 32 MiB, as its words say.
    pub disk_bytes_free_min: u64,
}

/// The part of a store that keeps what comparing sides found out. Cheap to clone; clones share
/// the connection.
#[derive(Clone, Debug)]
pub struct ParityStore {
    pool: SqlitePool,
    path: PathBuf,
    identity: (u64, u64),
    bounds: Bounds,
}

/// Mismatches of one route that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterRow {
    /// Where: a path of comparison.
    pub path: String,
    /// How: the name of a kind.
    pub kind: String,
    /// How the values look: `integer→text`.
    pub looks: String,
    /// Mismatches so far.
    pub count: u64,
    /// The first of them, in milliseconds since 1970.
    pub first_ms: u64,
    /// The last of them, in milliseconds since 1970.
    pub last_ms: u64,
}

/// One mismatch, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleRow {
    /// Unique within its cluster.
    pub id: String,
    /// When the live request came, in milliseconds since 1970.
    pub at_ms: u64,
    /// All of it.
    pub document: Arc<str>,
}

// === impl ParityStore ===

impl ParityStore {
    /// Opens the file that `url` names, as [`crate::Store::open`] does, but never creates it:
    /// a file that is not there is [`FaultKind::Gone`].
    pub async fn open(url: &str, bounds: Bounds) -> Result<ParityStore, OpenError> {
        const DOING: &str = "open it for parity";
        let path = open::path_of(url)?;
        if !path.exists() {
            return Err(Fault::without_source(DOING, path, FaultKind::Gone).into());
        }
        let pages = bounds.file_bytes_max / PAGE_BYTES;
        let options = open::options(&path)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("max_page_count", pages.clamp(1, u64::from(u32::MAX - 1)).to_string());
        let opening = Opening { path: &path, connections: 1, options };
        let (pool, identity) = opening.open(false).await?;
        Ok(ParityStore { pool, path, identity, bounds })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still the one that was opened; [`FaultKind::Gone`] if not.
    pub fn look(&self) -> Result<(), Fault> {
        self.check_present("look at it")
    }

    /// Waits until the connection is closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the file is still the one that was opened.
    fn check_present(&self, doing: &'static str) -> Result<(), Fault> {
        open::check_present(&self.path, self.identity, doing)
    }

    /// Whether there is room for more than revisions.
    fn check_room(&self, doing: &'static str) -> Result<(), Fault> {
        self.check_present(doing)?;
        open::check_room(&self.path, self.bounds.disk_bytes_free_min, doing)
    }

    fn fault(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Fault + use<> {
        let path = self.path.clone();
        move |source| open::fault(doing, &path, source)
    }
}

// === impl Bounds ===

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { file_bytes_max: 512 << 20, disk_bytes_free_min: DISK_BYTES_FREE_MIN }
    }
}
