//! Orders to devices, and the GET that writes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::app::App;
use crate::body::Json;
use crate::db::json_text;
use crate::devices::store;
use crate::query::PathId;
use crate::reply::{self, Refusal, RequestId};
use crate::session::User;

const LIST_COMMANDS_MAX: i64 = 50;
const NAME_BYTES_MAX: usize = 32;
const BAD_COMMAND: Refusal = Refusal::soft("E_COMMAND", "Bad command");
const NO_COMMAND: Refusal = Refusal::new(404, "E_NO_COMMAND", "No such command");
const ALREADY_DONE: Refusal = Refusal::new(409, "E_DONE", "Command is done");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/devices/{id}/commands", get(list).post(issue))
        .route("/api/v1/commands/{id}", get(read))
        .route("/api/v1/commands/{id}/ack", post(acknowledge))
        .route("/api/v1/devices/{id}/ping", get(ping))
}

/// A row of `commands`; its fields are the JSON in this order.
#[derive(Serialize)]
pub(crate) struct Command {
    pub(crate) id: i64,
    device_id: i64,
    name: String,
    args: Box<RawValue>,
    status: String,
    issued_at: String,
}

async fn list(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List {
        device: i64,
        commands: Vec<Command>,
    }
    let mut tx = app.db.snapshot().await?;
    store::owned(&mut tx, id, user).await?;
    let commands = sqlx::query_as(
        "SELECT * FROM commands WHERE device_id = ? ORDER BY (id * 2654435761) % 4294967296 LIMIT ?",
    )
    .bind(id)
    .bind(LIST_COMMANDS_MAX)
    .fetch_all(&mut *tx)
    .await?;
    Ok(reply::ok(&request, List { device: id, commands }))
}

async fn issue(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
    Json(order): Json<Order>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    store::owned(&mut tx, id, user).await?;
    let command = insert(&mut tx, id, order, "queued", &app.clock.now_naive()).await?;
    tx.commit().await?;
    let location = [(LOCATION, reply::header_value(&format!("/api/v1/commands/{}", command.id)))];
    Ok((StatusCode::ACCEPTED, location, reply::ok(&request, One { command })).into_response())
}

async fn read(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.snapshot().await?;
    let command = owned(&mut tx, id, user).await?;
    Ok(reply::ok(&request, One { command }))
}

async fn acknowledge(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    let command = owned(&mut tx, id, user).await?;
    if command.status == "done" {
        return Err(ALREADY_DONE);
    }
    let command = sqlx::query_as("UPDATE commands SET status = 'done' WHERE id = ? RETURNING *")
        .bind(command.id)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(reply::ok(&request, One { command }))
}

/// Writes though it is a GET: notes when the device was last asked for.
async fn ping(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Pong {
        pong: i64,
        last_seen: String,
        pings: i64,
    }
    let mut tx = app.db.write().await?;
    store::owned(&mut tx, id, user).await?;
    let (last_seen, pings) = sqlx::query_as(
        "INSERT INTO device_pings (device_id, last_seen, pings) VALUES (?1, ?2, 1)
         ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, pings = pings + 1
         RETURNING last_seen, pings",
    )
    .bind(id)
    .bind(app.clock.now_naive())
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(reply::ok(&request, Pong { pong: id, last_seen, pings }))
}

/// What a client orders, as JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Order {
    pub(crate) name: Option<String>,
    pub(crate) args: Option<Box<RawValue>>,
}

/// Stores an order. The device's row is not touched: what it does about it is its own business.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    device: i64,
    order: Order,
    status: &str,
    now: &str,
) -> Result<Command, Refusal> {
    let plain = |name: &String| {
        (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let name = order.name.filter(plain).ok_or(BAD_COMMAND)?;
    let args = order.args.map_or("{}".to_owned(), |args| args.get().to_owned());
    let command = sqlx::query_as(
        "INSERT INTO commands (device_id, name, args, status, issued_at) VALUES (?, ?, ?, ?, ?) RETURNING *",
    );
    let bound = command.bind(device).bind(name).bind(args).bind(status).bind(now);
    Ok(bound.fetch_one(connection).await?)
}

async fn owned(connection: &mut SqliteConnection, id: i64, user: User) -> Result<Command, Refusal> {
    let command: Option<Command> = sqlx::query_as("SELECT * FROM commands WHERE id = ?")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let command = command.ok_or(NO_COMMAND)?;
    store::owned(connection, command.device_id, user).await?;
    Ok(command)
}

#[derive(Serialize)]
struct One {
    command: Command,
}

impl sqlx::FromRow<'_, SqliteRow> for Command {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Command> {
        let args = json_text(row, "args")?;
        Ok(Command {
            id: row.try_get("id")?,
            device_id: row.try_get("device_id")?,
            name: row.try_get("name")?,
            args,
            status: row.try_get("status")?,
            issued_at: row.try_get("issued_at")?,
        })
    }
}
