//! What no one would build again: odd statuses, reasons of their own, gzip on one page only.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::ext::ReasonPhrase;
use ring::digest;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::body::{self, Json};
use crate::devices::store;
use crate::reply::{self, Refusal, RequestId};
use crate::session::{User, hex};

mod gzip;

const BATCH_MAX: usize = 50;
const BAD_BATCH: Refusal = Refusal::soft("E_BATCH", "Bad batch");
const ECHO_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Left out of the echo unless `?all` asks for them: tracing agents add them on the way.
const TRACING_HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(health))
        .route("/teapot.php", get(teapot))
        .route("/api/v1/firmware/check", get(firmware))
        .route("/api/v1/catalog", get(catalog))
        .route("/api/v1/batch", post(batch))
        .route("/echo.php", any(echo))
        .route("/nothing.php", get(async || StatusCode::NO_CONTENT))
        .route("/reset.php", post(reset))
        .route("/raw.php", get(async || Response::new(axum::body::Body::from("no type at all\n"))))
}

/// Looks at the database, so that it means something.
async fn health(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let _: i64 = sqlx::query_scalar("SELECT 1").fetch_one(app.db.read()).await?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))], "OK\n").into_response())
}

async fn teapot() -> Response {
    let reason = Extension(ReasonPhrase::from_static(b"Short And Stout"));
    let headers = [(HeaderName::from_static("x-pot"), HeaderValue::from_static("tea"))];
    (StatusCode::IM_A_TEAPOT, reason, headers, "tip me over\n").into_response()
}

/// A status that no list has.
async fn firmware(Extension(request): Extension<RequestId>) -> Response {
    #[derive(Serialize)]
    struct Latest {
        latest: &'static str,
    }
    let mut response = reply::ok(&request, Latest { latest: "3.9.42" });
    *response.status_mut() = StatusCode::from_u16(299).unwrap_or(StatusCode::OK);
    response.extensions_mut().insert(ReasonPhrase::from_static(b"Probably Fine (cached)"));
    response
}

/// 205 with a body length of zero, and a header that says nothing.
async fn reset() -> Response {
    (
        StatusCode::RESET_CONTENT,
        [(HeaderName::from_static("x-empty"), HeaderValue::from_static(""))],
    )
        .into_response()
}

/// The only page that is compressed, and only for who asks.
async fn catalog(headers: HeaderMap) -> Response {
    let text = catalog_text();
    let wants_gzip =
        headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    let wants_gzip = wants_gzip.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
            && parts.all(|part| part != "q=0")
    });
    let common = [(CONTENT_TYPE, reply::JSON), (VARY, HeaderValue::from_static("Accept-Encoding"))];
    if !wants_gzip {
        return (common, [(ETAG, HeaderValue::from_static("\"catalog-1\""))], text).into_response();
    }
    let coded = [
        (CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        (ETAG, HeaderValue::from_static("\"catalog-1-gzip\"")),
    ];
    (common, coded, gzip::compress(text.as_bytes())).into_response()
}

fn catalog_text() -> String {
    let entry = |number: u32| {
        format!(
            "{{\"sku\":\"HH-{number:04}\",\"price\":\"{}.{:02}\",\"in_stock\":{}}}",
            9 + number % 40,
            number * 7 % 100,
            !number.is_multiple_of(3)
        )
    };
    let entries: Vec<String> = (1..=40).map(entry).collect();
    format!("{{\"catalog\":[{}]}}\n", entries.join(","))
}

/// Several reads in one request; each part has a status of its own.
async fn batch(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
    Json(batch): Json<Batch>,
) -> Result<Response, Refusal> {
    let ids = batch.devices.filter(|ids| (1..=BATCH_MAX).contains(&ids.len())).ok_or(BAD_BATCH)?;
    let mut tx = app.db.snapshot().await?;
    let mut results = Vec::new();
    for id in ids {
        results.push(match store::owned(&mut tx, id, user).await {
            Ok(device) => Part { id, status: 200, code: None, name: Some(device.name) },
            Err(refusal) => {
                Part { id, status: refusal.status, code: Some(refusal.code), name: None }
            }
        });
    }
    let partly = results.iter().any(|part| part.status != 200);
    let mut response = reply::ok(&request, Batched { results });
    *response.status_mut() = StatusCode::MULTI_STATUS;
    if partly {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Multi-Status (some failed)"));
    }
    Ok(response)
}

/// The request as it arrived: whoever rewrites it on the way is seen here.
async fn echo(request: Request) -> Result<Response, Refusal> {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    let wants_all = request.uri().query() == Some("all");
    for (name, value) in request.headers() {
        if wants_all || !TRACING_HEADERS.contains(&name.as_str()) {
            text.push_str(&format!("{name}: {}\n", value.as_bytes().escape_ascii()));
        }
    }
    let body: Bytes = body::collect(request, ECHO_BYTES_MAX).await?;
    let hash = hex(digest::digest(&digest::SHA256, &body).as_ref());
    text.push_str(&format!("body: {} bytes, sha256 {hash}\n", body.len()));
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))], text).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Batch {
    devices: Option<Vec<i64>>,
}

#[derive(Serialize)]
struct Batched {
    results: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    id: i64,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}
