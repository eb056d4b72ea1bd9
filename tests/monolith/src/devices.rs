//! Devices: read, list, register, rename, delete. The exact contract is in `CONTRACT.md`.
//!
//! Answers depend on the tables `devices` and `homes`, the session and the clock, on nothing else.

use std::sync::Arc;

use axum::extract::{FromRequest, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::body::Json;
use crate::query::{PathId, Query, number};
use crate::reply::{self, HTML, Refusal, RequestId};
use crate::session::User;

mod input;
pub(crate) mod store;

use input::{Change, NewDevice, Posted};
use store::Device;

/// Devices on one page of the list.
const PAGE_SIZE: i64 = 20;
/// Last page that may be asked for.
const PAGE_MAX: i64 = 100_000;
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/devices", get(list).post(register))
        .route("/api/v1/devices/{id}", get(read).put(change).patch(change).delete(delete))
}

async fn read(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().acquire().await?;
    let device = store::owned(&mut connection, id, user).await?;
    let tag = etag(&device);
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common_headers(Some(&tag))).into_response());
    }
    Ok(one(&request, device))
}

async fn list(
    State(app): State<Arc<App>>,
    user: User,
    RawQuery(query): RawQuery,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let home = query.get("home").map(|text| number(text).ok_or(Refusal::BAD_HOME)).transpose()?;
    let page = query.get("page").map_or(Some(1), number).filter(|&page| page <= PAGE_MAX);
    let page = page.ok_or(Refusal::BAD_PAGE)?;
    let mut tx = app.db.snapshot().await?;
    if let Some(home) = home {
        store::check_home(&mut tx, home, user).await?;
    }
    let total = store::count(&mut tx, user, home).await?;
    let devices = store::page(&mut tx, user, home, PAGE_SIZE, (page - 1) * PAGE_SIZE).await?;
    let pages = (total + PAGE_SIZE - 1) / PAGE_SIZE;
    let mut headers = common_headers(None);
    headers.insert(TOTAL_COUNT, HeaderValue::from(total));
    let body = List { home, page, pages, total, devices };
    Ok(with_headers(headers, reply::ok(&request, body)))
}

async fn register(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
    posted: Posted,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    let home = posted.device.home().ok_or(Refusal::BAD_HOME)?;
    store::check_home(&mut tx, home, user).await?;
    let NewDevice { name, kind, firmware, state, .. } = posted.device.checked()?;
    store::check_space(&mut tx, home).await?;
    let now = app.clock.now_naive();
    let device = store::insert(&mut tx, home, &name, &kind, &firmware, &state, &now).await?;
    tx.commit().await?;
    Ok(if posted.is_form { form_saved(&device) } else { created(&request, device) })
}

async fn change(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
    method: Method,
    Json(change): Json<Change>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    let device = store::owned(&mut tx, id, user).await?;
    let change = change.checked(method == Method::PUT)?;
    if change.version.is_some_and(|version| version != device.version) {
        return Err(input::STALE);
    }
    let device = store::update(&mut tx, id, &change, &app.clock.now_naive()).await?;
    tx.commit().await?;
    Ok(one(&request, device))
}

async fn delete(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    let device = store::owned(&mut tx, id, user).await?;
    let version = device.version + 1;
    store::bury(&mut tx, id, version, &app.clock.now_naive()).await?;
    tx.commit().await?;
    Ok(with_headers(common_headers(None), reply::ok(&request, Deleted { deleted: id, version })))
}

#[derive(Serialize)]
struct One {
    device: Device,
}

#[derive(Serialize)]
struct List {
    /// `null` when all homes were asked for.
    home: Option<i64>,
    page: i64,
    pages: i64,
    total: i64,
    devices: Vec<Device>,
}

#[derive(Serialize)]
struct Deleted {
    deleted: i64,
    version: i64,
}

fn one(request: &RequestId, device: Device) -> Response {
    let headers = common_headers(Some(&etag(&device)));
    with_headers(headers, reply::ok(request, One { device }))
}

fn created(request: &RequestId, device: Device) -> Response {
    let location = format!("/api/v1/devices/{}", device.id);
    let mut response = one(request, device);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(LOCATION, reply::header_value(&location));
    response
}

/// Browsers are sent to the page of the new device.
fn form_saved(device: &Device) -> Response {
    let location = format!("/devices.php?id={}", device.id);
    let page = format!(
        "<html><body><p>Saved. <a href=\"{location}\">Device {}</a></p></body></html>\n",
        device.id
    );
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, reply::header_value(&location))];
    (StatusCode::FOUND, headers, page).into_response()
}

/// Weak, since the body also carries the request id.
fn etag(device: &Device) -> String {
    format!("W/\"d{}-{}\"", device.id, device.version)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let lines = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|candidate| candidate == "*" || candidate.trim_start_matches("W/") == opaque)
}

fn common_headers(tag: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("Cookie"));
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(tag) = tag {
        headers.insert(ETAG, reply::header_value(tag));
    }
    headers
}

fn with_headers(headers: HeaderMap, mut response: Response) -> Response {
    response.headers_mut().extend(headers);
    response
}

// === impl Request bodies that may be JSON or a form ===

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Posted, Refusal> {
        Posted::read(request).await
    }
}
