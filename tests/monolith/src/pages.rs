//! Pages in HTML, as a browser of 2009 would like them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::account::{self, Account, PageUser};
use crate::app::App;
use crate::devices::store;
use crate::query::{Query, number};
use crate::reply::{self, HTML, Refusal};

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(front))
        .route("/login.php", get(login))
        .route("/user.php", get(user))
        .route("/devices.php", get(device))
        .route("/about.php", get(about))
}

/// The front door is elsewhere, by an absolute address.
async fn front(headers: HeaderMap) -> Response {
    let location = format!("http://{}/user.php", account::host(&headers));
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, reply::header_value(&location))];
    (StatusCode::FOUND, headers, moved_to(&location)).into_response()
}

async fn login(RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let next = escape(query.get("next").unwrap_or("/user.php"));
    let form = format!(
        "<form method=\"post\" action=\"/login\">\
         <input name=\"login\"><input name=\"password\" type=\"password\">\
         <input type=\"hidden\" name=\"next\" value=\"{next}\"><input type=\"submit\"></form>"
    );
    page("Log in", &form)
}

async fn user(
    State(app): State<Arc<App>>,
    PageUser(user): PageUser,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let row = sqlx::query("SELECT id, login, full_name, email FROM users WHERE id = ?")
        .bind(user.0)
        .fetch_optional(app.db.read())
        .await?;
    let account = Account::from_row(&row.ok_or(Refusal::NO_SESSION)?)?;
    let homes: Vec<(i64, String, String, i64)> = sqlx::query_as(
        "SELECT id, name, city, (SELECT count(*) FROM devices WHERE home_id = homes.id)
         FROM homes WHERE owner_id = ? ORDER BY (id * 2654435761) % 4294967296",
    )
    .bind(user.0)
    .fetch_all(app.db.read())
    .await?;
    let settings = account::stored_settings(&app, user).await?;
    let saved = Query::parse(query.unwrap_or_default().as_bytes()).get("saved") == Some("1");
    let mut html = String::new();
    if saved {
        html.push_str("<p class=\"flash\">Saved.</p>\n");
    }
    html.push_str(&format!(
        "<p>{} &lt;{}&gt;</p>\n<ul>\n",
        escape(&account.full_name),
        escape(&account.email)
    ));
    for (id, name, city, devices) in homes {
        let (name, city) = (escape(&name), escape(&city));
        html.push_str(&format!("<li id=\"home-{id}\">{name}, {city}: {devices} devices</li>\n"));
    }
    html.push_str("</ul>\n<dl>\n");
    for (key, value) in settings {
        html.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(&key), escape(&value)));
    }
    html.push_str("</dl>");
    let vary = AppendHeaders([
        (VARY, HeaderValue::from_static("Cookie, Accept-Language")),
        (VARY, HeaderValue::from_static("Accept-Encoding")),
    ]);
    let cache = [(CACHE_CONTROL, HeaderValue::from_static("private, max-age=0"))];
    Ok((vary, cache, page(&format!("Hello, {}", account.login), &html)).into_response())
}

/// Errors are a page too, with status 200.
async fn device(
    State(app): State<Arc<App>>,
    PageUser(user): PageUser,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let Some(id) = query.get("id").and_then(number) else {
        return Ok(page("Error", "<p class=\"error\">No device chosen</p>"));
    };
    let mut connection = app.db.read().acquire().await?;
    let device = match store::owned(&mut connection, id, user).await {
        Ok(device) => device,
        Err(refusal) if refusal == Refusal::DATABASE => return Err(refusal),
        Err(refusal) => {
            let error = format!("<p class=\"error\">{}: {}</p>", refusal.code, refusal.message);
            return Ok(page("Error", &error));
        }
    };
    let html = format!(
        "<table>\n<tr><th>Name</th><td>{}</td></tr>\n<tr><th>Kind</th><td>{}</td></tr>\n\
         <tr><th>State</th><td><code>{}</code></td></tr>\n<tr><th>Changed</th><td>{}</td></tr>\n</table>",
        escape(&device.name),
        escape(&device.kind),
        escape(device.state.get()),
        device.updated_at
    );
    Ok(page(&format!("Device {id}"), &html))
}

/// Latin-1 in the body and in a header, an empty header, and one that comes twice.
async fn about() -> Response {
    const LATIN_1: &[u8] =
        b"<html><head><title>\xdcber uns</title></head><body><p>Caf\xe9 & K\xfcche, 20 \xb0C, \xa9 2009</p></body></html>\n";
    let headers = AppendHeaders([
        (HeaderName::from_static("x-city"), city()),
        (HeaderName::from_static("x-empty"), HeaderValue::from_static("")),
        (HeaderName::from_static("x-debug"), HeaderValue::from_static("cache=miss")),
        (HeaderName::from_static("x-debug"), HeaderValue::from_static("queries=0; took=0ms")),
    ]);
    let latin_1 = HeaderValue::from_static("text/html; charset=ISO-8859-1");
    ([(CONTENT_TYPE, latin_1)], headers, LATIN_1).into_response()
}

fn city() -> HeaderValue {
    HeaderValue::from_bytes(b"Malm\xf6").unwrap_or(HeaderValue::from_static("Malmo"))
}

/// What a browser shows while it follows a redirection.
pub(crate) fn moved_to(location: &str) -> String {
    format!("<html><body>Moved <a href=\"{}\">here</a></body></html>\n", escape(location))
}

pub(crate) fn login_failed(login: &str) -> String {
    let error = format!("<p class=\"error\">Login failed for {}</p>", escape(login));
    document("Log in", &error)
}

fn page(title: &str, html: &str) -> Response {
    ([(CONTENT_TYPE, HTML)], document(title, html)).into_response()
}

fn document(title: &str, html: &str) -> String {
    let title = escape(title);
    format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{html}\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
