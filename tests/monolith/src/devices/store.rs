//! Rows of `devices` and whose they are.

use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::input::CheckedChange;
use crate::db::json_text;
use crate::reply::Refusal;
use crate::session::User;

/// Devices that one home may have.
const HOME_DEVICES_MAX: i64 = 10_000;
const HOME_FULL: Refusal = Refusal::soft("E_FULL", "Home is full");

/// A row of `devices`; its fields are the JSON in this order.
#[derive(Debug, Serialize)]
pub(crate) struct Device {
    pub(crate) id: i64,
    pub(crate) home_id: i64,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) firmware: String,
    /// The text of the column, byte for byte.
    pub(crate) state: Box<RawValue>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) version: i64,
}

impl sqlx::FromRow<'_, SqliteRow> for Device {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Device> {
        let state = json_text(row, "state")?;
        Ok(Device {
            id: row.try_get("id")?,
            home_id: row.try_get("home_id")?,
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            firmware: row.try_get("firmware")?,
            state,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}

/// The device, if it is in a home of `user`: else 404 when there is none, 403 when it is another's.
pub(crate) async fn owned(
    connection: &mut SqliteConnection,
    id: i64,
    user: User,
) -> Result<Device, Refusal> {
    let row = sqlx::query("SELECT devices.*, homes.owner_id FROM devices JOIN homes ON homes.id = home_id WHERE devices.id = ?")
        .bind(id)
        .fetch_optional(connection)
        .await?
        .ok_or(Refusal::NO_DEVICE)?;
    let owner: i64 = row.try_get("owner_id")?;
    if owner != user.0 {
        return Err(Refusal::NOT_YOURS);
    }
    Ok(<Device as sqlx::FromRow<_>>::from_row(&row)?)
}

/// 404 when there is no such home, 403 when it is another's.
pub(crate) async fn check_home(
    connection: &mut SqliteConnection,
    home: i64,
    user: User,
) -> Result<(), Refusal> {
    let owner: Option<i64> = sqlx::query_scalar("SELECT owner_id FROM homes WHERE id = ?")
        .bind(home)
        .fetch_optional(connection)
        .await?;
    match owner {
        None => Err(Refusal::NO_HOME),
        Some(owner) if owner != user.0 => Err(Refusal::NOT_YOURS),
        Some(_) => Ok(()),
    }
}

pub(super) async fn check_space(
    connection: &mut SqliteConnection,
    home: i64,
) -> Result<(), Refusal> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM devices WHERE home_id = ?")
        .bind(home)
        .fetch_one(connection)
        .await?;
    if count < HOME_DEVICES_MAX { Ok(()) } else { Err(HOME_FULL) }
}

/// Devices in the homes of `user`, or in one of them.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    user: User,
    home: Option<i64>,
) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM devices JOIN homes ON homes.id = home_id
         WHERE owner_id = ?1 AND (?2 IS NULL OR home_id = ?2)",
    );
    count.bind(user.0).bind(home).fetch_one(connection).await
}

/// A page in the house's order, which is by a hash of the id: `id * 2654435761 mod 2^32`.
pub(crate) async fn page(
    connection: &mut SqliteConnection,
    user: User,
    home: Option<i64>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Device>> {
    sqlx::query_as(
        "SELECT devices.* FROM devices JOIN homes ON homes.id = home_id
         WHERE owner_id = ?1 AND (?2 IS NULL OR home_id = ?2)
         ORDER BY (devices.id * 2654435761) % 4294967296 LIMIT ?3 OFFSET ?4",
    )
    .bind(user.0)
    .bind(home)
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    home: i64,
    name: &str,
    kind: &str,
    firmware: &str,
    state: &str,
    now: &str,
) -> sqlx::Result<Device> {
    sqlx::query_as(
        "INSERT INTO devices (home_id, name, kind, firmware, state, created_at, updated_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1) RETURNING *",
    )
    .bind(home)
    .bind(name)
    .bind(kind)
    .bind(firmware)
    .bind(state)
    .bind(now)
    .fetch_one(connection)
    .await
}

/// Every change is a new version, even one that changes nothing.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    id: i64,
    change: &CheckedChange,
    now: &str,
) -> sqlx::Result<Device> {
    sqlx::query_as(
        "UPDATE devices SET name = coalesce(?2, name), firmware = coalesce(?3, firmware),
                state = coalesce(?4, state), updated_at = ?5, version = version + 1
         WHERE id = ?1 RETURNING *",
    )
    .bind(id)
    .bind(&change.name)
    .bind(&change.firmware)
    .bind(&change.state)
    .bind(now)
    .fetch_one(connection)
    .await
}

/// Deletes the row and leaves a tombstone of `version`.
pub(super) async fn bury(
    connection: &mut SqliteConnection,
    id: i64,
    version: i64,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM devices WHERE id = ?").bind(id).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO device_tombstones (id, version, deleted_at) VALUES (?, ?, ?)")
        .bind(id)
        .bind(version)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
