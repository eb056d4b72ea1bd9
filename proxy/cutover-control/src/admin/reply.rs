//! Answers, before they are HTTP.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::api::Versioned;

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

// === impl Reply ===

impl Reply {
    pub(super) fn json<T: Serialize>(status: StatusCode, body: T) -> Reply {
        Reply::raw_json(status, &Versioned::new(body))
    }

    pub(super) fn ok<T: Serialize>(body: T) -> Reply {
        Reply::json(StatusCode::OK, body)
    }

    /// Without `api_version`, for documents with a version of their own.
    pub(super) fn raw_json<T: Serialize>(status: StatusCode, body: &T) -> Reply {
        let body = serde_json::to_vec(body).expect("our answers have string keys only");
        Reply { status, content_type: "application/json", body }
    }

    pub(super) fn text(content_type: &'static str, text: String) -> Reply {
        Reply { status: StatusCode::OK, content_type, body: text.into_bytes() }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        response
    }
}
