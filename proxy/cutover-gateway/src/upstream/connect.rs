//! Making a connection: resolve, connect, TLS, HTTP handshake.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use cutover_domain as domain;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
};

use super::{H1, Ready, Sender, Shared, Upstream, h1::HEAD_BYTES_MAX, pool, wire::Wire};
use crate::tls::{self, ClientTls};

/// What an upstream may send ahead on one HTTP/2 stream, in bytes.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
/// On all streams of a connection together: the most that HTTP/2 allows (RFC 9113 §6.9.1), so that
/// clients who do not read their answers never hold up others on the connection they share.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Why no connection was made: the request was certainly not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("the upstream's name was not resolved")]
    Resolve(#[source] io::Error),
    #[error("the upstream refused the connection or is not reachable")]
    Tcp(#[source] io::Error),
    #[error("TLS with the upstream failed")]
    Tls(#[source] io::Error),
    #[error("the upstream does not speak HTTP")]
    Handshake(#[source] hyper::Error),
}

/// Makes a connection within `timeout`, in a place that was given.
pub(super) async fn connect(
    upstream: &Upstream,
    place: OwnedSemaphorePermit,
    timeout: Duration,
) -> Result<Ready, ConnectError> {
    let made = match tokio::time::timeout(timeout, attempt(upstream, place)).await {
        Ok(made) => made,
        Err(_) => Err(ConnectError::Timeout(timeout)),
    };
    match &made {
        Ok(_) => upstream.connects.inc(),
        Err(_) => upstream.connect_failures.inc(),
    };
    made
}

async fn attempt(upstream: &Upstream, permit: OwnedSemaphorePermit) -> Result<Ready, ConnectError> {
    let stream = tcp(upstream).await?;
    let peer = stream.peer_addr().map_err(ConnectError::Tcp)?;
    let place = Place { _permit: permit, connections: upstream.connections.clone() };
    place.connections.inc();
    let Some((config, name)) = &upstream.tls else {
        return if upstream.is_http2_only() {
            http2(upstream, Wire::new(stream), peer, place).await
        } else {
            http1(H1::over_socket(stream, place).await, peer)
        };
    };
    let stream = Wire::new(stream);
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
    let stream = connector.connect(name.clone(), stream).await.map_err(ConnectError::Tls)?;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        http2(upstream, stream, peer, place).await
    } else {
        http1(H1::over(stream, place).await, peer)
    }
}

async fn tcp(upstream: &Upstream) -> Result<TcpStream, ConnectError> {
    let stream = match upstream.address {
        Some(address) => TcpStream::connect(address).await,
        None => {
            let host = (upstream.spec.host.as_str(), upstream.spec.port);
            let addresses: Vec<SocketAddr> =
                tokio::net::lookup_host(host).await.map_err(ConnectError::Resolve)?.collect();
            TcpStream::connect(&*addresses).await
        }
    };
    let stream = stream.map_err(ConnectError::Tcp)?;
    stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
    Ok(stream)
}

fn http1(h1: hyper::Result<H1>, peer: SocketAddr) -> Result<Ready, ConnectError> {
    let h1 = h1.map_err(ConnectError::Handshake)?;
    Ok(Ready { sender: Sender::H1(h1), peer, reused: false })
}

async fn http2(
    upstream: &Upstream,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    place: Place,
) -> Result<Ready, ConnectError> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ConnectError::Handshake)?;
    tokio::spawn(async move {
        let _place = place;
        let _ = connection.await;
    });
    let shared = Shared { sender, holders: Arc::default() };
    pool::share(upstream, &shared, peer);
    Ok(Ready { sender: Sender::H2(shared), peer, reused: false })
}

/// Why an upstream's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Its name is no name that a certificate could hold.
    #[error("`{0}` is no name that a certificate can be checked for: set `tls.server_name`")]
    ServerName(String),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] tls::TlsError),
}

/// The TLS configuration of an https upstream, and the name that its certificate must hold.
pub(super) fn tls(
    spec: &domain::Upstream,
) -> Result<(Arc<rustls::ClientConfig>, ServerName<'static>), TlsError> {
    let name = spec.tls.server_name.as_deref().unwrap_or(&spec.host).to_owned();
    let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name))?;
    let (ca, identity) = (spec.tls.ca.clone(), spec.tls.client.clone());
    let tls = ClientTls { ca, identity, alpn: tls::alpn_http() };
    Ok((tls::client_config(&tls, &mut Vec::new())?, name))
}

/// A place among an upstream's connections; free again when the connection has ended.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    connections: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.dec();
    }
}
