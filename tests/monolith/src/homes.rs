//! Homes: list, read, change.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::app::App;
use crate::body::Json;
use crate::devices::store::check_home;
use crate::query::PathId;
use crate::reply::{self, Refusal, RequestId};
use crate::session::User;

const BAD_NAME: Refusal = Refusal::soft("E_NAME", "Bad name");
const NAME_CHARS_MAX: usize = 64;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/homes", get(list))
        .route("/api/v1/homes/{id}", get(read).put(change))
}

async fn list(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List {
        homes: Vec<Home>,
    }
    let homes = sqlx::query_as(
        "SELECT * FROM homes WHERE owner_id = ? ORDER BY (id * 2654435761) % 4294967296",
    )
    .bind(user.0)
    .fetch_all(app.db.read())
    .await?;
    Ok(reply::ok(&request, List { homes }))
}

async fn read(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.snapshot().await?;
    check_home(&mut tx, id, user).await?;
    Ok(reply::ok(&request, One { home: get_home(&mut tx, id).await? }))
}

async fn change(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
    Json(change): Json<Change>,
) -> Result<Response, Refusal> {
    let name = change.name.filter(|name| (1..=NAME_CHARS_MAX).contains(&name.chars().count()));
    let name = name.ok_or(BAD_NAME)?;
    let mut tx = app.db.write().await?;
    check_home(&mut tx, id, user).await?;
    sqlx::query("UPDATE homes SET name = ? WHERE id = ?")
        .bind(name)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let home = get_home(&mut tx, id).await?;
    tx.commit().await?;
    Ok(reply::ok(&request, One { home }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    name: Option<String>,
}

#[derive(Serialize)]
struct One {
    home: Home,
}

#[derive(Serialize)]
struct Home {
    id: i64,
    name: String,
    city: String,
    created_at: String,
}

impl sqlx::FromRow<'_, SqliteRow> for Home {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Home> {
        Ok(Home {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            city: row.try_get("city")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

async fn get_home(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<Home> {
    sqlx::query_as("SELECT * FROM homes WHERE id = ?").bind(id).fetch_one(connection).await
}
