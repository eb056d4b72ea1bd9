//! Makes one field of a JSON answer wrong, and leaves every other byte alone.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

/// Larger answers are left as they are.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Falsifies the first `field` of a JSON answer; anything else passes unchanged.
pub(crate) async fn falsify(response: Response, field: &str) -> Response {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.starts_with("application/json")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BYTES_MAX).await else {
        return Response::from_parts(parts, Body::from("answer too large to falsify"));
    };
    let wrong = falsified(&bytes, field).unwrap_or_else(|| bytes.to_vec());
    if parts.headers.contains_key(CONTENT_LENGTH) && !bytes.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(wrong.len()));
    }
    Response::from_parts(parts, Body::from(wrong))
}

/// `None` when there is no such field with a value that can be made wrong.
pub(super) fn falsified(json: &[u8], field: &str) -> Option<Vec<u8>> {
    let key = format!("\"{field}\":");
    let at = json.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
    let at = at + json[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
    let (before, value) = json.split_at(at);
    let (wrong, taken): (Vec<u8>, usize) = match value {
        [b'"', ..] => (b"\"?".to_vec(), 1),
        [b't', ..] => (b"false".to_vec(), 4),
        [b'f', ..] => (b"true".to_vec(), 5),
        [b'0'..=b'9' | b'-', ..] => {
            let end = value.iter().position(|byte| !b"0123456789-+.eE".contains(byte))?;
            let last = value[..end].iter().rposition(u8::is_ascii_digit)?;
            let mut number = value[..end].to_vec();
            number[last] = b'0' + (number[last] - b'0' + 1) % 10;
            (number, end)
        }
        _ => return None,
    };
    Some([before, &wrong, &value[taken..]].concat())
}
