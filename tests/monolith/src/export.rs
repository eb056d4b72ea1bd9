//! Bodies that come in pieces: a report with trailers, and an export of any size.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::app::App;
use crate::clock::naive;
use crate::devices::store::check_home;
use crate::query::{PathId, Query, number};
use crate::reply::{self, Refusal};
use crate::session::User;

const ROWS_MAX: i64 = 10_000_000;
const ROWS_DEFAULT: i64 = 1000;
const ROWS_PER_CHUNK: i64 = 1000;
const LINES_MAX: i64 = 10_000;
const LINES_DEFAULT: i64 = 5;
const PAUSE_MS_MAX: i64 = 2000;
/// When the first reading of an export was taken: 2024-01-01.
const FIRST_READING: i64 = 1_704_067_200;
const BAD_ROWS: Refusal = Refusal::soft("E_ROWS", "Bad number of rows");
const CHECKSUM: HeaderName = HeaderName::from_static("x-checksum");
const ROW_COUNT: HeaderName = HeaderName::from_static("x-row-count");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/report.php", get(report))
        .route("/api/v1/homes/{id}/export.csv", get(export))
}

/// `?lines=5&pause_ms=0`: one chunk a line, then trailers for those who ask with `TE: trailers`.
async fn report(RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let asked = |name, default| query.get(name).and_then(number).unwrap_or(default);
    let lines = asked("lines", LINES_DEFAULT).min(LINES_MAX);
    let pause_ms = asked("pause_ms", 0).clamp(0, PAUSE_MS_MAX);
    let pause = Duration::from_millis(u64::try_from(pause_ms).unwrap_or(0));
    let frames = stream::unfold(1, move |line| async move {
        if line > lines + 1 {
            return None;
        }
        if line > 1 && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let frame = if line <= lines {
            Frame::data(report_line(line))
        } else {
            Frame::trailers(checksum(lines))
        };
        Some((Ok::<_, Infallible>(frame), line + 1))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        (TRAILER, HeaderValue::from_static("X-Checksum, X-Row-Count")),
    ];
    (headers, Body::new(StreamBody::new(frames))).into_response()
}

fn report_line(line: i64) -> Bytes {
    let status = if line % 3 == 0 { "warn" } else { "ok" };
    Bytes::from(format!(
        "line {line}: {status} {}\n",
        "=".repeat(usize::try_from(line % 7).unwrap_or(0))
    ))
}

fn checksum(lines: i64) -> HeaderMap {
    let bytes = (1..=lines).flat_map(|line| report_line(line).to_vec());
    let sum = bytes.fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    HeaderMap::from_iter([
        (CHECKSUM, reply::header_value(&format!("{sum:08x}"))),
        (ROW_COUNT, HeaderValue::from(lines)),
    ])
}

/// `?rows=1000`: readings of a home as CSV, made while they are sent; up to ten million rows.
async fn export(
    State(app): State<Arc<App>>,
    user: User,
    PathId(home): PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let rows = query.get("rows").map_or(Some(ROWS_DEFAULT), number);
    let rows = rows.filter(|&rows| rows <= ROWS_MAX).ok_or(BAD_ROWS)?;
    check_home(&mut *app.db.read().acquire().await?, home, user).await?;
    let chunks = stream::unfold(0, move |from| async move {
        let to = rows.min(from + ROWS_PER_CHUNK);
        (from < rows).then(|| (Ok::<_, Infallible>(readings(home, from, to)), to))
    });
    let name = format!("attachment; filename=\"home-{home}.csv\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (CONTENT_DISPOSITION, reply::header_value(&name)),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

fn readings(home: i64, from: i64, to: i64) -> Bytes {
    let mut text = String::new();
    if from == 0 {
        text.push_str("home;row;at;celsius;humidity\r\n");
    }
    for row in from..to {
        let noise = (home * 7919 + row).wrapping_mul(2_654_435_761) % 4_294_967_296;
        let (celsius, humidity) = (150 + noise % 100, 30 + noise / 1000 % 50);
        let at = naive(FIRST_READING + 60 * row);
        let (whole, tenth) = (celsius / 10, celsius % 10);
        // Writing to a String cannot fail. Decimal comma, as the spreadsheet wanted it.
        let _ = write!(text, "{home};{row};{at};{whole},{tenth};{humidity}\r\n");
    }
    Bytes::from(text)
}
