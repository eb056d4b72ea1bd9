//! Request bodies, read whole within a size and two time limits.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::reply::Refusal;

/// Largest JSON or form body.
pub(crate) const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Longest silence within a body.
const FRAME_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads the body of `request`.
///
/// Refused with 413 above `bytes_max` (by `Content-Length` before a byte is read), with 408 when a
/// limit of time passes, with 400 when the client breaks off.
pub(crate) async fn collect(request: Request, bytes_max: usize) -> Result<Bytes, Refusal> {
    if announced_length(request.headers()).is_some_and(|length| length > bytes_max as u64) {
        return Err(Refusal::TOO_LARGE);
    }
    let mut body = request.into_body();
    let deadline = Instant::now() + BODY_TIMEOUT;
    let mut collected = BytesMut::new();
    while !body.is_end_stream() {
        let next = timeout_at(deadline.min(Instant::now() + FRAME_TIMEOUT), body.frame()).await;
        let Some(frame) = next.map_err(|_| Refusal::TOO_SLOW)? else { break };
        let Ok(data) = frame.map_err(|_| Refusal::CUT_SHORT)?.into_data() else { continue };
        if collected.len() + data.len() > bytes_max {
            return Err(Refusal::TOO_LARGE);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

/// A JSON object read into `T`; without a `Content-Type`, JSON is assumed.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Refusal> {
        if media_type(request.headers()).is_some_and(|media| media != "application/json") {
            return Err(Refusal::MEDIA_TYPE);
        }
        from_json(&collect(request, TEXT_BYTES_MAX).await?).map(Json)
    }
}

/// Reads a JSON object. An array is refused, though serde would take it for a struct.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::BAD_JSON);
    }
    serde_json::from_slice(bytes).map_err(|_| Refusal::BAD_JSON)
}

/// `Content-Type` without parameters, in lower case; `None` when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("invalid");
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
