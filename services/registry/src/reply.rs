//! The words of the contract: the request id, the one shape of an error, the headers of an answer.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// Media type of every JSON answer.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// Media type of pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// `req-` and eight lower-case hex digits, new for each request; what the client sent is ignored.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// A request answered by an error. It travels as an extension of the response until
/// [`crate::answer`] writes the body, which needs the request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 200 for what the contract calls a soft error.
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    /// The rest of the request body was not read, so the connection cannot go on.
    pub(crate) closes: bool,
}

impl Refusal {
    pub(crate) const NO_SESSION: Refusal =
        Refusal::hard(StatusCode::UNAUTHORIZED, "E_AUTH", "Not logged in");
    pub(crate) const METHOD: Refusal =
        Refusal::hard(StatusCode::METHOD_NOT_ALLOWED, "E_METHOD", "Method not allowed");
    pub(crate) const TOO_LARGE: Refusal =
        Refusal::closing(StatusCode::PAYLOAD_TOO_LARGE, "E_SIZE", "Body too large");
    pub(crate) const TOO_SLOW: Refusal =
        Refusal::closing(StatusCode::REQUEST_TIMEOUT, "E_TIMEOUT", "Body came too slowly");
    pub(crate) const CUT_SHORT: Refusal =
        Refusal::closing(StatusCode::BAD_REQUEST, "E_BODY", "Body broke off");
    pub(crate) const MEDIA_TYPE: Refusal =
        Refusal::hard(StatusCode::UNSUPPORTED_MEDIA_TYPE, "E_TYPE", "Unsupported content type");
    pub(crate) const BAD_JSON: Refusal =
        Refusal::hard(StatusCode::BAD_REQUEST, "E_JSON", "Malformed JSON");
    pub(crate) const NO_DEVICE: Refusal =
        Refusal::hard(StatusCode::NOT_FOUND, "E_NO_DEVICE", "No such device");
    pub(crate) const NO_HOME: Refusal =
        Refusal::hard(StatusCode::NOT_FOUND, "E_NO_HOME", "No such home");
    pub(crate) const NOT_YOURS: Refusal =
        Refusal::hard(StatusCode::FORBIDDEN, "E_OWNER", "Not your home");
    pub(crate) const DATABASE: Refusal =
        Refusal::hard(StatusCode::INTERNAL_SERVER_ERROR, "E_DB", "Database error");
    pub(crate) const BAD_ID: Refusal = Refusal::soft("E_ID", "Bad id");
    pub(crate) const BAD_HOME: Refusal = Refusal::soft("E_HOME", "Bad home");
    pub(crate) const BAD_PAGE: Refusal = Refusal::soft("E_PAGE", "Bad page");
    pub(crate) const BAD_NAME: Refusal = Refusal::soft("E_NAME", "Bad name");
    pub(crate) const BAD_KIND: Refusal = Refusal::soft("E_KIND", "Bad kind");
    pub(crate) const BAD_FIRMWARE: Refusal = Refusal::soft("E_FIRMWARE", "Bad firmware");
    pub(crate) const BAD_STATE: Refusal = Refusal::soft("E_STATE", "Bad state");
    pub(crate) const NOTHING: Refusal = Refusal::soft("E_EMPTY", "Nothing to change");
    pub(crate) const STALE: Refusal = Refusal::soft("E_STALE", "Device was changed meanwhile");
    pub(crate) const HOME_FULL: Refusal = Refusal::soft("E_FULL", "Home is full");

    const fn hard(status: StatusCode, code: &'static str, message: &'static str) -> Refusal {
        Refusal { status, code, message, closes: false }
    }

    const fn closing(status: StatusCode, code: &'static str, message: &'static str) -> Refusal {
        Refusal { closes: true, ..Refusal::hard(status, code, message) }
    }

    /// An error inside a 200.
    const fn soft(code: &'static str, message: &'static str) -> Refusal {
        Refusal::hard(StatusCode::OK, code, message)
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
        let mut response = self.status.into_response();
        if self == Refusal::NO_SESSION {
            let realm = HeaderValue::from_static("Session realm=\"homehub\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, realm);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Refusal {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the database refused a statement"
        );
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

/// Headers of every error.
pub(crate) fn error_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, JSON),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}

/// A header value of text that we composed: visible ASCII, else empty.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our answers are plain structs with string keys")
}
