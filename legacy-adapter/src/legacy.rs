//! The monolith's database, strictly read-only.
//!
//! Each read is one statement of at most a page, so that no read keeps the write-ahead log from
//! being folded back for long. Nothing here takes a lock that a writer would wait for. Beside the
//! database of a stopped monolith SQLite leaves an empty `-wal` and a `-shm` file; the database file
//! itself is never touched.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{FromRow, Row};

use crate::entity::{Entity, LegacyRow};

mod rows;

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Legacy {
    pool: SqlitePool,
}

/// A row that cannot be copied without changing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// What it is.
    pub entity: Entity,
    /// Its id.
    pub id: i64,
    /// The column and what is wrong with it; never the value.
    pub why: String,
}

/// Rows in ascending order of ids.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<LegacyRow>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// The greatest id read, readable or not.
    pub(crate) last: Option<i64>,
    /// Rows read from the database.
    pub(crate) count: usize,
}

/// The monolith's database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// Not an address that we know.
    #[error(
        "cannot read {url}: only databases of the form sqlite://PATH can be read; give the path of the monolith's database file"
    )]
    Address {
        /// As given.
        url: String,
    },
    /// Not there, no permission, or no database.
    #[error("cannot open the monolith's database {}: check the path and that this user may read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("cannot read {what} of the monolith; nothing was changed there, run again to go on")]
    Read {
        /// Table or sequence.
        what: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
}

impl Legacy {
    /// Opens `sqlite://PATH`. Fails when the file is not there or lacks the monolith's tables.
    pub async fn open(url: &str) -> Result<Legacy, LegacyError> {
        let path =
            url.strip_prefix("sqlite://").filter(|path| !path.is_empty() && !path.contains('?'));
        let path = PathBuf::from(path.ok_or_else(|| LegacyError::Address { url: url.to_owned() })?);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .create_if_missing(false)
            .pragma("query_only", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        let opened = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let pool = opened.map_err(|source| LegacyError::Open { path, source })?;
        let legacy = Legacy { pool };
        for entity in Entity::ALL {
            legacy.count(entity).await?;
        }
        Ok(legacy)
    }

    /// Number of rows.
    pub async fn count(&self, entity: Entity) -> Result<u64, LegacyError> {
        self.count_after(entity, i64::MIN).await
    }

    /// Number of rows with an id above `after`.
    pub(crate) async fn count_after(&self, entity: Entity, after: i64) -> Result<u64, LegacyError> {
        let count: i64 = sqlx::query_scalar(match entity {
            Entity::Homes => "SELECT count(*) FROM homes WHERE id > ?",
            Entity::Devices => "SELECT count(*) FROM devices WHERE id > ?",
            Entity::Tombstones => "SELECT count(*) FROM device_tombstones WHERE id > ?",
        })
        .bind(after)
        .fetch_one(&self.pool)
        .await
        .map_err(|source| LegacyError::Read { what: entity.name(), source })?;
        Ok(count.unsigned_abs())
    }

    /// The greatest id that was ever given to a device.
    pub async fn device_id_max(&self) -> Result<i64, LegacyError> {
        let used = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'devices'");
        let used: Result<Option<i64>, _> = used.fetch_optional(&self.pool).await;
        let used = used.map_err(|source| LegacyError::Read { what: "the ids used", source })?;
        Ok(used.unwrap_or(0))
    }

    /// Up to `limit` rows with `after < id <= upto`.
    pub(crate) async fn page(
        &self,
        entity: Entity,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Result<Page, LegacyError> {
        let rows = sqlx::query(match entity {
            Entity::Homes => {
                "SELECT id, owner_id FROM homes WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
            }
            Entity::Devices => {
                "SELECT id, home_id, name, kind, firmware, state, created_at, updated_at, version
                 FROM devices WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
            }
            Entity::Tombstones => {
                "SELECT id, version, deleted_at FROM device_tombstones
                 WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
            }
        })
        .bind(after)
        .bind(upto)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await;
        let rows = rows.map_err(|source| LegacyError::Read { what: entity.name(), source })?;
        Page::decode(entity, &rows)
            .map_err(|source| LegacyError::Read { what: entity.name(), source })
    }
}

impl Page {
    fn decode(entity: Entity, rows: &[SqliteRow]) -> sqlx::Result<Page> {
        let mut page = Page { count: rows.len(), ..Page::default() };
        for row in rows {
            let id: i64 = row.try_get("id")?;
            page.last = Some(id);
            let decoded = match entity {
                Entity::Homes => rows::Home::from_row(row).map(|home| home.legacy_row()),
                Entity::Devices => rows::Device::from_row(row).map(|device| device.legacy_row()),
                Entity::Tombstones => {
                    rows::Tombstone::from_row(row).map(|tombstone| tombstone.legacy_row())
                }
            };
            match decoded {
                Ok(row) => page.rows.push(row),
                Err(error) => page.unreadable.push(Unreadable { entity, id, why: why(&error) }),
            }
        }
        Ok(page)
    }
}

/// Column and reason, without the value.
fn why(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::ColumnDecode { index, source } => format!("column {index}: {source}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
