//! Forms, as browsers send them.

use axum::body::Body;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    admin::{dispatch::BODY_TIMEOUT, failure::Failure, query::Query},
    codes::Code,
};

/// The field that proves a form to be ours.
pub(super) const CSRF: &str = "csrf";
/// Most bytes of a form.
const BYTES_MAX: usize = 16 * 1024;

/// The fields of a form: those `known`, and [`CSRF`]. A form's body is written as a query is.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    known: &[&str],
) -> Result<Query, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let message = "the body must be a form";
        return Err(Failure::new(Code::UnsupportedMediaType, message).at("Content-Type"));
    }
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BYTES_MAX).collect());
    let bytes = match collected.await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the form is larger than {BYTES_MAX} bytes");
            return Err(Failure::new(Code::BodyTooLarge, message));
        }
        Ok(Err(_)) => return Err(bad("the form did not arrive whole")),
        Err(_) => {
            return Err(Failure::new(Code::RequestTimeout, "the form did not arrive in time"));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("the form is no text"))?;
    let known: Vec<&str> = known.iter().copied().chain([CSRF]).collect();
    Query::parse(Some(text), &known)
}

/// A field that holds a number; absent or empty: none.
pub(super) fn number<N: std::str::FromStr>(
    fields: &Query,
    name: &str,
) -> Result<Option<N>, Failure> {
    match fields.get(name).map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| bad(format!("`{name}` is no number"))),
    }
}

pub(super) fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, message)
}
