//! Getting in a store's way, for tests of those who use one. Never part of a release.

use sqlx::{Connection, SqliteConnection};

use crate::{Store, fault::Fault};

/// The right to write to a store: nobody else has it until this is given back or dropped.
#[derive(Debug)]
pub struct WriteLock(SqliteConnection);

impl WriteLock {
    /// Takes the right to write, as another process would, and writes nothing.
    pub async fn take(store: &Store) -> Result<WriteLock, Fault> {
        const DOING: &str = "hold it";
        let connected = store.pool.acquire().await.map_err(store.fault(DOING))?;
        let mut connection = connected.detach();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .map_err(store.fault(DOING))?;
        Ok(WriteLock(connection))
    }

    /// Gives it back; whoever comes next has it.
    pub async fn give_back(self) {
        // Closing ends the transaction.
        let _ = self.0.close().await;
    }
}
