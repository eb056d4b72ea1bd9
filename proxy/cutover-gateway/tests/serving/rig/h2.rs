//! HTTP/2 on either side: hyper's client and server, and frames by hand.

use std::{
    convert::Infallible,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, client::conn::http2, server, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Runtime,
    sync::mpsc,
};

use super::PATIENCE;

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// An HTTP/2 connection to the gateway.
pub(crate) struct H2Client {
    runtime: Runtime,
    sender: http2::SendRequest<Body>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: Option<HeaderMap>,
}

/// An upstream that speaks HTTP/2.
pub(crate) struct H2Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

/// An HTTP/2 connection whose frames are written by hand.
pub(crate) struct Raw(TcpStream);

pub(crate) fn empty() -> Body {
    Empty::new().boxed()
}

pub(crate) fn text(text: &str) -> Body {
    Full::new(Bytes::from(text.to_owned())).boxed()
}

/// Data, then trailers if there are any.
pub(crate) fn body(data: &[&'static str], trailers: Option<(&'static str, &'static str)>) -> Body {
    let (sender, body) = live_body();
    for piece in data {
        sender.send(Frame::data(Bytes::from_static(piece.as_bytes()))).unwrap();
    }
    if let Some((name, value)) = trailers {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().unwrap());
        sender.send(Frame::trailers(map)).unwrap();
    }
    body
}

/// A body that is sent piece by piece; ends when the sender is dropped.
pub(crate) fn live_body() -> (mpsc::UnboundedSender<Frame<Bytes>>, Body) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let stream = futures_util::stream::poll_fn(move |cx| {
        frames.poll_recv(cx).map(|frame| frame.map(Ok::<_, Infallible>))
    });
    (sender, BodyExt::boxed(StreamBody::new(stream)))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

// === impl H2Client ===

impl H2Client {
    /// By prior knowledge.
    pub(crate) fn connect(address: SocketAddr) -> H2Client {
        let runtime = runtime();
        let sender = runtime.block_on(async {
            handshake(tokio::net::TcpStream::connect(address).await.unwrap()).await
        });
        H2Client { runtime, sender }
    }

    /// By TLS and ALPN; fails as the handshake does.
    pub(crate) fn connect_tls(
        address: SocketAddr,
        config: &Arc<rustls::ClientConfig>,
    ) -> io::Result<H2Client> {
        let runtime = runtime();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await?;
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
            let name = ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(name, stream).await?;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            Ok::<_, io::Error>(handshake(stream).await)
        })?;
        Ok(H2Client { runtime, sender })
    }

    pub(crate) fn ask(&self, request: Request<Body>) -> Reply {
        self.try_ask(request).unwrap()
    }

    pub(crate) fn get(&self, uri: &str) -> Reply {
        self.ask(Request::get(uri).body(empty()).unwrap())
    }

    pub(crate) fn try_ask(&self, request: Request<Body>) -> hyper::Result<Reply> {
        self.block_on(async {
            let (parts, body) = self.sender.clone().send_request(request).await?.into_parts();
            let whole = body.collect().await?;
            let trailers = whole.trailers().cloned();
            let body = String::from_utf8_lossy(&whole.to_bytes()).into_owned();
            Ok(Reply { status: parts.status, headers: parts.headers, body, trailers })
        })
    }

    /// An answer whose body is still to come.
    pub(crate) fn begin(&self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        self.block_on(self.sender.clone().send_request(request))
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let patient = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(patient).expect("in time")
    }

    /// Goes on beside what this client asks for.
    pub(crate) fn spawn(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        self.runtime.spawn(future)
    }

    /// Whether the gateway has closed the connection.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> http2::SendRequest<Body> {
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

// === impl H2Upstream ===

impl H2Upstream {
    /// In cleartext, or by TLS if `tls` is given.
    pub(crate) fn start<F>(
        tls: Option<Arc<rustls::ServerConfig>>,
        handle: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> H2Upstream
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        H2Upstream::restless(usize::MAX, tls, handle)
    }

