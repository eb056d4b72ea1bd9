//! One client connection: TLS, protocol, guard, and hyper serving it until it ends.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_telemetry::span::Scheme;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
};

use super::{
    Unanswerable,
    answer::Answer,
    proxy,
    streams::{Patience, Streams},
};
use crate::{
    chassis::{Accepted, Presence},
    guard::{ConnHandle, guard},
    listener::Listener,
    metrics::TurnedAway,
    prefixed::Prefixed,
    settings::ListenerSettings,
    shared::Shared,
    tls::{AcceptError, PeerIdentity},
};

/// First bytes of an HTTP/2 connection by prior knowledge (RFC 9113 §3.4); no HTTP/1 request
/// begins so.
const PREFACE_START: &[u8] = b"PRI ";

/// Header fields for which hyper has room on the stack; asked for more, it allocates for each
/// request.
const HYPER_FIELDS_MAX: usize = 100;

/// How often an HTTP/2 connection is looked after, at the least.
const LOOK: Duration = Duration::from_secs(5);

/// And at the most.
const LOOK_MIN: Duration = Duration::from_millis(10);

/// How long a drain waits for one more request on a connection: hyper would close it at once, and
/// who just sent that request could not know whether to send it again.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// What all requests of one connection share.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listener: Arc<Listener>,
    pub(crate) peer: SocketAddr,
    pub(crate) scheme: Scheme,
    /// The client's certificate.
    pub(crate) identity: Option<Arc<PeerIdentity>>,
    /// The guard's end; `None` for HTTP/2.
    pub(crate) guard: Option<ConnHandle>,
    /// Its streams; `None` for HTTP/1.
    pub(crate) streams: Option<Arc<Streams>>,
    pub(crate) presence: Presence,
}

/// Serves a connection until it ends. Nothing that goes wrong here concerns another one.
///
/// Each step is boxed by itself: a future as large as its largest step would be kept for as long
/// as the connection idles.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    accepted: Accepted<TcpStream>,
) {
    let Accepted { stream, peer, presence } = accepted;
    let settings = listener.settings();
    let origin = Origin { shared, listener, peer, presence, identity: None };
    let serving = if origin.listener.tls.is_some() {
        Box::pin(encrypted(origin, stream, settings)).await
    } else if settings.http2_cleartext {
        Box::pin(either_cleartext(origin, stream, settings)).await
    } else {
        Some(serve_http1(origin, Scheme::Http, stream, settings))
    };
    if let Some(serving) = serving {
        serving.await;
    }
}

/// What a connection is made of, before its protocol is known.
struct Origin {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    peer: SocketAddr,
    presence: Presence,
    identity: Option<Arc<PeerIdentity>>,
}

/// A connection being served.
type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn encrypted(
    mut origin: Origin,
    stream: TcpStream,
    settings: Arc<ListenerSettings>,
) -> Option<Serving> {
    let tls = origin.listener.tls.clone()?;
    match tls.accept(stream, settings.guard.timeouts.head).await {
        Ok((stream, identity)) => {
            origin.identity = identity;
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            Some(if is_http2 {
                serve_http2(origin.connection(Scheme::Https, None), stream, settings)
            } else {
                serve_http1(origin, Scheme::Https, stream, settings)
            })
        }
        Err(error) => {
            let reason = match error {
                AcceptError::Refused(_) => TurnedAway::Certificate,
                _ => TurnedAway::Handshake,
            };
            origin.shared.metrics.turn_away(reason);
            tracing::debug!(error = &error as &dyn std::error::Error, "TLS handshake failed");
            None
        }
    }
}

async fn either_cleartext(
    origin: Origin,
    mut stream: TcpStream,
    settings: Arc<ListenerSettings>,
) -> Option<Serving> {
    let timeouts = &settings.guard.timeouts;
    let patience = timeouts.idle.max(timeouts.head);
    let prefix = tokio::time::timeout(patience, preface_start(&mut stream)).await.ok()??;
    let is_http2 = prefix == PREFACE_START;
    let stream = Prefixed::new(prefix, stream);
    Some(if is_http2 {
        serve_http2(origin.connection(Scheme::Http, None), stream, settings)
    } else {
        serve_http1(origin, Scheme::Http, stream, settings)
    })
}

