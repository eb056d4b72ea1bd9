//! Devices: read, list, register, rename, delete.
//!
//! Answers follow from the tables `devices` and `homes`, the session and the clock, nothing else.

use axum::extract::{FromRef, FromRequestParts, Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use chassis::dry_run::{PublicDatabase, Write};
use chassis::{Clock, SessionKey, UserId};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::body::Json;
use crate::device::{self, Device};
use crate::input::{Change, Posted};
use crate::query::{Query, number};
use crate::reply::{self, HTML, Refusal, RequestId};

const PAGE_SIZE: i64 = 20;
const PAGE_MAX: i64 = 100_000;
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) database: PublicDatabase,
    pub(crate) sessions: SessionKey,
    pub(crate) clock: Clock,
}

impl FromRef<App> for PublicDatabase {
    fn from_ref(app: &App) -> PublicDatabase {
        app.database.clone()
    }
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/devices", get(list).post(register))
        .route("/api/v1/devices/{id}", get(read).put(change).patch(change).delete(delete))
}

async fn read(
    State(app): State<App>,
    User(user): User,
    DeviceId(id): DeviceId,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut connection = app.database.read().acquire().await?;
    let device = device::owned(&mut connection, id, user).await?;
    let tag = etag(&device);
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common_headers(Some(&tag))).into_response());
    }
    Ok(one(&request, &device))
}

async fn list(
    State(app): State<App>,
    User(user): User,
    RawQuery(query): RawQuery,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let home = query.get("home").map(|text| number(text).ok_or(Refusal::BAD_HOME)).transpose()?;
    let page = query.get("page").map_or(Some(1), number).filter(|&page| page <= PAGE_MAX);
    let page = page.ok_or(Refusal::BAD_PAGE)?;
    let mut tx = app.database.snapshot().await?;
    if let Some(home) = home {
        device::check_home(&mut tx, home, user).await?;
    }
    let total = device::count(&mut tx, user, home).await?;
    let devices = device::page(&mut tx, user, home, PAGE_SIZE, (page - 1) * PAGE_SIZE).await?;
    let pages = (total + PAGE_SIZE - 1) / PAGE_SIZE;
    let mut headers = common_headers(None);
    headers.insert(TOTAL_COUNT, HeaderValue::from(total));
    let body = List { home, page, pages, total, devices: &devices };
    Ok(with_headers(headers, reply::ok(&request, body)))
}

async fn register(
    State(app): State<App>,
    User(user): User,
    Extension(request): Extension<RequestId>,
    write: Write,
    posted: Posted,
) -> Result<Response, Refusal> {
    let mut tx = write.begin().await?;
    let home = posted.registration.home()?;
    device::check_home(&mut tx, home, user).await?;
    let new = posted.registration.checked()?;
    device::check_space(&mut tx, home).await?;
    let device = device::insert(&mut tx, home, &new, app.clock.now_micros()).await?;
    tx.commit().await?;
    Ok(if posted.is_form { form_saved(&device) } else { created(&request, &device) })
}

async fn change(
    State(app): State<App>,
    User(user): User,
    DeviceId(id): DeviceId,
    Extension(request): Extension<RequestId>,
    method: Method,
    write: Write,
    Json(change): Json<Change>,
) -> Result<Response, Refusal> {
    let mut tx = write.begin().await?;
    let device = device::owned(&mut tx, id, user).await?;
    let change = change.checked(method == Method::PUT)?;
    if change.version.is_some_and(|version| version != device.version) {
        return Err(Refusal::STALE);
    }
    let device = device::update(&mut tx, id, &change, app.clock.now_micros()).await?;
    tx.commit().await?;
    Ok(one(&request, &device))
}

async fn delete(
    State(app): State<App>,
    User(user): User,
    DeviceId(id): DeviceId,
    Extension(request): Extension<RequestId>,
    write: Write,
) -> Result<Response, Refusal> {
    let mut tx = write.begin().await?;
    let device = device::owned(&mut tx, id, user).await?;
    let version = device.version + 1;
    device::bury(&mut tx, id, version, app.clock.now_micros()).await?;
    tx.commit().await?;
    Ok(with_headers(common_headers(None), reply::ok(&request, Deleted { deleted: id, version })))
}

/// The user of a valid session; without one, 401.
struct User(UserId);

impl FromRequestParts<App> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<User, Refusal> {
        let user = app.sessions.user(&parts.headers, app.clock.now_seconds());
        user.map(User).ok_or(Refusal::NO_SESSION)
    }
}

/// The `{id}` of the path; anything but a positive number is a soft error.
struct DeviceId(i64);

impl FromRequestParts<App> for DeviceId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<DeviceId, Refusal> {
        let segment = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = segment.map_err(|_| Refusal::BAD_ID)?;
        number(&text).map(DeviceId).ok_or(Refusal::BAD_ID)
    }
}

#[derive(Serialize)]
struct One<'a> {
    device: &'a Device,
}

#[derive(Serialize)]
struct List<'a> {
    /// `null` when all homes were asked for.
    home: Option<i64>,
    page: i64,
    pages: i64,
    total: i64,
    devices: &'a [Device],
}

#[derive(Serialize)]
struct Deleted {
    deleted: i64,
    version: i64,
}

fn one(request: &RequestId, device: &Device) -> Response {
    with_headers(common_headers(Some(&etag(device))), reply::ok(request, One { device }))
}

fn created(request: &RequestId, device: &Device) -> Response {
    let location = format!("/api/v1/devices/{}", device.id);
    let mut response = one(request, device);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(LOCATION, reply::header_value(&location));
    response
}

/// Browsers are sent to the monolith's page of the device.
fn form_saved(device: &Device) -> Response {
    let id = device.id;
    let location = format!("/devices.php?id={id}");
    let page =
        format!("<html><body><p>Saved. <a href=\"{location}\">Device {id}</a></p></body></html>\n");
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
