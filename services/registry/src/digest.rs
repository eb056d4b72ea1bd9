//! `GET /internal/v1/digest?entity=devices&from=0&to=500`: what is here, in count and hash.
//!
//! Over the rows with `from < id <= to`, in the order of ids; with `rows=true` each row's id,
//! version and hashes too, of the first 10,000 rows: ask on from the last id while fewer rows than
//! `count` came. Encodings are those of [`chassis::canonical`], the columns in this order:
//!
//! | entity | columns |
//! |---|---|
//! | `homes` | id, owner_id |
//! | `devices` | id, home_id, name, kind, firmware, state (JSON), created_at, updated_at, version |
//! | `tombstones` | id, version, deleted_at |

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Json, Query, State};
use axum::routing::get;
use chassis::canonical::{Digest, Fold, RowDigest, RowHash, Value};
use chassis::{Database, Problem};
use futures_util::TryStreamExt;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::device::Device;

/// Most rows that are told one by one in an answer.
const ROWS_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    entity: Entity,
    /// Exclusive.
    #[serde(default)]
    from: i64,
    /// Inclusive.
    #[serde(default = "i64_max")]
    to: i64,
    /// Whether to tell each row.
    #[serde(default)]
    rows: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entity {
    Homes,
    Devices,
    Tombstones,
}

#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<RowDigest>>,
}

pub(crate) fn routes(database: Database) -> Router {
    Router::new().route("/internal/v1/digest", get(digest)).with_state(database)
}

async fn digest(
    State(database): State<Database>,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(range) = range.map_err(|rejection| {
        Problem::new(rejection.status(), "unreadable_range", rejection.body_text())
    })?;
    let mut fold = Fold::default();
    let mut told = range.rows.then(Vec::new);
    let mut rows =
        sqlx::query(range.entity.sql()).bind(range.from).bind(range.to).fetch(database.read());
    while let Some(row) = rows.try_next().await.map_err(|error| failed(&error))? {
        let row = range.entity.digest(&row).map_err(|error| failed(&error))?;
        fold.push(row.hash);
        if let Some(told) = told.as_mut().filter(|told| told.len() < ROWS_MAX) {
            told.push(row);
        }
    }
    Ok(Json(Answer { digest: fold.finish(), rows: told }))
}

impl Entity {
    fn sql(self) -> &'static str {
        match self {
            Entity::Homes => "SELECT id, owner_id FROM homes WHERE id > ? AND id <= ? ORDER BY id",
            Entity::Devices => "SELECT * FROM devices WHERE id > ? AND id <= ? ORDER BY id",
            Entity::Tombstones => "SELECT * FROM tombstones WHERE id > ? AND id <= ? ORDER BY id",
        }
    }

    fn digest(self, row: &SqliteRow) -> sqlx::Result<RowDigest> {
        match self {
            Entity::Homes => {
                let (id, owner) = (row.try_get("id")?, row.try_get("owner_id")?);
                let hash = RowHash::of(&[Value::Integer(id), Value::Integer(owner)]);
                Ok(RowDigest { id, version: 0, hash })
            }
            Entity::Devices => Ok(of_device(&Device::stored(row)?)),
            Entity::Tombstones => {
                let (id, version) = (row.try_get("id")?, row.try_get("version")?);
                let deleted_at = Value::Timestamp(row.try_get("deleted_at_us")?);
                let hash = RowHash::of(&[Value::Integer(id), Value::Integer(version), deleted_at]);
                Ok(RowDigest { id, version, hash })
            }
        }
    }
}

fn of_device(device: &Device) -> RowDigest {
    let hash = RowHash::of(&[
        Value::Integer(device.id),
        Value::Integer(device.home_id),
        Value::Text(&device.name),
        Value::Text(&device.kind),
        Value::Text(&device.firmware),
        Value::Json(&device.state),
        Value::Timestamp(device.created_at_us),
        Value::Timestamp(device.updated_at_us),
        Value::Integer(device.version),
    ]);
    RowDigest { id: device.id, version: device.version, hash }
}

fn failed(error: &sqlx::Error) -> Problem {
    let detail = "the database could not be read; try again, and see the service's log";
    tracing::error!(error = error as &dyn std::error::Error, "a digest failed");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "digest_failed", detail)
}

fn i64_max() -> i64 {
    i64::MAX
}
