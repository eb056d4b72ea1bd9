//! Making a connection: resolve, connect, TLS, HTTP handshake.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cutover_domain::{Scheme, Timeouts, Upstream};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    connection::{H1, H2},
    tls::{Tls, TlsError},
};
use crate::lane::{Failure, Fault};

/// Most header fields of an answer.
const HEADERS_MAX: usize = 256;
/// Longest answer head, in bytes; also the most that is read ahead of an HTTP/1 connection.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// What an upstream may send ahead on one HTTP/2 stream, and on all streams together, in bytes.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// A new connection, by the protocol that was agreed on.
pub(super) enum Connected {
    H1(H1),
    H2(H2),
}

/// Makes a connection within the upstream's own time-out.
pub(super) async fn connect(
    upstream: &Upstream,
    tls: Option<&Result<Tls, TlsError>>,
) -> Result<Connected, Failure> {
    let timeout_ms = upstream.timeouts.connect_ms.unwrap_or(Timeouts::CONNECT_MS);
    let timeout = Duration::from_millis(timeout_ms.into());
    let made = tokio::time::timeout(timeout, attempt(upstream, tls)).await;
    match made {
        Ok(Some(connected)) => Ok(connected),
        Ok(None) | Err(_) => Err(Failure::Theirs(Fault::Connect)),
    }
}

/// Why a connection fails is the operator's to see in the data plane's log and metrics, which asks
/// the same upstream; here it is one word.
async fn attempt(upstream: &Upstream, tls: Option<&Result<Tls, TlsError>>) -> Option<Connected> {
    let stream = TcpStream::connect((upstream.host.as_str(), upstream.port)).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let peer = stream.peer_addr().ok();
    match tls {
        None if upstream.scheme == Scheme::H2c => http2(stream, peer).await,
        None => http1(stream, peer).await,
        Some(tls) => {
            let Tls { config, name } = tls.as_ref().ok()?;
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
            let stream = connector.connect(name.clone(), stream).await.ok()?;
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => http2(stream, peer).await,
                _ => http1(stream, peer).await,
            }
        }
    }
}

async fn http1(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Option<SocketAddr>,
) -> Option<Connected> {
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    // How it ends is told to the request in flight.
    let driver = async { drop(connection.await) };
    Some(Connected::H1(H1::new(peer, sender, driver)))
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Option<SocketAddr>,
) -> Option<Connected> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(async { drop(connection.await) });
    Some(Connected::H2(H2 { peer, sender }))
}

/// An upstream's own `host:port`.
pub(super) fn authority(upstream: &Upstream) -> String {
    let Upstream { host, port, .. } = upstream;
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
