//! Rows of `devices`, and whose they are.

use chassis::UserId;
use chassis::clock::format_naive;
use serde::ser::{Error as _, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use crate::input::{CheckedChange, NewDevice};
use crate::reply::Refusal;

const HOME_DEVICES_MAX: i64 = 10_000;

/// A row of `devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) id: i64,
    pub(crate) home_id: i64,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) firmware: String,
    /// JSON text.
    pub(crate) state: String,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
    pub(crate) version: i64,
}

/// The device, if it is in a home of `user`: else 404 when there is none, 403 when it is another's.
pub(crate) async fn owned(
    connection: &mut SqliteConnection,
    id: i64,
    user: UserId,
) -> Result<Device, Refusal> {
    let row = sqlx::query(
        "SELECT devices.*, homes.owner_id FROM devices JOIN homes ON homes.id = home_id
         WHERE devices.id = ?",
    );
    let row = row.bind(id).fetch_optional(connection).await?.ok_or(Refusal::NO_DEVICE)?;
    if row.try_get::<i64, _>("owner_id")? != user.0 {
        return Err(Refusal::NOT_YOURS);
    }
    Ok(Device::from_row(&row)?)
}

/// 404 when there is no such home, 403 when it is another's.
pub(crate) async fn check_home(
    connection: &mut SqliteConnection,
    home: i64,
    user: UserId,
) -> Result<(), Refusal> {
    let owner = sqlx::query_scalar("SELECT owner_id FROM homes WHERE id = ?");
    let owner: Option<i64> = owner.bind(home).fetch_optional(connection).await?;
    match owner {
        None => Err(Refusal::NO_HOME),
        Some(owner) if owner != user.0 => Err(Refusal::NOT_YOURS),
        Some(_) => Ok(()),
    }
}

pub(crate) async fn check_space(
    connection: &mut SqliteConnection,
    home: i64,
) -> Result<(), Refusal> {
    let count = sqlx::query_scalar("SELECT count(*) FROM devices WHERE home_id = ?");
    let count: i64 = count.bind(home).fetch_one(connection).await?;
    if count < HOME_DEVICES_MAX { Ok(()) } else { Err(Refusal::HOME_FULL) }
}

/// Devices in the homes of `user`, or in one of them.
pub(crate) async fn count(
    connection: &mut SqliteConnection,
    user: UserId,
    home: Option<i64>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM devices JOIN homes ON homes.id = home_id
         WHERE owner_id = ?1 AND (?2 IS NULL OR home_id = ?2)",
    )
    .bind(user.0)
    .bind(home)
    .fetch_one(connection)
    .await
}

/// A page in the contract's order, by `id * 2654435761 mod 2^32`.
pub(crate) async fn page(
    connection: &mut SqliteConnection,
    user: UserId,
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

/// Version 1 of a device under an id that was never used.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    home: i64,
    device: &NewDevice,
    now_us: i64,
) -> sqlx::Result<Device> {
    sqlx::query_as(
        "INSERT INTO devices (home_id, name, kind, firmware, state, created_at_us, updated_at_us, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1) RETURNING *",
    )
    .bind(home)
    .bind(&device.name)
    .bind(&device.kind)
    .bind(&device.firmware)
    .bind(&device.state)
    .bind(now_us)
    .fetch_one(connection)
    .await
}

/// Every change is a new version, also one that changes nothing.
pub(crate) async fn update(
    connection: &mut SqliteConnection,
    id: i64,
    change: &CheckedChange,
    now_us: i64,
) -> sqlx::Result<Device> {
    sqlx::query_as(
        "UPDATE devices SET name = coalesce(?2, name), firmware = coalesce(?3, firmware),
                state = coalesce(?4, state), updated_at_us = ?5, version = version + 1
         WHERE id = ?1 RETURNING *",
    )
    .bind(id)
    .bind(&change.name)
    .bind(&change.firmware)
    .bind(&change.state)
    .bind(now_us)
    .fetch_one(connection)
    .await
}

/// Deletes the row, if there is one, and leaves a tombstone of `version`.
pub(crate) async fn bury(
    connection: &mut SqliteConnection,
    id: i64,
    version: i64,
    deleted_at_us: i64,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM devices WHERE id = ?").bind(id).execute(&mut *connection).await?;
    sqlx::query("INSERT OR REPLACE INTO tombstones (id, version, deleted_at_us) VALUES (?, ?, ?)")
        .bind(id)
        .bind(version)
        .bind(deleted_at_us)
        .execute(connection)
        .await?;
    Ok(())
}

impl Device {
    /// The row as it is, whatever its `state`.
    pub(crate) fn stored(row: &SqliteRow) -> sqlx::Result<Device> {
        Ok(Device {
            id: row.try_get("id")?,
            home_id: row.try_get("home_id")?,
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            firmware: row.try_get("firmware")?,
            state: row.try_get("state")?,
            created_at_us: row.try_get("created_at_us")?,
            updated_at_us: row.try_get("updated_at_us")?,
            version: row.try_get("version")?,
        })
    }
}

/// A row that can be answered: one whose `state` is no JSON is an error, as it is on the monolith.
impl FromRow<'_, SqliteRow> for Device {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Device> {
        let device = Device::stored(row)?;
        let state: Result<&RawValue, _> = serde_json::from_str(&device.state);
        match state {
            Ok(_) => Ok(device),
            Err(source) => Err(sqlx::Error::ColumnDecode {
                index: "state".to_owned(),
                source: Box::new(source),
            }),
        }
    }
}

/// The contract's fields in the contract's order. Fails when `state` is no JSON.
impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state: &RawValue = serde_json::from_str(&self.state).map_err(S::Error::custom)?;
        let mut fields = serializer.serialize_struct("Device", 9)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("home_id", &self.home_id)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("firmware", &self.firmware)?;
        fields.serialize_field("state", state)?;
        fields.serialize_field("created_at", &format_naive(self.created_at_us))?;
        fields.serialize_field("updated_at", &format_naive(self.updated_at_us))?;
        fields.serialize_field("version", &self.version)?;
        fields.end()
    }
}
