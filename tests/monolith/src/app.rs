//! One request from head to last byte: id, fault, route, dress, access log, span.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, LOCATION, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::access_log::{AccessLog, Entry};
use crate::clock::Clock;
use crate::db::Db;
use crate::events::Feed;
use crate::faults::{self, FaultKind, Faults};
use crate::reply::{self, Refusal, RequestId};
use crate::session::Sessions;
use crate::telemetry::{self, RequestSpan, Telemetry};
use crate::wire::CutSwitch;
use crate::{account, commands, devices, events, export, files, homes, oddities, pages, sse, ws};

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A hanging request is let go at last.
const HANG_MAX: Duration = Duration::from_secs(600);

/// What the handlers share.
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) sessions: Sessions,
    pub(crate) access_log: AccessLog,
    pub(crate) telemetry: Telemetry,
    pub(crate) feed: Feed,
    pub(crate) faults: Faults,
    /// One for each event stream or WebSocket.
    pub(crate) stream_slots: Arc<Semaphore>,
    /// Turns true when the monolith is to stop.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up by a fault")]
pub(crate) struct HungUp;

/// Answers one request, unless a fault has it otherwise.
pub(crate) async fn answer(
    app: Arc<App>,
    router: Router,
    switch: Arc<CutSwitch>,
    request: Request<Incoming>,
) -> Result<Response<Logged>, HungUp> {
    switch.disarm();
    let mut entry = app.access_log.begin(request.method(), request.uri().path());
    let mut span = app.telemetry.begin(&request);
    let id = RequestId(format!("req-{:08x}", fastrand::u32(..)));
    let is_head = request.method() == Method::HEAD;
    let ordeal = app.faults.strike(request.method(), request.uri().path());
    if !ordeal.latency.is_zero() {
        tokio::time::sleep(ordeal.latency).await;
    }
    let response = match ordeal.strike {
        Some(FaultKind::Hang) => {
            tokio::time::sleep(HANG_MAX).await;
            return Err(HungUp);
        }
        Some(FaultKind::Status { status }) => {
            let refusal = Refusal::new(status, "E_FAULT", "Out of order");
            dress(refusal.into_response(), &id, is_head)
        }
        Some(FaultKind::WrongField { field }) => {
            let response = dress(route(router, request, id.clone()).await, &id, is_head);
            faults::falsify(response, &field).await
        }
        Some(FaultKind::Cutoff { after_bytes }) => {
            let response = dress(route(router, request, id.clone()).await, &id, is_head);
            switch.arm(after_bytes);
            response
        }
        Some(FaultKind::Latency { .. }) | None => {
            dress(route(router, request, id.clone()).await, &id, is_head)
        }
    };
    entry.status = response.status().as_u16();
    span.answered(&response);
    Ok(response.map(|body| Logged { body, entry, _span: span }))
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .merge(account::routes())
        .merge(commands::routes())
        .merge(devices::routes())
        .merge(events::routes())
        .merge(export::routes())
        .merge(files::routes())
        .merge(homes::routes())
        .merge(oddities::routes())
        .merge(pages::routes())
        .merge(sse::routes())
        .merge(ws::routes())
        .method_not_allowed_fallback(async || Refusal::METHOD);
    let routes = if app.telemetry.is_on() {
        routes.route_layer(middleware::from_fn(telemetry::note_route))
    } else {
        routes
    };
    routes.fallback(unmatched).with_state(app)
}

async fn route(router: Router, mut request: Request<Incoming>, id: RequestId) -> Response {
    request.extensions_mut().insert(id);
    let answered: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
    answered.unwrap_or_else(|never| match never {})
}

/// A path with a slash too many is sent to the one without; anything else is not there.
async fn unmatched(uri: Uri) -> Response {
    // Two slashes in front would send the browser to another house.
    let is_ours = |path: &&str| !path.is_empty() && !path.starts_with("//");
    let Some(path) = uri.path().strip_suffix('/').filter(is_ours) else {
        return (StatusCode::NOT_FOUND, [(http::header::CONTENT_TYPE, reply::HTML)], NOT_FOUND)
            .into_response();
    };
    let location = uri.query().map_or(path.to_owned(), |query| format!("{path}?{query}"));
    let headers =
        [(http::header::CONTENT_TYPE, reply::HTML), (LOCATION, reply::header_value(&location))];
    (StatusCode::MOVED_PERMANENTLY, headers, MOVED).into_response()
}

const NOT_FOUND: &str =
    "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n";
const MOVED: &str = "<html><head><title>301 Moved Permanently</title></head><body><h1>Moved Permanently</h1></body></html>\n";

/// Puts the house's headers first and gives errors their body.
fn dress(response: Response, id: &RequestId, is_head: bool) -> Response {
    let (mut parts, mut body) = response.into_parts();
    let mut headers = HeaderMap::new();
    headers.insert(SERVER, HeaderValue::from_static("Apache/2.2.15 (HomeHub)"));
    headers.insert(POWERED_BY, HeaderValue::from_static("PHP/5.3.3"));
    headers.insert(REQUEST_ID, reply::header_value(&id.0));
    if let Some(refusal) = parts.extensions.remove::<Refusal>() {
        let text = refusal.body(id);
        headers.extend(reply::error_headers());
        if refusal.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        body = if is_head { Body::empty() } else { Body::from(text) };
    }
    for (name, value) in &parts.headers {
        headers.append(name, value.clone());
    }
    parts.headers = headers;
    Response::from_parts(parts, body)
}

/// A body whose end, or drop, writes the access log's line and ends the span.
pub(crate) struct Logged {
    body: Body,
    entry: Entry,
    _span: RequestSpan,
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.entry.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
