//! Rows of `files`.

use bytes::Bytes;
use serde::Serialize;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{FILES_PER_USER_MAX, TOO_MANY, sha256};
use crate::clock::naive;
use crate::reply::Refusal;
use crate::session::User;

/// A file with its content, at most 8 MiB.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) content: Bytes,
    /// Lower-case hex.
    sha256: String,
    /// Seconds since the epoch.
    pub(super) uploaded_at: i64,
}

/// What is told about a file; its fields are the JSON in this order.
#[derive(Serialize)]
pub(super) struct Summary {
    name: String,
    content_type: String,
    size: usize,
    sha256: String,
    uploaded_at: String,
}

impl Stored {
    pub(super) fn new(name: String, content_type: String, content: Bytes, now: i64) -> Stored {
        let sha256 = sha256(&content);
        Stored { name, content_type, content, sha256, uploaded_at: now }
    }

    /// Strong: the beginning of the content's hash.
    pub(super) fn etag(&self) -> String {
        format!("\"{}\"", &self.sha256[..16])
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            name: self.name.clone(),
            content_type: self.content_type.clone(),
            size: self.content.len(),
            sha256: self.sha256.clone(),
            uploaded_at: naive(self.uploaded_at),
        }
    }
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    user: User,
    name: &str,
) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query("SELECT * FROM files WHERE owner_id = ? AND name = ?")
        .bind(user.0)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Stored {
        name: row.try_get("name")?,
        content_type: row.try_get("content_type")?,
        content: Bytes::from(row.try_get::<Vec<u8>, _>("content")?),
        sha256: row.try_get("sha256")?,
        uploaded_at: row.try_get("uploaded_at")?,
    }))
}

pub(super) async fn list(pool: &SqlitePool, user: User) -> sqlx::Result<Vec<Summary>> {
    let rows: Vec<(String, String, i64, String, i64)> = sqlx::query_as(
        "SELECT name, content_type, length(content), sha256, uploaded_at FROM files
         WHERE owner_id = ? ORDER BY sha256, name",
    )
    .bind(user.0)
    .fetch_all(pool)
    .await?;
    let summaries =
        rows.into_iter().map(|(name, content_type, size, sha256, uploaded_at)| Summary {
            name,
            content_type,
            size: usize::try_from(size).unwrap_or(0),
            sha256,
            uploaded_at: naive(uploaded_at),
        });
    Ok(summaries.collect())
}

/// Stores or replaces; a soft error when the user has too many files.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    user: User,
    file: &Stored,
) -> Result<(), Refusal> {
    let others: i64 =
        sqlx::query_scalar("SELECT count(*) FROM files WHERE owner_id = ? AND name <> ?")
            .bind(user.0)
            .bind(&file.name)
            .fetch_one(&mut *connection)
            .await?;
    if others >= FILES_PER_USER_MAX {
        return Err(TOO_MANY);
    }
    sqlx::query(
        "INSERT INTO files (owner_id, name, content_type, content, sha256, uploaded_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (owner_id, name) DO UPDATE SET content_type = excluded.content_type,
             content = excluded.content, sha256 = excluded.sha256, uploaded_at = excluded.uploaded_at",
    )
    .bind(user.0)
    .bind(&file.name)
    .bind(&file.content_type)
    .bind(&file.content[..])
    .bind(&file.sha256)
    .bind(file.uploaded_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether there was one.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    user: User,
    name: &str,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query("DELETE FROM files WHERE owner_id = ? AND name = ?")
        .bind(user.0)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() > 0)
}
