//! Errors of internal endpoints as responses (RFC 9457).
//!
//! Public endpoints answer in the words of the contract they took over, not in these.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A refused or failed internal request: `{"status":…,"code":…,"detail":…}`.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
}

impl Problem {
    /// `code` is stable and of low cardinality; `detail` says what, where, why and what next.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem { status, code, detail: detail.into() }
    }

    /// 503 for what may work a little later; the cause goes to the log, not to the client.
    pub fn unavailable(code: &'static str, cause: &(dyn std::error::Error + 'static)) -> Problem {
        tracing::error!(code, error = cause, "an internal request failed");
        let detail = "the database did not take it; try again, and see the service's log";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// The stable word for what went wrong.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("a problem is a struct of plain fields");
        let media = HeaderValue::from_static("application/problem+json");
        let headers =
            [(CONTENT_TYPE, media), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        let mut response = (self.status, headers, body).into_response();
        let extra = match self.status {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
