//! Reading what a process before kept.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{ClusterRow, ParityStore, SampleRow};
use crate::{fault::Fault, rows::unsigned};

/// Whose turn it is to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Random name of the store, given once when it was created.
    pub store_id: String,
    /// The last that was given; 0: none was yet.
    pub generation: u64,
    /// It has ended its turn.
    pub released: bool,
}

/// What is kept of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptRoute {
    /// Its parity; `None`: nothing is kept.
    pub document: Option<String>,
    /// Mismatches of clusters that there was no room for.
    pub other: u64,
    /// When it was last written, in milliseconds since 1970; 0: never.
    pub updated_ms: u64,
    /// Its clusters, by path, kind and looks.
    pub clusters: Vec<KeptCluster>,
}

/// What is kept of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptCluster {
    /// The cluster.
    pub row: ClusterRow,
    /// Its samples, in the order in which they were first written.
    pub samples: Vec<SampleRow>,
}

// === impl ParityStore ===

impl ParityStore {
    /// Whose turn it is to write.
    pub async fn writer(&self) -> Result<Writer, Fault> {
        const DOING: &str = "read who records parity";
        self.check_present(DOING)?;
        let row = sqlx::query(
            "SELECT generation, released, value FROM parity_writer, meta WHERE key = 'store_id'",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        writer_of(&row).map_err(self.fault(DOING))
    }

    /// What is kept of one route, as of one moment.
    pub async fn route(&self, route: &str) -> Result<KeptRoute, Fault> {
        const DOING: &str = "read a route's parity";
        self.check_present(DOING)?;
        self.read_route(route).await.map_err(self.fault(DOING))
    }

    async fn read_route(&self, route: &str) -> Result<KeptRoute, sqlx::Error> {
        let mut read = self.pool.begin().await?;
        let row = sqlx::query("SELECT document, other, updated_ms FROM parity WHERE route = ?")
            .bind(route)
            .fetch_optional(&mut *read)
            .await?;
        let mut kept = KeptRoute::default();
        if let Some(row) = row {
            kept.document = row.try_get("document")?;
            kept.other = unsigned(row.try_get("other")?);
            kept.updated_ms = unsigned(row.try_get("updated_ms")?);
        }
        let rows =
            sqlx::query("SELECT * FROM parity_cluster WHERE route = ? ORDER BY path, kind, looks")
                .bind(route)
                .fetch_all(&mut *read)
                .await?;
        for row in &rows {
            let samples = samples_of(row.try_get("id")?, &mut read).await?;
            kept.clusters.push(KeptCluster { row: cluster_of(row)?, samples });
        }
        Ok(kept)
    }
}

fn writer_of(row: &SqliteRow) -> Result<Writer, sqlx::Error> {
    let generation = unsigned(row.try_get("generation")?);
    let (store_id, released) = (row.try_get("value")?, row.try_get("released")?);
    Ok(Writer { store_id, generation, released })
}

fn cluster_of(row: &SqliteRow) -> Result<ClusterRow, sqlx::Error> {
    Ok(ClusterRow {
        path: row.try_get("path")?,
        kind: row.try_get("kind")?,
        looks: row.try_get("looks")?,
        count: unsigned(row.try_get("count")?),
        first_ms: unsigned(row.try_get("first_ms")?),
        last_ms: unsigned(row.try_get("last_ms")?),
    })
}

async fn samples_of(
    cluster: i64,
    read: &mut SqliteConnection,
) -> Result<Vec<SampleRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM parity_sample WHERE cluster = ? ORDER BY rowid")
        .bind(cluster)
        .fetch_all(read)
        .await?;
    let sample = |row: &SqliteRow| {
        Ok(SampleRow {
            id: row.try_get("id")?,
            at_ms: unsigned(row.try_get("at_ms")?),
            document: row.try_get::<&str, _>("document")?.into(),
        })
    };
    rows.iter().map(sample).collect()
}
