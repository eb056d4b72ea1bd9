//! An upstream that says who it is and what it was asked, and fails in the ways servers fail.
//!
//! It speaks HTTP/1.1 and HTTP/2 in cleartext on one port. For byte-level oddities see
//! [`script`](crate::script).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustix::net::sockopt::set_socket_linger;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Header that every answer of an [`Upstream`] carries: its name.
pub const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// How the upstream treats requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Answers.
    #[default]
    None,
    /// Answers, and says that it records the request's trace, whether told to or not.
    Records,
    /// Answers with this status.
    Status(u16),
    /// Waits this long, then answers.
    Slow(Duration),
    /// Takes the request and never answers.
    Hang,
    /// Cuts the connection with a reset instead of an answer.
    Reset,
    /// Closes its listener and every connection: connecting is refused.
    Refuse,
}

/// What the upstream was asked, as it tells in the body of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Name of the upstream.
    pub upstream: String,
    /// Method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Headers in order, values as UTF-8 with losses.
    pub headers: Vec<(String, String)>,
    /// The body as UTF-8 with losses, cut at 1 KiB.
    pub body: String,
    /// Length of the whole body.
    pub body_bytes: u64,
    /// Trailers that came with it.
    pub trailers: Vec<(String, String)>,
}

/// A running upstream. Dropping it cuts everything.
pub struct Upstream {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    name: String,
    addr: SocketAddr,
    fault: watch::Sender<Fault>,
    asked: AtomicU64,
    answered: AtomicU64,
    by_path: Mutex<BTreeMap<String, u64>>,
}

impl Upstream {
    /// Listens on a free loopback port.
    pub async fn start(name: &str) -> anyhow::Result<Upstream> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            addr: listener.local_addr()?,
            fault: watch::Sender::new(Fault::None),
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            by_path: Mutex::default(),
        });
        let task = tokio::spawn(live(listener, Arc::clone(&shared)));
        Ok(Upstream { shared, task })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens, or would.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// `http://…` of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.addr)
    }

    /// Changes how it treats requests from now on. Returns once new connections feel it.
    pub async fn set(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
        let listens = fault != Fault::Refuse;
        let _ = crate::wait::eventually("the fault to be felt", async || {
            (TcpStream::connect(self.addr()).await.is_ok() == listens).then_some(())
        })
        .await;
    }

    /// Requests whose head arrived so far.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Requests that it gave an answer to so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Requests whose head arrived so far, by path without query.
    pub fn asked_for(&self, path: &str) -> u64 {
        let by_path = self.shared.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        by_path.get(path).copied().unwrap_or_default()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn live(first: TcpListener, shared: Arc<Shared>) {
    let mut fault = shared.fault.subscribe();
    let mut listener = Some(first);
    loop {
        if *fault.borrow_and_update() == Fault::Refuse {
            listener = None;
            if fault.wait_for(|&fault| fault != Fault::Refuse).await.is_err() {
                return;
            }
        }
        let socket = match listener.take() {
            Some(socket) => socket,
            None => match TcpListener::bind(shared.addr).await {
                Ok(socket) => socket,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        accept(&socket, &shared, &mut fault).await;
    }
}

/// Serves until connections are to be refused; then cuts those that are open.
async fn accept(listener: &TcpListener, shared: &Arc<Shared>, fault: &mut watch::Receiver<Fault>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(converse(stream, Arc::clone(shared)));
                while connections.try_join_next().is_some() {}
            }
            _ = fault.wait_for(|&fault| fault == Fault::Refuse) => return,
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let Ok(socket) = stream.as_fd().try_clone_to_owned() else { return };
    let cut = Arc::new(tokio::sync::Notify::new());
    let service = service_fn(|request| {
        let (shared, cut) = (Arc::clone(&shared), Arc::clone(&cut));
        async move { Ok::<_, Infallible>(treat(request, &shared, &cut).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_headers(256).half_close(true);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => {}
        // Closing a socket that does not linger is a reset.
        () = cut.notified() => drop(set_socket_linger(socket, Some(Duration::ZERO))),
    }
}

async fn treat(
    request: Request<Incoming>,
    shared: &Shared,
    cut: &tokio::sync::Notify,
) -> Response<Full<Bytes>> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    count(shared, request.uri().path());
    let fault = *shared.fault.borrow();
    let status = match fault {
        Fault::None | Fault::Records | Fault::Refuse => 200,
        Fault::Status(status) => status,
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            200
        }
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            cut.notify_one();
            std::future::pending().await
        }
    };
    let Some(asked) = asked(request, &shared.name).await else {
        // The client is gone before its body was whole; so will be the connection.
        std::future::pending().await
    };
    shared.answered.fetch_add(1, Ordering::SeqCst);
    let mut answer = answer(status, &asked);
    if let (Fault::Records, Some(parent)) = (fault, asked.header("traceparent")) {
        let said = parent.get(..53).and_then(|unflagged| format!("{unflagged}01").parse().ok());
        said.and_then(|said| answer.headers_mut().insert("traceresponse", said));
    }
    answer
}

fn count(shared: &Shared, path: &str) {
    let mut by_path = shared.by_path.lock().unwrap_or_else(PoisonError::into_inner);
    *by_path.entry(path.to_owned()).or_default() += 1;
}

/// `None` when the body breaks off.
async fn asked(request: Request<Incoming>, name: &str) -> Option<Asked> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?;
    let trailers = body.trailers().map(pairs).unwrap_or_default();
    let body = body.to_bytes();
    Some(Asked {
        upstream: name.to_owned(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        version: format!("{:?}", head.version),
        headers: pairs(&head.headers),
        body: String::from_utf8_lossy(&body[..body.len().min(1024)]).into_owned(),
        body_bytes: body.len() as u64,
        trailers,
    })
}

fn pairs(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, it)| (name.to_string(), value(it))).collect()
}

fn answer(status: u16, asked: &Asked) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(asked).expect("strings and numbers become JSON");
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a fault's status is a status");
    let name = HeaderValue::from_str(&asked.upstream).expect("upstream names are tokens");
    response.headers_mut().insert(SERVED_BY, name);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Asked {
    /// The value of the first header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, it)| it.as_str())
    }
}
