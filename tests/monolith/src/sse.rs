//! Server-Sent Events: what was missed, then what happens, then a comment every 15 s.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::devices::store::check_home;
use crate::events::{self, Event};
use crate::query::{PathId, Query, number};
use crate::reply::{self, Refusal};
use crate::server::told_to_stop;
use crate::session::User;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Then the client has to come back with its `Last-Event-ID`.
const STREAM_TIME_MAX: Duration = Duration::from_secs(600);
/// Missed events that are sent again; also the step in which a table is read.
const REPLAY_EVENTS_MAX: i64 = 100;
const BUSY: Refusal = Refusal::new(503, "E_BUSY", "Too many streams");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/v1/homes/{id}/events/stream", get(open))
}

/// With `Last-Event-ID` (or `?since=`) what came after it, else only what is new.
/// With `?close=1`, for browsers that cannot stream, it ends after what was missed.
async fn open(
    State(app): State<Arc<App>>,
    user: User,
    PathId(home): PathId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.unwrap_or_default().as_bytes());
    let slot = Arc::clone(&app.stream_slots).try_acquire_owned().map_err(|_| BUSY)?;
    let mut connection = app.db.read().acquire().await?;
    check_home(&mut connection, home, user).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let since = last.or(query.get("since")).and_then(number);
    // Subscribed before the table is read, so that nothing falls between the two.
    let feed = app.feed.subscribe();
    let missed = match since {
        Some(since) => events::after_id(&mut connection, home, since, REPLAY_EVENTS_MAX).await?,
        None => Vec::new(),
    };
    drop(connection);
    let mut follower = Follower {
        stopped: app.stopped.clone(),
        app,
        home,
        feed,
        sent: since.unwrap_or(0),
        queue: VecDeque::from([Bytes::from_static(b"retry: 3000\n: welcome\n\n")]),
        closes: query.get("close") == Some("1"),
        until: Instant::now() + STREAM_TIME_MAX,
        _slot: slot,
    };
    missed.iter().for_each(|event| follower.push(event));
    let frames = stream::unfold(follower, async |mut follower| {
        let frame = follower.next().await?;
        Some((Ok::<_, Infallible>(frame), follower))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

struct Follower {
    app: Arc<App>,
    home: i64,
    feed: broadcast::Receiver<Arc<Event>>,
    /// The last id sent, or the one the client had.
    sent: i64,
    queue: VecDeque<Bytes>,
    closes: bool,
    until: Instant,
    stopped: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
}

impl Follower {
    /// The next frame; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.queue.pop_front() {
                return Some(frame);
            }
            let now = Instant::now();
            if self.closes || now >= self.until {
                return None;
            }
            let heard = tokio::select! {
                heard = timeout_at(self.until.min(now + HEARTBEAT), self.feed.recv()) => heard,
                () = told_to_stop(&mut self.stopped) => return None,
            };
            match heard {
                Ok(Ok(event)) if event.home_id == self.home && event.id > self.sent => {
                    self.push(&event)
                }
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => self.queue.push_back(Bytes::from_static(b": ping\n\n")),
            }
        }
    }

    /// Reads from the table what the feed has dropped.
    async fn catch_up(&mut self) -> Option<()> {
        let mut connection = self.app.db.read().acquire().await.ok()?;
        let missed = events::after_id(&mut connection, self.home, self.sent, REPLAY_EVENTS_MAX)
            .await
            .ok()?;
        missed.iter().for_each(|event| self.push(event));
        Some(())
    }

    fn push(&mut self, event: &Event) {
        self.sent = event.id;
        let data = reply::to_json(event);
        let frame = format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.kind);
        self.queue.push_back(Bytes::from(frame));
    }
}
