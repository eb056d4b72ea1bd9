//! What happened in a home: listing, reporting, and the feed that streams follow.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tokio::sync::broadcast;

use crate::app::App;
use crate::body::Json;
use crate::db::json_text;
use crate::devices::store;
use crate::query::{PathId, Query, number};
use crate::reply::{self, Refusal, RequestId};
use crate::session::User;

/// Events that a slow stream may be behind before it reads the table again.
const FEED_EVENTS_MAX: usize = 1024;
const LIST_EVENTS_MAX: i64 = 100;
const LIST_EVENTS_DEFAULT: i64 = 10;
const KIND_BYTES_MAX: usize = 32;
const NO_EVENT: Refusal = Refusal::new(404, "E_NO_EVENT", "No such event");
const BAD_KIND: Refusal = Refusal::soft("E_KIND", "Bad kind");
const BAD_LIMIT: Refusal = Refusal::soft("E_LIMIT", "Bad limit");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/homes/{id}/events", get(list))
        .route("/api/v1/events/{id}", get(read))
        .route("/api/v1/devices/{id}/events", post(report))
}

/// A row of `events`; its fields are the JSON in this order.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) home_id: i64,
    pub(crate) device_id: i64,
    pub(crate) kind: String,
    pub(crate) payload: Box<RawValue>,
    pub(crate) at: String,
}

/// New events, to every stream at once.
#[derive(Clone)]
pub(crate) struct Feed(broadcast::Sender<Arc<Event>>);

impl Default for Feed {
    fn default() -> Feed {
        Feed(broadcast::Sender::new(FEED_EVENTS_MAX))
    }
}

impl Feed {
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.subscribe()
    }

    fn publish(&self, event: Event) {
        // An error only says that nobody listens.
        let _ = self.0.send(Arc::new(event));
    }
}

/// `after` an id, at most `limit`; the page is contiguous, its order is not.
async fn list(
    State(app): State<Arc<App>>,
    user: User,
    PathId(home): PathId,
    RawQuery(query): RawQuery,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List {
        home: i64,
        events: Vec<Event>,
        next: Option<i64>,
    }
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let limit = query.get("limit").map_or(Some(LIST_EVENTS_DEFAULT), number);
    let limit = limit.filter(|&limit| limit <= LIST_EVENTS_MAX).ok_or(BAD_LIMIT)?;
    let after = query.get("after").and_then(number).unwrap_or(0);
    let mut tx = app.db.snapshot().await?;
    store::check_home(&mut tx, home, user).await?;
    let mut events = after_id(&mut tx, home, after, limit).await?;
    let next = events.last().map(|event| event.id);
    events.sort_by_key(|event| event.id.wrapping_mul(2_654_435_761) % 4_294_967_296);
    Ok(reply::ok(&request, List { home, events, next }))
}

async fn read(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.snapshot().await?;
    let event: Option<Event> = sqlx::query_as("SELECT * FROM events WHERE id = ?")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
    let event = event.ok_or(NO_EVENT)?;
    store::check_home(&mut tx, event.home_id, user).await?;
    Ok(reply::ok(&request, One { event }))
}

/// A device reports an event; streams and sockets hear of it once it is stored.
async fn report(
    State(app): State<Arc<App>>,
    user: User,
    PathId(device): PathId,
    Extension(request): Extension<RequestId>,
    Json(sent): Json<Sent>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    let device = store::owned(&mut tx, device, user).await?;
    let plain = |kind: &String| {
        !kind.is_empty()
            && kind.len() <= KIND_BYTES_MAX
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let kind = sent.kind.filter(plain).ok_or(BAD_KIND)?;
    // A newline would end the `data:` line of the event stream.
    let payload =
        sent.payload.map_or("null".to_owned(), |payload| payload.get().replace(['\r', '\n'], " "));
    let event: Event = sqlx::query_as(
        "INSERT INTO events (home_id, device_id, kind, payload, at) VALUES (?, ?, ?, ?, ?) RETURNING *",
    )
    .bind(device.home_id)
    .bind(device.id)
    .bind(kind)
    .bind(payload)
    .bind(app.clock.now_naive())
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    app.feed.publish(event.clone());
    Ok(reply::ok(&request, One { event }))
}

/// Events of `home` with a greater id than `after`, by id.
pub(crate) async fn after_id(
    connection: &mut sqlx::SqliteConnection,
    home: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as("SELECT * FROM events WHERE home_id = ? AND id > ? ORDER BY id LIMIT ?")
        .bind(home)
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    kind: Option<String>,
    payload: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct One {
    event: Event,
}

impl sqlx::FromRow<'_, SqliteRow> for Event {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Event> {
        let payload = json_text(row, "payload")?;
        Ok(Event {
            id: row.try_get("id")?,
            home_id: row.try_get("home_id")?,
            device_id: row.try_get("device_id")?,
            kind: row.try_get("kind")?,
            payload,
            at: row.try_get("at")?,
        })
    }
}
