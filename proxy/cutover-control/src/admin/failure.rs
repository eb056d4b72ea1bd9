//! The one place where something that went wrong becomes an answer.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::reply::Reply;
use crate::{
    api::{ErrorAnswer, ErrorBody, PresentRow},
    codes::Code,
    loader::Diagnostic,
    refused::{Refused, StoreDown},
};

/// Why a request is not answered as asked. Boxed, since it travels in every `Result`.
#[derive(Debug)]
pub(super) struct Failure(Box<About>);

#[derive(Debug)]
struct About {
    code: Code,
    message: String,
    place: Option<String>,
    hint: Option<String>,
    diagnostics: Vec<Diagnostic>,
    present: Vec<PresentRow>,
    retry_after_seconds: Option<u64>,
}

// === impl Failure ===

impl Failure {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure(Box::new(About {
            code,
            message: message.into(),
            place: None,
            hint: None,
            diagnostics: Vec::new(),
            present: Vec::new(),
            retry_after_seconds: None,
        }))
    }

    /// Says which part of the request it is about.
    pub(super) fn at(mut self, place: impl Into<String>) -> Failure {
        self.0.place = Some(place.into());
        self
    }

    /// Says where the routes concerned are now.
    pub(super) fn with_present(mut self, present: Vec<PresentRow>) -> Failure {
        self.0.present = present;
        self
    }

    /// Says when to come back.
    pub(super) fn retry_after(mut self, seconds: u64) -> Failure {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    pub(super) fn code(&self) -> Code {
        self.0.code
    }

    pub(super) fn body(self) -> ErrorBody {
        let about = *self.0;
        let hint = about.hint.unwrap_or_else(|| about.code.doc().remedy.to_owned());
        ErrorBody {
            code: about.code.as_str().into(),
            message: about.message,
            place: about.place,
            hint: Some(hint),
            diagnostics: about.diagnostics,
            present: about.present,
        }
    }

    /// The status of the answer, and the seconds after which to come back. Notes what is our fault.
    pub(super) fn told(&self) -> (StatusCode, Option<u64>) {
        let status = self.status();
        if status.is_server_error() {
            let (code, error) = (self.0.code, &self.0.message);
            tracing::warn!(%code, error, "admin request failed");
        }
        (status, self.0.retry_after_seconds)
    }

    fn status(&self) -> StatusCode {
        let status = self.0.code.doc().status.and_then(|status| StatusCode::from_u16(status).ok());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, retry_after) = self.told();
        let answer = ErrorAnswer { error: self.body() };
        let mut response = Reply::json(status, answer).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"cutover\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        let mut failure = Failure::new(refused.code(), refused.to_string());
        failure.0.place = refused.place();
        failure.0.hint = Some(refused.hint().to_owned());
        if let Refused::Config(rejected) = refused {
            failure.0.diagnostics = rejected.diagnostics;
        }
        failure
    }
}

/// The store's trouble, for rows.
pub(super) fn down_body(down: &StoreDown) -> ErrorBody {
    ErrorBody {
        code: down.code.into(),
        message: down.message.clone(),
        place: Some("store".into()),
        hint: Some(down.hint.into()),
        diagnostics: Vec::new(),
        present: Vec::new(),
    }
}
