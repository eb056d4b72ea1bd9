//! What every answer has in common: the request id, and the one shape of an error.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// Media type of every JSON answer.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// Media type of every page but the Latin-1 one.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// `req-` and eight lower-case hex digits, new for each request; whatever the client sent is ignored.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// A request answered by an error. [`crate::app`] turns it into the body, so that all look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 200 for what the old code calls a "soft" error.
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    /// The rest of the request body was not read, so the connection cannot go on.
    pub(crate) close: bool,
}

impl Refusal {
    pub(crate) const NO_SESSION: Refusal = Refusal::new(401, "E_AUTH", "Not logged in");
    pub(crate) const METHOD: Refusal = Refusal::new(405, "E_METHOD", "Method not allowed");
    pub(crate) const TOO_LARGE: Refusal = Refusal::new(413, "E_SIZE", "Body too large").closing();
    pub(crate) const TOO_SLOW: Refusal =
        Refusal::new(408, "E_TIMEOUT", "Body came too slowly").closing();
    pub(crate) const CUT_SHORT: Refusal = Refusal::new(400, "E_BODY", "Body broke off").closing();
    pub(crate) const MEDIA_TYPE: Refusal = Refusal::new(415, "E_TYPE", "Unsupported content type");
    pub(crate) const BAD_JSON: Refusal = Refusal::new(400, "E_JSON", "Malformed JSON");
    pub(crate) const BAD_ID: Refusal = Refusal::soft("E_ID", "Bad id");
    pub(crate) const BAD_HOME: Refusal = Refusal::soft("E_HOME", "Bad home");
    pub(crate) const BAD_PAGE: Refusal = Refusal::soft("E_PAGE", "Bad page");
    pub(crate) const NO_DEVICE: Refusal = Refusal::new(404, "E_NO_DEVICE", "No such device");
    pub(crate) const NO_HOME: Refusal = Refusal::new(404, "E_NO_HOME", "No such home");
    pub(crate) const NOT_YOURS: Refusal = Refusal::new(403, "E_OWNER", "Not your home");
    pub(crate) const DATABASE: Refusal = Refusal::new(500, "E_DB", "Database error");

    pub(crate) const fn new(status: u16, code: &'static str, message: &'static str) -> Refusal {
        Refusal { status, code, message, close: false }
    }

    /// An error inside a 200.
    pub(crate) const fn soft(code: &'static str, message: &'static str) -> Refusal {
        Refusal::new(200, code, message)
    }

    const fn closing(self) -> Refusal {
        Refusal { close: true, ..self }
    }

    /// The body: `{"status":"error","request_id":…,"code":…,"message":…}`.
    pub(crate) fn body(&self, id: &RequestId) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            status: &'a str,
            request_id: &'a str,
            code: &'a str,
            message: &'a str,
        }
        let Refusal { code, message, .. } = *self;
        to_json(&Body { status: "error", request_id: &id.0, code, message })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if self == Refusal::NO_SESSION {
            let realm = HeaderValue::from_static("Session realm=\"homehub\"");
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, realm);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Refusal {
        tracing::error!(error = &error as &dyn std::error::Error, "database refused a statement");
        Refusal::DATABASE
    }
}

/// `{"status":"ok","request_id":…}` followed by the fields of `fields`.
pub(crate) fn ok(id: &RequestId, fields: impl Serialize) -> Response {
    #[derive(Serialize)]
    struct Body<'a, T> {
        status: &'a str,
        request_id: &'a str,
        #[serde(flatten)]
        fields: T,
    }
    let body = to_json(&Body { status: "ok", request_id: &id.0, fields });
    ([(CONTENT_TYPE, JSON)], body).into_response()
}

/// JSON text of our own types, which have only string keys.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our answers are plain structs with string keys")
}

/// Headers of every error body.
pub(crate) fn error_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, JSON),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}

/// A header value out of text that we composed: visible ASCII, else the empty value.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
