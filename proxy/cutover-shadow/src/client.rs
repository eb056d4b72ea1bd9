//! Asking an upstream over connections of our own, apart from the data plane's.

mod connect;
mod connection;
mod read;
mod tls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use cutover_domain::{Scheme, Upstream};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::Service;

use self::{
    connect::Connected,
    connection::{H1, H2, SendFailure},
};
use crate::lane::{Bounds, Call, Calling, Failure, Fault, Reply};

pub(crate) type Body = Full<Bytes>;

/// A connection that was idle for longer may be closed by the other end at any moment.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// One upstream's connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Shared>);

struct Shared {
    upstream: Arc<Upstream>,
    tls: Option<Result<tls::Tls, tls::TlsError>>,
    /// HTTP/1 connections without a request, the last used at the end.
    idle: Mutex<Vec<(Instant, H1)>>,
    /// The HTTP/2 connection, which carries many requests at once. Held while it is made, so that
    /// requests that come meanwhile share it.
    http2: tokio::sync::Mutex<Option<H2>>,
    /// The upstream chose HTTP/1.1 when it was asked last.
    is_http1: AtomicBool,
}

// === impl Client ===

impl Client {
    pub(crate) fn new(upstream: Arc<Upstream>) -> Client {
        let tls = (upstream.scheme == Scheme::Https).then(|| tls::client(&upstream));
        if let Some(Err(error)) = &tls {
            let upstream = upstream.name.as_str();
            tracing::warn!(
                upstream,
                error = error as &dyn std::error::Error,
                "copies to `{upstream}` will fail: its TLS cannot be set up"
            );
        }
        let is_http1 = AtomicBool::new(upstream.scheme == Scheme::Http);
        let (idle, http2) = (Mutex::default(), tokio::sync::Mutex::default());
        Client(Arc::new(Shared { upstream, tls, idle, http2, is_http1 }))
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.0.idle.lock().retain(|(since, _)| now.duration_since(*since) < IDLE_MAX);
    }
}

impl Service<Call> for Client {
    type Response = Reply;
    type Error = Failure;
    type Future = Calling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Calling {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.ask(call).await })
    }
}

// === impl Shared ===

impl Shared {
    async fn ask(&self, call: Call) -> Result<Reply, Failure> {
        let start = Instant::now();
        let mut request = call.request;
        if let Some(mut connection) = self.take_idle() {
            // What cannot be known to have been processed is sent once more: the other end closes
            // idle connections whenever it likes, and that is no answer of the candidate's.
            match connection.send(self.http1_form(clone(&request))).await {
                Ok(response) => {
                    return self.read_http1(connection, response, start, &call.bounds).await;
                }
                Err(SendFailure::NoAnswer) => {}
                Err(SendFailure::Fault(fault)) => return Err(Failure::Theirs(fault)),
            }
        }
        if !self.is_http1.load(Ordering::Relaxed) {
            match self.http2().await? {
                Some(mut http2) => {
                    request = self.http2_form(request)?;
                    let response = http2.send(request).await.map_err(Failure::Theirs)?;
                    return read::whole(response, start, http2.peer, &call.bounds, |_| ()).await;
                }
                None => return Box::pin(self.ask_http1(request, start, &call.bounds)).await,
            }
        }
        self.ask_http1(request, start, &call.bounds).await
    }

    /// Over a new connection, or one that was made meanwhile.
    async fn ask_http1(
        &self,
        request: Request<Body>,
        start: Instant,
        bounds: &Bounds,
    ) -> Result<Reply, Failure> {
        let made = match self.take_idle() {
            Some(idle) => Connected::H1(idle),
            None => connect::connect(&self.upstream, self.tls.as_ref()).await?,
        };
        match made {
            Connected::H1(mut connection) => {
                let sent = connection.send(self.http1_form(request)).await;
                let response = sent.map_err(|failure| Failure::Theirs(failure.fault()))?;
                self.read_http1(connection, response, start, bounds).await
            }
            // It chose another protocol than last time.
            Connected::H2(mut http2) => {
                self.is_http1.store(false, Ordering::Relaxed);
                let request = self.http2_form(request)?;
                let response = http2.send(request).await.map_err(Failure::Theirs)?;
                read::whole(response, start, http2.peer, bounds, |_| ()).await
            }
        }
    }

    async fn read_http1(
        &self,
        mut connection: H1,
        response: Response<Incoming>,
        start: Instant,
        bounds: &Bounds,
    ) -> Result<Reply, Failure> {
        let peer = connection.peer;
        let reply = read::whole(response, start, peer, bounds, |cx| connection.drive(cx)).await?;
        if connection.is_reusable() {
            self.idle.lock().push((Instant::now(), connection));
        }
        Ok(reply)
    }

    /// As HTTP/1.1 wants it: a request of HTTP/1.0 may have come without `Host`.
    fn http1_form(&self, mut request: Request<Body>) -> Request<Body> {
        *request.version_mut() = http::Version::HTTP_11;
        if !request.headers().contains_key(header::HOST)
            && let Ok(host) = HeaderValue::try_from(connect::authority(&self.upstream))
        {
            request.headers_mut().insert(header::HOST, host);
        }
        request
    }

    fn take_idle(&self) -> Option<H1> {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        while let Some((since, mut connection)) = idle.pop() {
            if now.duration_since(since) >= IDLE_MAX {
                // Those before it are older still.
                idle.clear();
                return None;
            }
            if connection.is_reusable() {
                return Some(connection);
            }
        }
        None
    }

    /// The shared connection, made if there is none; `None`: the upstream chose HTTP/1.1.
    async fn http2(&self) -> Result<Option<H2>, Failure> {
        let mut slot = self.http2.lock().await;
        if let Some(http2) = slot.as_ref().filter(|http2| http2.is_open()) {
            return Ok(Some(http2.clone()));
        }
        if self.is_http1.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match connect::connect(&self.upstream, self.tls.as_ref()).await? {
            Connected::H2(http2) => {
                *slot = Some(http2.clone());
                Ok(Some(http2))
            }
            Connected::H1(connection) => {
                self.is_http1.store(true, Ordering::Relaxed);
                self.idle.lock().push((Instant::now(), connection));
                Ok(None)
            }
        }
    }

    /// As HTTP/2 wants it: scheme and authority in the target, no `Host`.
    fn http2_form(&self, request: Request<Body>) -> Result<Request<Body>, Failure> {
        let (mut parts, body) = request.into_parts();
        let host = parts.headers.remove(header::HOST);
        let host = host.as_ref().and_then(|host| host.to_str().ok());
        let own = || connect::authority(&self.upstream);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        parts.uri = Uri::builder()
            .scheme(scheme)
            .authority(host.map_or_else(own, str::to_owned))
            .path_and_query(target)
            .build()
            .map_err(|_| Failure::Theirs(Fault::Protocol))?;
        parts.version = http::Version::HTTP_2;
        Ok(Request::from_parts(parts, body))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("upstream", &self.upstream.name).finish_non_exhaustive()
    }
}

fn clone(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
