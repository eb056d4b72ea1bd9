//! Rows of the monolith: naive dates become microseconds, the rest stays as it is.

use chassis::canonical::{RowDigest, RowHash, Value};
use chassis::clock::parse_naive;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::entity::LegacyRow;

/// Bytes of a row's JSON without its texts.
const FRAME_BYTES: usize = 256;

pub(super) struct Home {
    id: i64,
    owner_id: i64,
}

pub(super) struct Device {
    id: i64,
    home_id: i64,
    name: String,
    kind: String,
    firmware: String,
    state: String,
    created_at_us: i64,
    updated_at_us: i64,
    version: i64,
}

pub(super) struct Tombstone {
    id: i64,
    version: i64,
    deleted_at_us: i64,
}

/// The contract of a column was broken.
#[derive(Debug, thiserror::Error)]
enum ColumnError {
    #[error("not a date of the form YYYY-MM-DD HH:MM:SS")]
    Date,
    #[error("NULL")]
    Null,
    #[error("not above 0")]
    Positive,
}

impl Home {
    pub(super) fn legacy_row(&self) -> LegacyRow {
        let hash = RowHash::of(&[Value::Integer(self.id), Value::Integer(self.owner_id)]);
        LegacyRow {
            digest: RowDigest { id: self.id, version: 0, hash },
            import: json!({ "id": self.id, "owner_id": self.owner_id }),
            bytes_max: FRAME_BYTES,
        }
    }
}

impl Device {
    pub(super) fn legacy_row(&self) -> LegacyRow {
        let hash = RowHash::of(&[
            Value::Integer(self.id),
            Value::Integer(self.home_id),
            Value::Text(&self.name),
            Value::Text(&self.kind),
            Value::Text(&self.firmware),
            Value::Json(&self.state),
            Value::Timestamp(self.created_at_us),
            Value::Timestamp(self.updated_at_us),
            Value::Integer(self.version),
        ]);
        let texts = self.name.len() + self.kind.len() + self.firmware.len() + self.state.len();
        LegacyRow {
            digest: RowDigest { id: self.id, version: self.version, hash },
            import: json!({
                "id": self.id,
                "home_id": self.home_id,
                "name": self.name,
                "kind": self.kind,
                "firmware": self.firmware,
                "state": self.state,
                "created_at_us": self.created_at_us,
                "updated_at_us": self.updated_at_us,
                "version": self.version,
            }),
            // A control character is six bytes in JSON.
            bytes_max: FRAME_BYTES + 6 * texts,
        }
    }
}

impl Tombstone {
    pub(super) fn legacy_row(&self) -> LegacyRow {
        let deleted_at = Value::Timestamp(self.deleted_at_us);
        let hash =
            RowHash::of(&[Value::Integer(self.id), Value::Integer(self.version), deleted_at]);
        LegacyRow {
            digest: RowDigest { id: self.id, version: self.version, hash },
            import: json!({
                "id": self.id,
                "version": self.version,
                "deleted_at_us": self.deleted_at_us,
            }),
            bytes_max: FRAME_BYTES,
        }
    }
}

impl FromRow<'_, SqliteRow> for Home {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Home> {
        Ok(Home { id: positive(row, "id")?, owner_id: number(row, "owner_id")? })
    }
}

impl FromRow<'_, SqliteRow> for Device {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Device> {
        Ok(Device {
            id: positive(row, "id")?,
            home_id: number(row, "home_id")?,
            name: text(row, "name")?,
            kind: text(row, "kind")?,
            firmware: text(row, "firmware")?,
            state: text(row, "state")?,
            created_at_us: date(row, "created_at")?,
            updated_at_us: date(row, "updated_at")?,
            version: positive(row, "version")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Tombstone {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Tombstone> {
        let (id, version) = (positive(row, "id")?, positive(row, "version")?);
        Ok(Tombstone { id, version, deleted_at_us: date(row, "deleted_at")? })
    }
}

fn positive(row: &SqliteRow, column: &'static str) -> sqlx::Result<i64> {
    let number = number(row, column)?;
    if number > 0 { Ok(number) } else { Err(broken(column, ColumnError::Positive)) }
}

fn date(row: &SqliteRow, column: &'static str) -> sqlx::Result<i64> {
    parse_naive(&text(row, column)?).ok_or_else(|| broken(column, ColumnError::Date))
}

// sqlx reads NULL as 0 and as empty text unless asked whether there is a value.

fn number(row: &SqliteRow, column: &'static str) -> sqlx::Result<i64> {
    row.try_get::<Option<i64>, _>(column)?.ok_or_else(|| broken(column, ColumnError::Null))
}

fn text(row: &SqliteRow, column: &'static str) -> sqlx::Result<String> {
    row.try_get::<Option<String>, _>(column)?.ok_or_else(|| broken(column, ColumnError::Null))
}

fn broken(column: &'static str, error: ColumnError) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) }
}
