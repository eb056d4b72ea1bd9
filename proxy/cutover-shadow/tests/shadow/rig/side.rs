//! Servers: some speak HTTP, some only bytes.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Side {
    pub(crate) port: u16,
    /// Requests as they came, bodies read; only of those that speak HTTP.
    pub(crate) requests: Arc<Mutex<Vec<Request<Bytes>>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    task: Option<AbortHandle>,
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Answers = Arc<dyn Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync>;

/// A server of HTTP/1.1 that answers each request so.
pub(crate) async fn answer(
    answers: impl Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync + 'static,
) -> Side {
    serve(Arc::new(answers), Speaks::Http1).await
}

/// As [`answer`], HTTP/2 in cleartext.
pub(crate) async fn http2(
    answers: impl Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync + 'static,
) -> Side {
    serve(Arc::new(answers), Speaks::Http2).await
}

/// As [`answer`], over TLS, by the protocol that is agreed on; connections may fail.
pub(crate) async fn tls(
    config: rustls::ServerConfig,
    answers: impl Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync + 'static,
) -> Side {
    serve(Arc::new(answers), Speaks::Tls(TlsAcceptor::from(Arc::new(config)))).await
}

#[derive(Clone)]
enum Speaks {
    Http1,
    Http2,
    Tls(TlsAcceptor),
}

async fn serve(answers: Answers, speaks: Speaks) -> Side {
    let requests: Arc<Mutex<Vec<Request<Bytes>>>> = Arc::default();
    let seen = Arc::clone(&requests);
    let connection = move |stream: TcpStream| -> Running {
        let (answers, seen) = (Arc::clone(&answers), Arc::clone(&seen));
        let service = service_fn(move |request: Request<Incoming>| {
            let (answers, seen) = (Arc::clone(&answers), Arc::clone(&seen));
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let request = Request::from_parts(parts, body);
                let response = answers(&request);
                seen.lock().unwrap().push(request);
                Ok::<_, Infallible>(response)
            }
        });
        let speaks = speaks.clone();
        Box::pin(async move {
            let http1 = conn::http1::Builder::new();
            let http2 = conn::http2::Builder::new(TokioExecutor::new());
            let _ = match speaks {
                Speaks::Http1 => http1.serve_connection(TokioIo::new(stream), service).await,
                Speaks::Http2 => http2.serve_connection(TokioIo::new(stream), service).await,
                Speaks::Tls(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let io = TokioIo::new(stream);
                    match is_http2 {
                        true => http2.serve_connection(io, service).await,
                        false => http1.serve_connection(io, service).await,
                    }
                }
            };
        })
    };
    let mut side = bytes(connection).await;
    side.requests = requests;
    side
}

/// A server that does this with each connection.
pub(crate) async fn bytes<R>(connection: impl Fn(TcpStream) -> R + Send + 'static) -> Side
where
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&connections);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(connection(stream));
        }
    });
    let task = Some(task.abort_handle());
    Side { port, requests: Arc::default(), connections, task }
}

/// Nobody listens.
pub(crate) async fn refuses() -> Side {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Side { port, requests: Arc::default(), connections: Arc::default(), task: None }
}

/// Waits for the end of a request's head, then writes this; the stream goes on.
pub(crate) async fn asked(mut stream: TcpStream, answer: &[u8]) -> Option<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    stream.write_all(answer).await.ok()?;
    Some(stream)
}

impl Side {
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
