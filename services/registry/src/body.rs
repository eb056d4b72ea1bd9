//! Request bodies in the contract's words.

use axum::extract::{FromRequest, Request};
use chassis::body::{BodyError, BodyLimits, collect};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::reply::Refusal;

const TEXT: BodyLimits = BodyLimits::bytes(64 * 1024);

/// A JSON object read into `T`; without a `Content-Type`, JSON is assumed.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Refusal> {
        if media_type(request.headers()).is_some_and(|media| media != "application/json") {
            return Err(Refusal::MEDIA_TYPE);
        }
        from_json(&read(request).await?).map(Json)
    }
}

/// Reads the body.
pub(crate) async fn read(request: Request) -> Result<Vec<u8>, Refusal> {
    let collected = collect(request, TEXT).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::TOO_LARGE,
        BodyError::TooSlow => Refusal::TOO_SLOW,
        BodyError::CutShort => Refusal::CUT_SHORT,
    })?;
    Ok(collected.to_vec())
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
