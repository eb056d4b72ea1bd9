//! `/events`: numbers for pages that are open, once a second and only what changed.
//!
//! Server-sent events (HTML standard, §9.2). Bounded: so many pages at once, each for ten minutes,
//! after which the browser asks again; a page whose session ends gets no more.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::IntoResponse};
use bytes::Bytes;
use http::{HeaderValue, header};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::{Showing, chart, gate::Visit, live::Field, session::Visitor};
use crate::{
    admin::{Admin, failure::Failure, locked, status},
    api::{RouteRow, StatusAnswer},
    codes::Code,
};

/// Pages that are kept fresh at once.
const PAGES_MAX: usize = 64;
/// How long one is.
const LIFE: Duration = Duration::from_secs(600);
/// Seconds without a change, after which something is said all the same.
const SILENCE: u32 = 15;

/// Where the beats come from.
#[derive(Debug)]
pub(super) struct Feed {
    beats: watch::Sender<Beat>,
    places: Arc<Semaphore>,
    /// The status as of a beat, worked out once for all pages.
    status: Mutex<(u64, Option<Arc<StatusAnswer>>)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Beat {
    count: u64,
    is_last: bool,
}

/// One page that is open.
struct Reader {
    admin: Arc<Admin>,
    who: Visitor,
    /// The route that the page is about; `None`: all.
    route: Option<String>,
    known: BTreeMap<String, String>,
    revision: u64,
    silent: u32,
    _place: OwnedSemaphorePermit,
}

/// What is written, as the body of an answer that does not end.
struct Stream(mpsc::Receiver<Bytes>);

/// `GET /events`
pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let full = |_| Failure::new(Code::TooManyPages, "too many pages are kept fresh");
        let place = admin.console.feed.places.clone().try_acquire_owned().map_err(full)?;
        let route = visit.fields.get("route").map(str::to_owned);
        let (sender, receiver) = mpsc::channel(1);
        let beats = admin.console.feed.beats.subscribe();
        let known = BTreeMap::new();
        let who = visit.who;
        let reader = Reader { admin, who, route, known, revision: 0, silent: 0, _place: place };
        tokio::spawn(reader.follow(beats, sender));
        let mut response = Body::new(Stream(receiver)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    })
}

// === impl Feed ===

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            beats: watch::Sender::default(),
            places: Arc::new(Semaphore::new(PAGES_MAX)),
            status: Mutex::default(),
        }
    }
}

impl Feed {
    pub(super) fn tick(&self) {
        self.beats.send_modify(|beat| beat.count += 1);
    }

    pub(super) fn close(&self) {
        self.beats.send_modify(|beat| beat.is_last = true);
    }

    fn status(&self, admin: &Admin, count: u64) -> Arc<StatusAnswer> {
        let mut known = locked(&self.status);
        if let (of, Some(status)) = &*known
            && *of == count
        {
            return status.clone();
        }
        let status = Arc::new(status::status_answer(admin));
        *known = (count, Some(status.clone()));
        status
    }
}

// === impl Reader ===

impl Reader {
    async fn follow(mut self, mut beats: watch::Receiver<Beat>, sender: mpsc::Sender<Bytes>) {
        let life = tokio::time::sleep(LIFE);
        tokio::pin!(life);
        loop {
            let beat = *beats.borrow_and_update();
            if beat.is_last || !self.is_logged_in() {
                return;
            }
            if let Some(text) = self.news(beat.count)
                && sender.send(Bytes::from(text)).await.is_err()
            {
                return;
            }
            tokio::select! {
                () = &mut life => return,
                () = sender.closed() => return,
                changed = beats.changed() => if changed.is_err() { return },
            }
        }
    }

    fn is_logged_in(&self) -> bool {
        let (view, now_ms) =
            (self.admin.parts.controller.view(), self.admin.parts.controller.now_ms());
        let sessions = locked(&self.admin.console.sessions);
        sessions.visitor(&self.who.session, &view.truth.tokens, now_ms).is_some()
    }

    /// What changed since the last time; `None`: nothing, and that not for long.
    fn news(&mut self, count: u64) -> Option<String> {
        let (revision, slots) = self.slots(count);
        let changed: BTreeMap<&String, &String> =
            slots.iter().filter(|(key, text)| self.known.get(*key) != Some(*text)).collect();
        let is_news = !changed.is_empty() || revision != self.revision;
        self.silent += 1;
        let text = match is_news {
            true => {
                let news = serde_json::json!({ "revision": revision, "slots": changed });
                Some(format!("data: {news}\n\n"))
            }
            false => (self.silent >= SILENCE).then(|| ": still here\n\n".to_owned()),
        };
        if text.is_some() {
            self.silent = 0;
        }
        (self.known, self.revision) = (slots, revision);
        text
    }

    fn slots(&self, count: u64) -> (u64, BTreeMap<String, String>) {
        let of = |row: &RouteRow| Field::slots(row).collect::<Vec<_>>();
        let Some(id) = &self.route else {
            let status = self.admin.console.feed.status(&self.admin, count);
            return (status.revision, status.routes.iter().flat_map(of).collect());
        };
        let revision = self.admin.parts.controller.view().truth.head;
        let answer = status::route_answer(&self.admin, id);
        let points = locked(&self.admin.console.trend).of(id);
        let numbers = answer.iter().flat_map(|answer| of(&answer.route));
        (revision, numbers.chain(chart::slots(id, &points)).collect())
    }
}

// === impl Stream ===

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