    /// Ends each connection by GOAWAY after so many requests.
    pub(crate) fn restless<F>(
        requests_max: usize,
        tls: Option<Arc<rustls::ServerConfig>>,
        handle: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> H2Upstream
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let runtime = runtime();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&connections);
        runtime.spawn(async move {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            while let Ok((stream, _)) = socket.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (tls, handle) = (tls.clone(), handle.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, requests_max, handle).await,
                        Some(tls) => {
                            let acceptor = tokio_rustls::TlsAcceptor::from(tls);
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, requests_max, handle).await;
                            }
                        }
                    }
                });
            }
        });
        H2Upstream { address, connections, _runtime: runtime }
    }
}

async fn serve<F>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    requests_max: usize,
    handle: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let served = AtomicUsize::new(0);
    let enough = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&enough);
    let service = service_fn(move |request| {
        if served.fetch_add(1, Ordering::Relaxed) + 1 == requests_max {
            tell.notify_one();
        }
        let answer = handle(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let builder = server::conn::http2::Builder::new(TokioExecutor::new());
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut serving => return,
        () = enough.notified() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

// === impl Raw ===

/// Frame types (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

impl Raw {
    /// Sends preface and settings: pairs of identifier and value.
    pub(crate) fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Raw {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut raw = Raw(stream);
        let payload = settings
            .iter()
            .flat_map(|(id, value)| id.to_be_bytes().into_iter().chain(value.to_be_bytes()));
        raw.frame(SETTINGS, 0, 0, &payload.collect::<Vec<u8>>());
        raw
    }

    /// Opens a stream with these fields, literal and unindexed (RFC 7541 §6.2.2).
    pub(crate) fn headers(&mut self, stream: u32, fields: &[(&[u8], &[u8])], ends: bool) {
        let mut block = Vec::new();
        for (name, value) in fields {
            block.push(0);
            for text in [name, value] {
                push_length(&mut block, text.len());
                block.extend_from_slice(text);
            }
        }
        let flags = 0x4 | u8::from(ends);
        self.frame(HEADERS, flags, stream, &block);
    }

    /// Opens a stream whose head never ends: `count` more pieces of it.
    pub(crate) fn endless_headers(&mut self, stream: u32, count: usize) {
        self.frame(HEADERS, 0, stream, &[]);
        for _ in 0..count {
            let mut block = vec![0, 1, b'x'];
            push_length(&mut block, 16_000);
            block.resize(block.len() + 16_000, b'y');
            self.frame(CONTINUATION, 0, stream, &block);
        }
    }

    pub(crate) fn data(&mut self, stream: u32, data: &[u8], ends: bool) {
        self.frame(DATA, u8::from(ends), stream, data);
    }

    pub(crate) fn reset(&mut self, stream: u32) {
        self.frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    }

    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend_from_slice(payload);
        // The gateway may have hung up already.
        let _ = self.0.write_all(&frame);
    }

    /// What the gateway says to a stream: `reset`, `goaway`, `end`, or the head's first byte as
    /// HPACK writes statuses (0x88: 200, 0x8c: 400).
    pub(crate) fn verdict(&mut self, stream: u32) -> String {
        loop {
            let mut head = [0; 9];
            if self.0.read_exact(&mut head).is_err() {
                return "end".into();
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            if self.0.read_exact(&mut payload).is_err() {
                return "end".into();
            }
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match head[3] {
                GOAWAY => return "goaway".into(),
                RST_STREAM if id == stream => return "reset".into(),
                // Size updates of the dynamic table may come first.
                HEADERS if id == stream => {
                    let status = payload.iter().find(|byte| **byte >> 5 != 1);
                    return format!("{:#x}", status.unwrap());
                }
                _ => {}
            }
        }
    }
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn push_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        return block.push(u8::try_from(length).unwrap());
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
