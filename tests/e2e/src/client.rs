//! Well-behaved clients: HTTP/1.1, HTTP/2 in cleartext and over TLS, one connection each.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certs;

/// The body of a request: whole or streamed.
pub type Payload = BoxBody<Bytes, std::convert::Infallible>;

/// One client connection.
pub struct Client {
    sender: Sender,
    connection: JoinHandle<()>,
    authority: String,
    scheme: &'static str,
}

enum Sender {
    One(http1::SendRequest<Payload>),
    Two(http2::SendRequest<Payload>),
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Its trailers, empty without.
    pub trailers: HeaderMap,
}

impl Client {
    /// HTTP/1.1.
    pub async fn http1(addr: SocketAddr) -> anyhow::Result<Client> {
        Client::http1_over(connect(addr).await?, addr.to_string(), "http").await
    }

    /// HTTP/2 in cleartext with prior knowledge.
    pub async fn h2c(addr: SocketAddr) -> anyhow::Result<Client> {
        Client::http2_over(connect(addr).await?, addr.to_string(), "http").await
    }

    /// What ALPN gives over TLS: HTTP/2 if the server agrees to it, else HTTP/1.1.
    pub async fn tls(addr: SocketAddr, config: Arc<ClientConfig>) -> anyhow::Result<Client> {
        let stream = handshake(addr, config).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let authority = format!("localhost:{}", addr.port());
        if is_http2 {
            Client::http2_over(stream, authority, "https").await
        } else {
            Client::http1_over(stream, authority, "https").await
        }
    }

    /// Whether it speaks HTTP/2.
    pub fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// GET, with the whole answer.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Request::get(path).body(Bytes::new())?).await
    }

    /// Sends `request`, whose URI is a path, and collects the answer.
    pub async fn ask(&mut self, request: Request<Bytes>) -> anyhow::Result<Answer> {
        Answer::collect(self.send(request.map(Full::new).map(BodyExt::boxed)).await?).await
    }

    /// Sends `request`, whose URI is a path, and gives the answer as soon as its head is there.
    pub async fn send(
        &mut self,
        mut request: Request<Payload>,
    ) -> anyhow::Result<Response<Incoming>> {
        let what = format!("{} {}", request.method(), request.uri());
        match &mut self.sender {
            Sender::One(sender) => {
                let host = self.authority.parse()?;
                request.headers_mut().entry(http::header::HOST).or_insert(host);
                sender.ready().await.with_context(|| format!("{what}: the connection is over"))?;
                sender.send_request(request).await.context(what)
            }
            Sender::Two(sender) => {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() =
                    format!("{}://{}{path}", self.scheme, self.authority).parse()?;
                sender.ready().await.with_context(|| format!("{what}: the connection is over"))?;
                sender.send_request(request).await.context(what)
            }
        }
    }

    async fn http1_over<S>(
        stream: S,
        authority: String,
        scheme: &'static str,
    ) -> anyhow::Result<Client>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            http1::Builder::new().max_headers(256).handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Client { sender: Sender::One(sender), connection, authority, scheme })
    }

    async fn http2_over<S>(
        stream: S,
        authority: String,
        scheme: &'static str,
    ) -> anyhow::Result<Client>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Client { sender: Sender::Two(sender), connection, authority, scheme })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

// === impl Answer ===

impl Answer {
    /// Reads the whole body.
    pub async fn collect<B>(response: Response<B>) -> anyhow::Result<Answer>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("the answer's body broke off")?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes(), trailers })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of header `name` as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whether a request failed because the server closed the connection before it answered.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let of_hyper = error.chain().find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let of_io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    let is_reset = |error: &std::io::Error| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
        matches!(error.kind(), BrokenPipe | ConnectionReset)
    };
    of_hyper.is_some_and(|it| it.is_incomplete_message() || it.is_canceled() || it.is_closed())
        || of_io.is_some_and(is_reset)
}

/// One GET over a connection of its own.
pub async fn get(addr: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    Client::http1(addr).await?.get(path).await
}

/// A TLS connection to a server that calls itself `localhost`.
pub async fn handshake(
    addr: SocketAddr,
    config: Arc<ClientConfig>,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let stream = connect(addr).await?;
    let handshake = TlsConnector::from(config).connect(certs::server_name(), stream).await;
    handshake.with_context(|| format!("the TLS handshake with {addr} failed"))
}

async fn connect(addr: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await;
    let stream = stream.with_context(|| format!("cannot connect to {addr}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
