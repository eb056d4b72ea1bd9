//! Files of a user: upload by form or PUT, download whole or in ranges.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Multipart, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use ring::digest;
use serde::Serialize;
use tokio::time::{Duration, timeout};

use crate::app::App;
use crate::body;
use crate::reply::{self, Refusal, RequestId};
use crate::session::{User, hex};

mod download;
mod range;
mod store;

use store::{Stored, Summary};

/// Largest file.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Room for the boundaries and names around the files of a form.
const FORM_BYTES_MAX: usize = FILE_BYTES_MAX + 64 * 1024;
const FORM_FILES_MAX: usize = 10;
const FORM_TIMEOUT: Duration = Duration::from_secs(60);
const NAME_BYTES_MAX: usize = 200;
const FILES_PER_USER_MAX: i64 = 200;

const BAD_FILE_NAME: Refusal = Refusal::soft("E_FILE_NAME", "Bad file name");
const NO_FILE: Refusal = Refusal::new(404, "E_NO_FILE", "No such file");
const NO_UPLOAD: Refusal = Refusal::soft("E_UPLOAD", "No file was uploaded");
const BAD_FORM: Refusal = Refusal::new(400, "E_FORM", "Malformed form");
const TOO_MANY: Refusal = Refusal::soft("E_QUOTA", "Too many files");
const PRECONDITION: Refusal = Refusal::new(412, "E_PRECONDITION", "File was changed meanwhile");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/files", get(list))
        .route("/files/{name}", get(download::send).put(put).delete(delete))
        .route("/upload.php", post(upload).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)))
}

async fn list(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List {
        files: Vec<Summary>,
    }
    Ok(reply::ok(&request, List { files: store::list(app.db.read(), user).await? }))
}

/// Raw PUT: 201 for a new name, 204 for a new content.
async fn put(
    State(app): State<Arc<App>>,
    user: User,
    FileName(name): FileName,
    request: Request,
) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
    let content = body::collect(request, FILE_BYTES_MAX).await?;
    let mut tx = app.db.write().await?;
    let present = store::find(&mut tx, user, &name).await?;
    check_preconditions(&headers, present.as_ref())?;
    let file = Stored::new(name, content_type, content, app.clock.now());
    store::put(&mut tx, user, &file).await?;
    tx.commit().await?;
    let etag = [(http::header::ETAG, reply::header_value(&file.etag()))];
    if present.is_some() {
        return Ok((StatusCode::NO_CONTENT, etag).into_response());
    }
    let location = format!("/files/{}", encode_segment(&file.name));
    Ok((StatusCode::CREATED, etag, [(LOCATION, reply::header_value(&location))]).into_response())
}

async fn delete(
    State(app): State<Arc<App>>,
    user: User,
    FileName(name): FileName,
) -> Result<Response, Refusal> {
    let mut tx = app.db.write().await?;
    if !store::delete(&mut tx, user, &name).await? {
        return Err(NO_FILE);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A browser's upload: every part with a file name is stored, the rest is ignored.
async fn upload(
    State(app): State<Arc<App>>,
    user: User,
    Extension(request): Extension<RequestId>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Uploaded {
        files: Vec<Summary>,
    }
    let form = form.map_err(|_| Refusal::MEDIA_TYPE)?;
    let parts = timeout(FORM_TIMEOUT, read_form(form)).await.map_err(|_| Refusal::TOO_SLOW)??;
    if parts.is_empty() {
        return Err(NO_UPLOAD);
    }
    let mut tx = app.db.write().await?;
    let mut files = Vec::new();
    for (name, content_type, content) in parts {
        let file = Stored::new(check_name(name)?, content_type, content, app.clock.now());
        store::put(&mut tx, user, &file).await?;
        files.push(file.summary());
    }
    tx.commit().await?;
    Ok(reply::ok(&request, Uploaded { files }))
}

async fn read_form(mut form: Multipart) -> Result<Vec<(String, String, Bytes)>, Refusal> {
    let refuse = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TOO_LARGE,
        _ => BAD_FORM,
    };
    let mut files = Vec::new();
    while let Some(part) = form.next_field().await.map_err(refuse)? {
        let Some(name) = part.file_name().map(str::to_owned) else { continue };
        let content_type = part.content_type().unwrap_or("application/octet-stream").to_owned();
        if files.len() == FORM_FILES_MAX {
            return Err(TOO_MANY);
        }
        files.push((name, content_type, part.bytes().await.map_err(refuse)?));
    }
    Ok(files)
}

/// The `{name}` of a file route, decoded: an encoded slash belongs to the name.
struct FileName(String);

impl<S: Send + Sync> FromRequestParts<S> for FileName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<FileName, Refusal> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = segment.map_err(|_| BAD_FILE_NAME)?;
        check_name(name).map(FileName)
    }
}

fn check_name(name: String) -> Result<String, Refusal> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
    if fits && !name.contains(char::is_control) { Ok(name) } else { Err(BAD_FILE_NAME) }
}

/// `If-Match` and `If-None-Match: *` of a PUT.
fn check_preconditions(headers: &HeaderMap, present: Option<&Stored>) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let must_match = text(IF_MATCH)
        .is_none_or(|tags| present.is_some_and(|file| range::lists(tags, &file.etag())));
    let must_be_new = text(IF_NONE_MATCH) != Some("*") || present.is_none();
    if must_match && must_be_new { Ok(()) } else { Err(PRECONDITION) }
}

/// Everything but letters, digits and `-._~` as `%XX`, so that a slash stays in its segment.
fn encode_segment(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}

fn sha256(content: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, content).as_ref())
}
