//! Sending a file, or the parts asked for.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::range::{self, Part};
use super::store::{self, Stored};
use super::{FileName, NO_FILE, encode_segment};
use crate::app::App;
use crate::clock::http_date;
use crate::reply::{self, Refusal};
use crate::session::User;

/// Sent at once, so that a slow reader of a large file holds little.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) async fn send(
    State(app): State<Arc<App>>,
    user: User,
    FileName(name): FileName,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().acquire().await?;
    let file = store::find(&mut connection, user, &name).await?.ok_or(NO_FILE)?;
    drop(connection);
    let modified = http_date(file.uploaded_at);
    let asked = range::part(&headers, file.content.len(), &file.etag(), &modified);
    let validators = [
        (ETAG, reply::header_value(&file.etag())),
        (LAST_MODIFIED, reply::header_value(&modified)),
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    Ok((validators, part(file, asked)).into_response())
}

fn part(file: Stored, asked: Part) -> Response {
    let length = file.content.len();
    let content_type = (CONTENT_TYPE, reply::header_value(&file.content_type));
    match asked {
        Part::Whole => {
            let disposition =
                format!("attachment; filename*=UTF-8''{}", encode_segment(&file.name));
            let headers = [content_type, (CONTENT_DISPOSITION, reply::header_value(&disposition))];
            (headers, sized(file.content)).into_response()
        }
        Part::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Part::Unsatisfiable => {
            let headers = [(CONTENT_RANGE, reply::header_value(&format!("bytes */{length}")))];
            (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
        }
        Part::One(range) => {
            let headers = [content_type, (CONTENT_RANGE, content_range(&range, length))];
            (StatusCode::PARTIAL_CONTENT, headers, sized(file.content.slice(range))).into_response()
        }
        Part::Many(ranges) => {
            // Made of the content's hash: the same file always has the same boundary.
            let boundary = format!("PART_{}", file.etag().trim_matches('"'));
            let media = format!("multipart/byteranges; boundary={boundary}");
            let headers = [(CONTENT_TYPE, reply::header_value(&media))];
            (StatusCode::PARTIAL_CONTENT, headers, byteranges(&file, &ranges, &boundary))
                .into_response()
        }
    }
}

fn byteranges(file: &Stored, ranges: &[Range<usize>], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for range in ranges {
        let (first, last, length) = (range.start, range.end - 1, file.content.len());
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Range: bytes {first}-{last}/{length}\r\n\r\n",
            file.content_type
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&file.content[range.clone()]);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

fn content_range(range: &Range<usize>, length: usize) -> HeaderValue {
    reply::header_value(&format!("bytes {}-{}/{length}", range.start, range.end - 1))
}

/// A body of known length that is handed over piece by piece.
fn sized(content: Bytes) -> Response {
    let length = HeaderValue::from(content.len());
    let chunks = stream::unfold(content, async |mut rest| {
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        (!chunk.is_empty()).then_some((Ok::<_, std::convert::Infallible>(chunk), rest))
    });
    ([(CONTENT_LENGTH, length)], Body::from_stream(chunks)).into_response()
}
