//! Logging in and out, by form and by JSON; who am I; settings.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, SET_COOKIE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::app::App;
use crate::body::{self, Json, TEXT_BYTES_MAX};
use crate::clock::naive;
use crate::db::is_password;
use crate::pages;
use crate::query::Query;
use crate::reply::{self, HTML, Refusal, RequestId};
use crate::session::{LIFETIME_SECONDS, User};

const BAD_LOGIN: Refusal = Refusal::soft("E_LOGIN", "Wrong login or password");
const BAD_SETTING: Refusal = Refusal::soft("E_SETTING", "Unknown setting");
const SETTINGS: [&str; 4] = ["language", "newsletter", "theme", "units"];
const SETTING_BYTES_MAX: usize = 100;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", post(log_in_by_form))
        .route("/api/v1/login", post(log_in_by_json))
        .route("/logout.php", get(log_out_page))
        .route("/api/v1/logout", post(log_out))
        .route("/api/v1/me", get(me))
        .route("/api/v1/settings", get(settings))
        .route("/settings.php", post(save_settings))
}

async fn log_in_by_form(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let form = read_form(request).await?;
    let field = |name| form.get(name).unwrap_or_default();
    let Some(account) = check_password(&app, field("login"), field("password")).await? else {
        // The page of old: a failure that looks like success.
        return Ok(([(CONTENT_TYPE, HTML)], pages::login_failed(field("login"))).into_response());
    };
    let next = form.get("next").filter(|next| is_local(next)).unwrap_or("/user.php");
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, reply::header_value(next))];
    let cookies = session_cookies(&app, account.id);
    Ok((StatusCode::FOUND, headers, cookies, pages::moved_to(next)).into_response())
}

async fn log_in_by_json(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Json(sent): Json<Credentials>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct LoggedIn {
        user: Account,
        expires: String,
    }
    let user = check_password(&app, &sent.login, &sent.password).await?.ok_or(BAD_LOGIN)?;
    let expires = naive(app.clock.now() + LIFETIME_SECONDS);
    let cookies = session_cookies(&app, user.id);
    Ok((cookies, reply::ok(&request, LoggedIn { user, expires })).into_response())
}

async fn log_out_page() -> Response {
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, HeaderValue::from_static("/login.php"))];
    (StatusCode::FOUND, headers, forget_cookies(), pages::moved_to("/login.php")).into_response()
}

async fn log_out(_: User, Extension(request): Extension<RequestId>) -> Response {
    #[derive(Serialize)]
    struct Bye {
        bye: bool,
    }
    (forget_cookies(), reply::ok(&request, Bye { bye: true })).into_response()
}

async fn me(
    State(app): State<Arc<App>>,
    User(id): User,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Me {
        user: Account,
    }
    let row = sqlx::query("SELECT id, login, full_name, email FROM users WHERE id = ?")
        .bind(id)
        .fetch_optional(app.db.read())
        .await?;
    let user = Account::from_row(&row.ok_or(Refusal::NO_SESSION)?)?;
    Ok(reply::ok(&request, Me { user }))
}

async fn settings(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct All {
        settings: std::collections::BTreeMap<String, String>,
    }
    let settings = stored_settings(&app, user).await?.into_iter().collect();
    let mut response = reply::ok(&request, All { settings });
    response.headers_mut().insert(VARY, HeaderValue::from_static("Cookie"));
    Ok(response)
}

/// Keeps what it knows; one unknown key and nothing is kept.
async fn save_settings(
    State(app): State<Arc<App>>,
    PageUser(user): PageUser,
    request: Request,
) -> Result<Response, Refusal> {
    let form = read_form(request).await?;
    if form.pairs().any(|(key, value)| !SETTINGS.contains(&key) || value.len() > SETTING_BYTES_MAX)
    {
        return Err(BAD_SETTING);
    }
    let mut tx = app.db.write().await?;
    for (key, value) in form.pairs() {
        sqlx::query("INSERT INTO settings (user_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
            .bind(user.0)
            .bind(key)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    let to = "/user.php?saved=1";
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, HeaderValue::from_static(to))];
    Ok((StatusCode::FOUND, headers, pages::moved_to(to)).into_response())
}

/// The user of a page: whoever has no session is sent to the log-in page and back again.
pub(crate) struct PageUser(pub(crate) User);

impl FromRequestParts<Arc<App>> for PageUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<PageUser, Response> {
        let user = app.sessions.user(&parts.headers, app.clock.now());
        user.map(PageUser).ok_or_else(|| {
            let next = parts.uri.path();
            let location = format!("http://{}/login.php?next={next}", host(&parts.headers));
            let headers = [
                (CONTENT_TYPE, HTML),
                (LOCATION, reply::header_value(&location)),
                (CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate")),
            ];
            (StatusCode::FOUND, headers, pages::moved_to(&location)).into_response()
        })
    }
}

/// The stored settings of `user`, by key.
pub(crate) async fn stored_settings(
    app: &App,
    user: User,
) -> Result<Vec<(String, String)>, Refusal> {
    let rows = sqlx::query_as("SELECT key, value FROM settings WHERE user_id = ? ORDER BY key")
        .bind(user.0)
        .fetch_all(app.db.read())
        .await?;
    Ok(rows)
}

/// The host that the client named, which old pages put into absolute links.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    login: String,
    password: String,
}

#[derive(Serialize)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) login: String,
    pub(crate) full_name: String,
    pub(crate) email: String,
}

impl Account {
    pub(crate) fn from_row(row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<Account> {
        Ok(Account {
            id: row.try_get("id")?,
            login: row.try_get("login")?,
            full_name: row.try_get("full_name")?,
            email: row.try_get("email")?,
        })
    }
}

async fn read_form(request: Request) -> Result<Query, Refusal> {
    if body::media_type(request.headers()).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(Refusal::MEDIA_TYPE);
    }
    Ok(Query::parse(&body::collect(request, TEXT_BYTES_MAX).await?))
}

async fn check_password(
    app: &App,
    login: &str,
    password: &str,
) -> Result<Option<Account>, Refusal> {
    let row =
        sqlx::query("SELECT id, login, full_name, email, password_hash FROM users WHERE login = ?")
            .bind(login)
            .fetch_optional(app.db.read())
            .await?;
    let Some(row) = row else { return Ok(None) };
    let stored: String = row.try_get("password_hash")?;
    Ok(if is_password(login, password, &stored) { Some(Account::from_row(&row)?) } else { None })
}

/// Two cookies, so two `Set-Cookie` lines.
fn session_cookies(app: &App, user: i64) -> impl axum::response::IntoResponseParts {
    let token = app.sessions.issue(user, app.clock.now() + LIFETIME_SECONDS);
    let session =
        format!("sid={token}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax");
    let theme = HeaderValue::from_static("legacy_theme=blue; Path=/");
    AppendHeaders([(SET_COOKIE, reply::header_value(&session)), (SET_COOKIE, theme)])
}

fn forget_cookies() -> impl axum::response::IntoResponseParts {
    let past = "Expires=Thu, 01 Jan 1970 00:00:01 GMT; Path=/";
    let forget = |name| reply::header_value(&format!("{name}=deleted; {past}"));
    AppendHeaders([(SET_COOKIE, forget("sid")), (SET_COOKIE, forget("legacy_theme"))])
}

/// No way to send the browser to another house.
fn is_local(next: &str) -> bool {
    // Browsers read a backslash as a slash.
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && next.starts_with('/') && !next.starts_with("//")
}