/// Reads as far as it looks like an HTTP/2 preface; `None` if the client left.
async fn preface_start(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut read = Vec::with_capacity(PREFACE_START.len());
    while PREFACE_START.starts_with(&read) && read.len() < PREFACE_START.len() {
        let mut rest = (&mut *stream).take((PREFACE_START.len() - read.len()) as u64);
        if rest.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    Some(read)
}

fn serve_http1<S>(
    origin: Origin,
    scheme: Scheme,
    stream: S,
    settings: Arc<ListenerSettings>,
) -> Serving
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let events = Arc::clone(&origin.shared.metrics);
    let (stream, handle) = guard(stream, &settings.guard, events);
    let connection = origin.connection(scheme, Some(handle));
    let limits = &settings.guard.limits;
    let mut builder = http1::Builder::new();
    builder
        .half_close(settings.half_close)
        .preserve_header_case(true)
        .auto_date_header(false)
        .max_buf_size((limits.head_bytes_max + 4096).max(16 * 1024))
        .timer(TokioTimer::new());
    if limits.fields_max > HYPER_FIELDS_MAX {
        builder.max_headers(limits.fields_max);
    }
    let serving = builder
        .serve_connection(TokioIo::new(stream), service_fn(answering(&connection)))
        .with_upgrades();
    Box::pin(async move {
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            biased;
            _ = &mut serving => return,
            () = connection.drained() => serving.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = serving => {}
            () = connection.presence.cut() => {}
        }
    })
}

fn serve_http2<S>(
    connection: Arc<Connection>,
    stream: S,
    settings: Arc<ListenerSettings>,
) -> Serving
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = &settings.http2;
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.header_list_bytes_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .max_local_error_reset_streams(limits.local_resets_max)
        .max_send_buf_size(limits.send_buffer_bytes)
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping_timeout)
        .serve_connection(TokioIo::new(stream), service_fn(answering(&connection)));
    let timeouts = settings.guard.timeouts;
    Box::pin(async move {
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            biased;
            _ = &mut serving => return,
            () = connection.drained() => {}
            () = abused(&connection) => return,
            patience = out_of_patience(&connection, timeouts.idle, timeouts.write) => {
                if patience == Patience::Stalled {
                    return;
                }
            }
        }
        serving.as_mut().graceful_shutdown();
        tokio::select! {
            _ = serving => {}
            () = connection.presence.cut() => {}
            _ = out_of_patience(&connection, timeouts.write, timeouts.write) => {}
        }
    })
}

/// Once the client has kept its connection idle, or an answer untaken, for too long.
async fn out_of_patience(connection: &Connection, idle: Duration, write: Duration) -> Patience {
    let Some(streams) = &connection.streams else {
        return std::future::pending().await;
    };
    let mut look = tokio::time::interval(idle.min(write).clamp(LOOK_MIN, LOOK));
    loop {
        look.tick().await;
        match streams.check(Instant::now(), idle, write) {
            Patience::Fine => {}
            patience => return patience,
        }
    }
}

/// Once the client has reset more streams than an honest one does.
async fn abused(connection: &Connection) {
    match &connection.streams {
        Some(streams) => streams.abused().await,
        None => std::future::pending().await,
    }
}

/// What hyper calls for each request. The future is boxed, since hyper keeps a place of its size
/// for as long as the connection is open, also while it idles.
fn answering(
    connection: &Arc<Connection>,
) -> impl Fn(Request<Incoming>) -> Answering + Send + 'static {
    let connection = Arc::clone(connection);
    move |request| {
        let connection = Arc::clone(&connection);
        Box::pin(async move { proxy(&connection, request).await })
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Answer>, Unanswerable>> + Send>>;

// === impl Connection ===

impl Connection {
    /// Once it should take no further requests.
    ///
    /// An HTTP/2 client is told so by GOAWAY. An HTTP/1 client is told by its next answer, so for
    /// a moment there may be one more: a connection closed under a client that is just asking
    /// costs it a request.
    async fn drained(&self) {
        self.presence.draining().await;
        let is_unused = self.streams.as_ref().is_some_and(|streams| streams.is_unused());
        if self.guard.is_some() || is_unused {
            tokio::time::sleep(LAST_REQUEST).await;
        }
    }
}

// === impl Origin ===

impl Origin {
    fn connection(self, scheme: Scheme, guard: Option<ConnHandle>) -> Arc<Connection> {
        let Origin { shared, listener, peer, presence, identity } = self;
        let premature_max = listener.settings().http2.premature_resets_max;
        let streams = guard.is_none().then(|| Streams::new(Instant::now(), premature_max));
        Arc::new(Connection { shared, listener, peer, scheme, identity, guard, streams, presence })
    }
}
