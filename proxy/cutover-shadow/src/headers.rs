//! What a copy is asked with: the live request's fields, marked as a copy.

use cutover_domain::exchange::{Credentials, Exchange, TraceIds};
use cutover_telemetry::{
    baggage::{self, BAGGAGE},
    context::TraceContext,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Marks a copy; a candidate whose writes are dry runs goes by it.
const CUTOVER_SHADOW: HeaderName = HeaderName::from_static("cutover-shadow");
/// The route's id.
const CUTOVER_ROUTE: HeaderName = HeaderName::from_static("cutover-route");
/// The live request's span, so that both traces can be found from either side's logs.
const CUTOVER_LIVE_TRACEPARENT: HeaderName = HeaderName::from_static("cutover-live-traceparent");
/// Fields of the live request that a copy has anew or not at all.
const ANEW: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::EXPECT,
    header::UPGRADE,
];
const MARK: &str = "cutover.shadow=1";

/// The fields of one copy. `cookies` go along if the credentials are those of a session.
pub(crate) fn outgoing(
    exchange: &Exchange,
    credentials: Credentials,
    cookies: Option<HeaderValue>,
    trace: &TraceContext,
) -> HeaderMap {
    let mut headers = exchange.request.headers.clone();
    for name in ANEW {
        headers.remove(name);
    }
    if credentials != Credentials::Forward {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
    }
    if let Some(cookies) = cookies {
        headers.insert(header::COOKIE, cookies);
    }
    // HTTP/2 carries it, and gRPC servers insist on it (as hop-by-hop it was left out).
    if is_grpc(&headers) {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    headers.insert(CUTOVER_SHADOW, HeaderValue::from_static("1"));
    let route = &exchange.table.routes[exchange.route].spec.id;
    if let Ok(route) = HeaderValue::from_str(route) {
        headers.insert(CUTOVER_ROUTE, route);
    }
    match live_traceparent(exchange.trace, exchange.trace_flags) {
        Some(live) => headers.insert(CUTOVER_LIVE_TRACEPARENT, live),
        None => headers.remove(CUTOVER_LIVE_TRACEPARENT),
    };
    trace.inject(&mut headers);
    mark_baggage(&mut headers);
    headers
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    media.is_some_and(|media| media.starts_with(b"application/grpc"))
}

fn live_traceparent(ids: TraceIds, flags: u8) -> Option<HeaderValue> {
    let TraceIds { trace_id, span_id } = ids;
    let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
    (trace_id != 0 && span_id != 0).then(|| HeaderValue::try_from(text).ok())?
}

/// One field, since not everybody reads a second. The mark stands first, where limits spare it.
fn mark_baggage(headers: &mut HeaderMap) {
    let mut list = MARK.as_bytes().to_vec();
    for member in headers.get_all(BAGGAGE) {
        list.push(b',');
        list.extend_from_slice(member.as_bytes());
    }
    if let Ok(list) = HeaderValue::try_from(list) {
        headers.insert(BAGGAGE, list);
        baggage::limit(headers);
    }
}

#[cfg(test)]
mod tests;
