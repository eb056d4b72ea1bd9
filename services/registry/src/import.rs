//! `PUT /internal/v1/import`: takes rows of the monolith, in one transaction, any number of times.
//!
//! A row is known by its legacy id and guarded by its version: older never overwrites newer, and a
//! deletion is final. Homes have no version in the monolith; the time at which they were read there
//! stands in for it. Rows of the same version but other content are left alone and counted, since
//! nobody here can tell which side is right.

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::routing::put;
use chassis::clock::{format_naive, parse_naive};
use chassis::{Database, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};

use crate::device::{self, Device};

/// Largest body.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most rows in a batch, so that no import holds the one writer for long.
const BATCH_ROWS_MAX: usize = 5000;

/// Rows of the monolith, as its adapter read them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// When they were read, in microseconds since the epoch.
    read_at_us: i64,
    /// The greatest id that the monolith ever gave to a device, when known: ours begin after it.
    #[serde(default)]
    device_id_max: i64,
    #[serde(default)]
    homes: Vec<HomeRow>,
    #[serde(default)]
    devices: Vec<DeviceRow>,
    #[serde(default)]
    tombstones: Vec<TombstoneRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HomeRow {
    id: i64,
    owner_id: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceRow {
    id: i64,
    home_id: i64,
    name: String,
    kind: String,
    firmware: String,
    /// The text, not the value: it must survive byte for byte.
    state: String,
    created_at_us: i64,
    updated_at_us: i64,
    version: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TombstoneRow {
    id: i64,
    version: i64,
    deleted_at_us: i64,
}

/// What became of the rows of each kind.
#[derive(Debug, Default, Serialize)]
struct Report {
    homes: Counts,
    devices: Counts,
    tombstones: Counts,
}

/// `applied` were written; the rest was skipped.
#[derive(Debug, Default, Serialize)]
struct Counts {
    applied: u64,
    /// We had the very same.
    unchanged: u64,
    /// We have a newer version, or the device was deleted since.
    older: u64,
    /// We have other content under the same version.
    conflicting: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Applied,
    Unchanged,
    Older,
    Conflicting,
}

pub(crate) fn routes(database: Database) -> Router {
    let limit = DefaultBodyLimit::max(BATCH_BYTES_MAX);
    Router::new().route("/internal/v1/import", put(import)).layer(limit).with_state(database)
}

async fn import(
    State(database): State<Database>,
    batch: Result<Json<Batch>, JsonRejection>,
) -> Result<Json<Report>, Problem> {
    let Json(batch) = batch.map_err(|rejection| {
        Problem::new(rejection.status(), "unreadable_batch", rejection.body_text())
    })?;
    batch.check()?;
    let imported = apply(&database, &batch).await;
    let report = imported.map_err(|error| Problem::unavailable("import_failed", &error))?;
    tracing::debug!(?report, "imported a batch");
    Ok(Json(report))
}

async fn apply(database: &Database, batch: &Batch) -> sqlx::Result<Report> {
    let mut report = Report::default();
    let mut tx = database.write().await?;
    for home in &batch.homes {
        report.homes.count(put_home(&mut tx, home, batch.read_at_us).await?);
    }
    for device in &batch.devices {
        report.devices.count(put_device(&mut tx, device).await?);
    }
    for tombstone in &batch.tombstones {
        report.tombstones.count(put_tombstone(&mut tx, tombstone).await?);
    }
    let buried = batch.tombstones.iter().map(|tombstone| tombstone.id).max().unwrap_or(0);
    reserve_ids(&mut tx, buried.max(batch.device_id_max)).await?;
    tx.commit().await?;
    Ok(report)
}

async fn put_home(
    connection: &mut SqliteConnection,
    home: &HomeRow,
    read_at_us: i64,
) -> sqlx::Result<Fate> {
    let known = sqlx::query("SELECT owner_id, read_at_us FROM homes WHERE id = ?");
    let known = known.bind(home.id).fetch_optional(&mut *connection).await?;
    let fate = match known {
        None => Fate::Applied,
        Some(row) if row.try_get::<i64, _>("read_at_us")? > read_at_us => return Ok(Fate::Older),
        Some(row) if row.try_get::<i64, _>("owner_id")? == home.owner_id => Fate::Unchanged,
        Some(_) => Fate::Applied,
    };
    // Also when nothing changed: a slower, older reading must not undo it.
    sqlx::query("INSERT OR REPLACE INTO homes (id, owner_id, read_at_us) VALUES (?, ?, ?)")
        .bind(home.id)
        .bind(home.owner_id)
        .bind(read_at_us)
        .execute(connection)
        .await?;
    Ok(fate)
}

async fn put_device(connection: &mut SqliteConnection, row: &DeviceRow) -> sqlx::Result<Fate> {
    if let Some(buried) = tombstone(connection, row.id).await? {
        return Ok(if row.version < buried.version { Fate::Older } else { Fate::Conflicting });
    }
    let known = stored(connection, row.id).await?;
    match known {
        Some(known) if known.version > row.version => return Ok(Fate::Older),
        Some(known) if known.version == row.version => {
            return Ok(if row.is(&known) { Fate::Unchanged } else { Fate::Conflicting });
        }
        _ => {}
    }
    sqlx::query(
        "INSERT OR REPLACE INTO devices
             (id, home_id, name, kind, firmware, state, created_at_us, updated_at_us, version)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.id)
    .bind(row.home_id)
    .bind(&row.name)
    .bind(&row.kind)
    .bind(&row.firmware)
    .bind(&row.state)
    .bind(row.created_at_us)
    .bind(row.updated_at_us)
    .bind(row.version)
    .execute(connection)
    .await?;
    Ok(Fate::Applied)
}

async fn put_tombstone(
    connection: &mut SqliteConnection,
    row: &TombstoneRow,
) -> sqlx::Result<Fate> {
    match tombstone(connection, row.id).await? {
        Some(known) if known.version > row.version => return Ok(Fate::Older),
        Some(known) if known.version == row.version => {
            let is_same = known.deleted_at_us == row.deleted_at_us;
            return Ok(if is_same { Fate::Unchanged } else { Fate::Conflicting });
        }
        _ => {}
    }
    match stored(connection, row.id).await? {
        Some(device) if device.version > row.version => return Ok(Fate::Older),
        Some(device) if device.version == row.version => return Ok(Fate::Conflicting),
        _ => device::bury(connection, row.id, row.version, row.deleted_at_us).await?,
    }
    Ok(Fate::Applied)
}

async fn stored(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<Option<Device>> {
    let row = sqlx::query("SELECT * FROM devices WHERE id = ?").bind(id);
    row.fetch_optional(connection).await?.as_ref().map(Device::stored).transpose()
}

async fn tombstone(
    connection: &mut SqliteConnection,
    id: i64,
) -> sqlx::Result<Option<TombstoneRow>> {
    let row =
        sqlx::query("SELECT id, version, deleted_at_us FROM tombstones WHERE id = ?").bind(id);
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let (version, deleted_at_us) = (row.try_get("version")?, row.try_get("deleted_at_us")?);
    Ok(Some(TombstoneRow { id, version, deleted_at_us }))
}

/// Makes the next device's id greater than `used`. SQLite keeps the count of AUTOINCREMENT in a
/// table that may be written (<https://sqlite.org/autoinc.html>).
async fn reserve_ids(connection: &mut SqliteConnection, used: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'devices', 0
         WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'devices')",
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'devices'")
        .bind(used)
        .execute(connection)
        .await?;
    Ok(())
}

// === impl Batch ===

impl Batch {
    /// Refuses what the tables could not hold or the contract could not answer.
    fn check(&self) -> Result<(), Problem> {
        let rows = self.homes.len() + self.devices.len() + self.tombstones.len();
        if rows > BATCH_ROWS_MAX {
            return Err(invalid(format!(
                "{rows} rows in one batch; send {BATCH_ROWS_MAX} at most"
            )));
        }
        for HomeRow { id, .. } in &self.homes {
            check_id("home", *id)?;
        }
        for DeviceRow { id, version, created_at_us, updated_at_us, .. } in &self.devices {
            check_id("device", *id)?;
            check_version(*id, *version)?;
            check_time(*id, *created_at_us)?;
            check_time(*id, *updated_at_us)?;
        }
        for TombstoneRow { id, version, deleted_at_us } in &self.tombstones {
            check_id("tombstone", *id)?;
            check_version(*id, *version)?;
            check_time(*id, *deleted_at_us)?;
        }
        Ok(())
    }
}

fn check_id(what: &str, id: i64) -> Result<(), Problem> {
    if id > 0 { Ok(()) } else { Err(invalid(format!("{what} id {id} is not above 0"))) }
}

fn check_version(id: i64, version: i64) -> Result<(), Problem> {
    let why = || invalid(format!("version {version} of device {id} is not above 0"));
    if version > 0 { Ok(()) } else { Err(why()) }
}

/// Whole seconds of years that the contract can write.
fn check_time(id: i64, micros: i64) -> Result<(), Problem> {
    let comes_back = parse_naive(&format_naive(micros)) == Some(micros);
    let why =
        || invalid(format!("time {micros} of device {id} is no whole second of years 0 to 9999"));
    if comes_back { Ok(()) } else { Err(why()) }
}

fn invalid(why: String) -> Problem {
    let detail = format!("{why}; nothing of the batch was taken");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_batch", detail)
}

// === impl DeviceRow ===

impl DeviceRow {
    fn is(&self, device: &Device) -> bool {
        self.home_id == device.home_id
            && self.name == device.name
            && self.kind == device.kind
            && self.firmware == device.firmware
            && self.state == device.state
            && self.created_at_us == device.created_at_us
            && self.updated_at_us == device.updated_at_us
            && self.version == device.version
    }
}

// === impl Counts ===

impl Counts {
    fn count(&mut self, fate: Fate) {
        let counter = match fate {
            Fate::Applied => &mut self.applied,
            Fate::Unchanged => &mut self.unchanged,
            Fate::Older => &mut self.older,
            Fate::Conflicting => &mut self.conflicting,
        };
        *counter += 1;
    }
}
