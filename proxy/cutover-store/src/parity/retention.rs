//! Forgetting: what is old, and what there is no room for.

use sqlx::SqliteConnection;

use super::{FlushError, PAGE_BYTES, ParityStore, write::settle};
use crate::rows::{signed, unsigned};

/// Most samples, clusters or routes that one transaction forgets.
const BATCH: i64 = 200;

/// What is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Samples of requests before this, in milliseconds since 1970; and parity and clusters of
    /// routes that are not in `routes` and did not change since.
    pub before_ms: u64,
    /// Routes whose parity and clusters stay however old they are.
    pub routes: Vec<String>,
}

/// What was forgotten at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Samples that were old.
    pub samples_old: u64,
    /// Samples that there was no room for, the oldest of all.
    pub samples_shed: u64,
    /// There is more to forget: to be called again.
    pub more: bool,
}

// === impl ParityStore ===

impl ParityStore {
    /// Forgets what is old and, while the file is filled beyond nine tenths of what it may grow
    /// to, the oldest samples. A small part at a time, if it still is `generation`'s turn.
    pub async fn prune(
        &self,
        generation: u64,
        retention: &Retention,
    ) -> Result<Pruned, FlushError> {
        const DOING: &str = "forget old samples";
        self.check_present(DOING)?;
        let mut connection = self.acquire(DOING).await?;
        let done = async {
            let fault = self.fault(DOING);
            let mut write = self.begin(&mut connection, generation, DOING).await?;
            let pruned = self.prune_batch(&mut write, retention).await.map_err(&fault)?;
            write.commit().await.map_err(&fault)?;
            Ok(pruned)
        };
        let done = done.await;
        settle(connection, done)
    }

    async fn prune_batch(
        &self,
        write: &mut SqliteConnection,
        retention: &Retention,
    ) -> Result<Pruned, sqlx::Error> {
        let samples_old = forget_samples(write, retention.before_ms).await?;
        let routes = forget_routes(write, retention).await?;
        let is_full = self.bytes_used(write).await? > self.bounds.file_bytes_max / 10 * 9;
        let samples_shed = match is_full {
            true => forget_samples(write, u64::MAX).await?,
            false => 0,
        };
        let more = [samples_old, samples_shed, routes].into_iter().any(|n| n >= BATCH as u64);
        Ok(Pruned { samples_old, samples_shed, more })
    }

    async fn bytes_used(&self, read: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *read).await?;
        let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(read).await?;
        Ok(unsigned(pages - free) * PAGE_BYTES)
    }
}

/// The oldest ones of those before, at most [`BATCH`].
async fn forget_samples(write: &mut SqliteConnection, before_ms: u64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "DELETE FROM parity_sample WHERE rowid IN
             (SELECT rowid FROM parity_sample WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
    )
    .bind(signed(before_ms))
    .bind(BATCH)
    .execute(write)
    .await?;
    Ok(done.rows_affected())
}

async fn forget_routes(
    write: &mut SqliteConnection,
    Retention { before_ms, routes }: &Retention,
) -> Result<u64, sqlx::Error> {
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT route FROM parity WHERE updated_ms < ?1
         UNION SELECT route FROM parity_cluster GROUP BY route HAVING max(last_ms) < ?1",
    )
    .bind(signed(*before_ms))
    .fetch_all(&mut *write)
    .await?;
    let mut forgotten = 0;
    for route in old.iter().filter(|route| !routes.contains(route)).take(BATCH as usize) {
        for forget in [
            "DELETE FROM parity WHERE route = ?1 AND updated_ms < ?2",
            "DELETE FROM parity_cluster WHERE route = ?1 AND last_ms < ?2",
        ] {
            sqlx::query(forget).bind(route).bind(signed(*before_ms)).execute(&mut *write).await?;
        }
        forgotten += 1;
    }
    Ok(forgotten)
}
