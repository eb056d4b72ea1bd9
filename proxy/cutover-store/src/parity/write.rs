//! Writing: whose turn it is, and what changed.

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

use super::{ClusterRow, ParityStore, SampleRow};
use crate::{
    fault::Fault,
    rows::{signed, unsigned},
};

/// What changed of one route. Values are whole, so writing one twice does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteChange {
    /// The route.
    pub route: String,
    /// When this was so, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its parity; `None`: as it was.
    pub document: Option<String>,
    /// Mismatches of clusters that there was no room for; `None`: as it was.
    pub other: Option<u64>,
    /// Forget every cluster before anything else: what comes is all there is.
    pub whole: bool,
    /// Its clusters that changed. Whatever they do not name stays.
    pub clusters: Vec<ClusterChange>,
    /// Its clusters that are gone, and their samples with them: of each row only the names count.
    pub clusters_gone: Vec<ClusterRow>,
}

/// What changed of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// The cluster as it is now.
    pub row: ClusterRow,
    /// Samples that came.
    pub samples: Vec<SampleRow>,
    /// Ids of samples that made room for others.
    pub samples_gone: Vec<String>,
}

/// Nothing was written, unless the fault hit the commit itself; then writing it again settles it.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// Another process writes now.
    #[error("generation {found} writes to the store `{}`, this one is {generation}", path.display())]
    Superseded {
        /// The file.
        path: std::path::PathBuf,
        /// The one that tried.
        generation: u64,
        /// The one whose turn it is.
        found: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

// === impl ParityStore ===

impl ParityStore {
    /// Begins to write: gives the caller a generation, above all before it, whose turn it is until
    /// the next claim.
    pub async fn claim(&self) -> Result<u64, Fault> {
        const DOING: &str = "begin to record parity";
        self.check_room(DOING)?;
        let generation: i64 = sqlx::query_scalar(
            "UPDATE parity_writer SET generation = generation + 1, released = 0
             RETURNING generation",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        Ok(unsigned(generation))
    }

    /// Writes what changed, all or nothing, if it still is `generation`'s turn.
    pub async fn flush(&self, generation: u64, changes: &[RouteChange]) -> Result<(), FlushError> {
        const DOING: &str = "record parity";
        self.check_room(DOING)?;
        let mut connection = self.acquire(DOING).await?;
        let done = async {
            let mut write = self.begin(&mut connection, generation, DOING).await?;
            for change in changes {
                change.put(&mut write).await.map_err(self.fault(DOING))?;
            }
            Ok(write.commit().await.map_err(self.fault(DOING))?)
        };
        let done = done.await;
        settle(connection, done)
    }

    /// Ends `generation`'s turn: whoever waits for it may go on from what is there now.
    pub async fn release(&self, generation: u64) -> Result<(), FlushError> {
        const DOING: &str = "end recording parity";
        self.check_present(DOING)?;
        let mut connection = self.acquire(DOING).await?;
        let done = async {
            let mut write = self.begin(&mut connection, generation, DOING).await?;
            sqlx::query("UPDATE parity_writer SET released = 1")
                .execute(&mut *write)
                .await
                .map_err(self.fault(DOING))?;
            Ok(write.commit().await.map_err(self.fault(DOING))?)
        };
        let done = done.await;
        settle(connection, done)
    }

    pub(super) async fn acquire(
        &self,
        doing: &'static str,
    ) -> Result<PoolConnection<Sqlite>, Fault> {
        self.pool.acquire().await.map_err(self.fault(doing))
    }

    /// A transaction in which it is `generation`'s turn.
    pub(super) async fn begin<'c>(
        &self,
        connection: &'c mut SqliteConnection,
        generation: u64,
        doing: &'static str,
    ) -> Result<Transaction<'c, Sqlite>, FlushError> {
        let fault = self.fault(doing);
        let mut write = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&fault)?;
        let found: i64 = sqlx::query_scalar("SELECT generation FROM parity_writer")
            .fetch_one(&mut *write)
            .await
            .map_err(&fault)?;
        let found = unsigned(found);
        if found == generation {
            return Ok(write);
        }
        Err(FlushError::Superseded { path: self.path.clone(), generation, found })
    }
}

/// Gives the connection back, unless SQLite failed on it: where the disk is full it ends the
/// transaction by itself, which sqlx does not learn of.
pub(super) fn settle<T>(
    mut connection: PoolConnection<Sqlite>,
    done: Result<T, FlushError>,
) -> Result<T, FlushError> {
    if let Err(FlushError::Fault(_)) = &done {
        connection.close_on_drop();
    }
    done
}

// === impl RouteChange ===

impl RouteChange {
    async fn put(&self, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        if self.whole {
            sqlx::query("DELETE FROM parity_cluster WHERE route = ?")
                .bind(&self.route)
                .execute(&mut *write)
                .await?;
        }
        if self.document.is_some() || self.other.is_some() {
            self.put_parity(write).await?;
        }
        for gone in &self.clusters_gone {
            gone.forget(&self.route, write).await?;
        }
        for cluster in &self.clusters {
            cluster.put(&self.route, write).await?;
        }
        Ok(())
    }

    async fn put_parity(&self, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO parity (route, document, other, updated_ms)
             VALUES (?1, ?2, coalesce(?3, 0), ?4)
             ON CONFLICT (route) DO UPDATE SET document = coalesce(?2, document),
                 other = coalesce(?3, other), updated_ms = ?4",
        )
        .bind(&self.route)
        .bind(&self.document)
        .bind(self.other.map(signed))
        .bind(signed(self.at_ms))
        .execute(write)
        .await
        .map(drop)
    }
}

// === impl ClusterRow ===

impl ClusterRow {
    async fn forget(&self, route: &str, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "DELETE FROM parity_cluster WHERE route = ? AND path = ? AND kind = ? AND looks = ?",
        )
        .bind(route)
        .bind(&self.path)
        .bind(&self.kind)
        .bind(&self.looks)
        .execute(write)
        .await
        .map(drop)
    }
}

// === impl ClusterChange ===

impl ClusterChange {
    async fn put(&self, route: &str, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let row = &self.row;
        let cluster: i64 = sqlx::query_scalar(
            "INSERT INTO parity_cluster (route, path, kind, looks, count, first_ms, last_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (route, path, kind, looks)
                 DO UPDATE SET count = ?5, first_ms = ?6, last_ms = ?7
             RETURNING id",
        )
        .bind(route)
        .bind(&row.path)
        .bind(&row.kind)
        .bind(&row.looks)
        .bind(signed(row.count))
        .bind(signed(row.first_ms))
        .bind(signed(row.last_ms))
        .fetch_one(&mut *write)
        .await?;
        for id in &self.samples_gone {
            sqlx::query("DELETE FROM parity_sample WHERE cluster = ? AND id = ?")
                .bind(cluster)
                .bind(id)
                .execute(&mut *write)
                .await?;
        }
        for sample in &self.samples {
            sample.put(cluster, write).await?;
        }
        Ok(())
    }
}

// === impl SampleRow ===

impl SampleRow {
    async fn put(&self, cluster: i64, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO parity_sample (cluster, id, at_ms, document) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (cluster, id) DO UPDATE SET at_ms = ?3, document = ?4",
        )
        .bind(cluster)
        .bind(&self.id)
        .bind(signed(self.at_ms))
        .bind(&*self.document)
        .execute(write)
        .await
        .map(drop)
    }
}
