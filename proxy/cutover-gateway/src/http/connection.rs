//! One client connection: TLS, protocol, guard, and hyper serving it until it ends.

use std::{
    net::SocketAddr,
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
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    accepted: Accepted<TcpStream>,
) {
    let Accepted { stream, peer, presence } = accepted;
    let settings = listener.settings();
    let head = settings.guard.timeouts.head;
    let Some(tls) = listener.tls.clone() else {
        let origin = Origin { shared, listener, peer, presence, identity: None };
        return cleartext(origin, stream, &settings, head).await;
    };
    match tls.accept(stream, head).await {
        Ok((stream, identity)) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let origin = Origin { shared, listener, peer, presence, identity };
            if is_http2 {
                serve_http2(origin.connection(Scheme::Https, None), stream, &settings).await;
            } else {
                serve_http1(origin, Scheme::Https, stream, &settings).await;
            }
        }
        Err(error) => {
            let reason = match error {
                AcceptError::Refused(_) => TurnedAway::Certificate,
                _ => TurnedAway::Handshake,
            };
            shared.metrics.turn_away(reason);
            tracing::debug!(error = &error as &dyn std::error::Error, "TLS handshake failed");
        }
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

async fn cleartext(
    origin: Origin,
    mut stream: TcpStream,
    settings: &ListenerSettings,
    head: Duration,
) {
    if !settings.http2_cleartext {
        return serve_http1(origin, Scheme::Http, stream, settings).await;
    }
    let idle = settings.guard.timeouts.idle.max(head);
    let Ok(Some(prefix)) = tokio::time::timeout(idle, preface_start(&mut stream)).await else {
        return;
    };
    let is_http2 = prefix == PREFACE_START;
    let stream = Prefixed::new(prefix, stream);
    if is_http2 {
        serve_http2(origin.connection(Scheme::Http, None), stream, settings).await;
    } else {
        serve_http1(origin, Scheme::Http, stream, settings).await;
    }
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

async fn serve_http1<S>(origin: Origin, scheme: Scheme, stream: S, settings: &ListenerSettings)
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
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = &mut serving => return,
        () = connection.presence.draining() => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = serving => {}
        () = connection.presence.cut() => {}
    }
}

async fn serve_http2<S>(connection: Arc<Connection>, stream: S, settings: &ListenerSettings)
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
    let mut serving = std::pin::pin!(serving);
    let timeouts = &settings.guard.timeouts;
    tokio::select! {
        _ = &mut serving => return,
        () = connection.presence.draining() => {}
        patience = out_of_patience(&connection, timeouts.idle, timeouts.write) => match patience {
            Patience::Stalled => return,
            Patience::Idle | Patience::Fine => {}
        },
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = serving => {}
        () = connection.presence.cut() => {}
        _ = out_of_patience(&connection, timeouts.write, timeouts.write) => {}
    }
}

/// Once the client has kept its connection idle, or an answer untaken, for too long.
async fn out_of_patience(connection: &Connection, idle: Duration, write: Duration) -> Patience {
    let Some(streams) = &connection.streams else {
        return std::future::pending().await;
    };
    let mut look = tokio::time::interval(idle.min(write).min(LOOK));
    loop {
        look.tick().await;
        match streams.check(Instant::now(), idle, write) {
            Patience::Fine => {}
            patience => return patience,
        }
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

type Answering =
    std::pin::Pin<Box<dyn Future<Output = Result<Response<Answer>, Unanswerable>> + Send>>;

// === impl Origin ===

impl Origin {
    fn connection(self, scheme: Scheme, guard: Option<ConnHandle>) -> Arc<Connection> {
        let Origin { shared, listener, peer, presence, identity } = self;
        let streams = guard.is_none().then(|| Streams::new(Instant::now()));
        Arc::new(Connection { shared, listener, peer, scheme, identity, guard, streams, presence })
    }
}
