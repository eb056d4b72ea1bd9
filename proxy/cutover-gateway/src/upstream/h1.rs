//! HTTP/1 connections, driven by whoever uses them.
//!
//! A connection has no task of its own: a request's task polls it while it waits for the answer
//! and for each piece of its body. What is read is passed on at once, while it is in the cache,
//! and nobody needs waking in between.

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use bytes::Bytes;
use http::{Request, Response, header};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Outgoing, connect::Place, wire::Wire};

/// Most header fields of an answer; hyper's default of 100 is below what some monoliths send.
const HEADERS_MAX: usize = 256;
/// Longest answer head, in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 256 * 1024;

/// A connection that serves one request at a time.
pub(super) struct H1 {
    sender: http1::SendRequest<Outgoing>,
    driver: Driver,
}

/// Reads and writes; at its end the connection is closed.
enum Driver {
    /// To be polled by whoever waits for the connection.
    Ours(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The same, of a connection whose socket can be had back.
    Socket(Box<Socket>),
    /// A task of its own, or the end.
    Elsewhere,
}

struct Socket {
    connection: http1::Connection<TokioIo<Wire<TcpStream>>, Outgoing>,
    place: Place,
}

/// A socket that hyper gave back.
pub(super) struct Returned {
    pub(super) stream: TcpStream,
    /// The upstream got all of the request.
    pub(super) is_flushed: bool,
    /// What was read and belongs to the answer.
    pub(super) read: Bytes,
    pub(super) place: Place,
}

// === impl H1 ===

impl H1 {
    /// Over any stream.
    pub(super) async fn over(
        stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
        place: Place,
    ) -> hyper::Result<H1> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(H1 { sender, driver: Driver::of(connection, place) })
    }

    /// Over a socket that can be had back.
    pub(super) async fn over_socket(stream: TcpStream, place: Place) -> hyper::Result<H1> {
        let (sender, connection) = handshake(TokioIo::new(Wire::new(stream))).await?;
        let socket = Socket { connection, place };
        Ok(H1 { sender, driver: Driver::Socket(Box::new(socket)) })
    }

    /// The socket, between an answer's head and the rest of its body, of which hyper has read no
    /// more than `incoming` holds and what is returned.
    pub(super) fn take_socket(&mut self) -> Option<Returned> {
        let Socket { connection, place } = match self.driver.take() {
            Driver::Socket(socket) => *socket,
            driver => {
                self.driver = driver;
                return None;
            }
        };
        let parts = connection.into_parts();
        let (stream, is_flushed) = parts.io.into_inner().into_inner();
        Some(Returned { stream, is_flushed, read: parts.read_buf, place })
    }

    pub(super) fn has_socket(&self) -> bool {
        matches!(self.driver, Driver::Socket(_))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Outgoing>>> {
        let H1 { sender, driver } = self;
        if request.headers().contains_key(header::UPGRADE) {
            driver.allow_upgrade();
        }
        let mut answer = std::pin::pin!(sender.try_send_request(request));
        std::future::poll_fn(|cx| {
            driver.poll(cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Once it takes a request; `false` if it has been closed instead.
    pub(super) async fn ready(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            self.driver.poll(cx);
            self.sender.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }

    /// Reads and writes what it can; to be called when the answer's body is waited for.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        self.driver.poll(cx);
    }

    /// Gives the connection a task: something is left to do that nobody will wait for.
    pub(super) fn detach(&mut self) {
        self.driver.allow_upgrade();
        if let Driver::Ours(driver) = self.driver.take() {
            tokio::spawn(driver);
        }
    }

    /// What an idle connection can be used for; notices one that the upstream closed.
    pub(super) fn state(&mut self) -> State {
        self.driver.poll(&mut Context::from_waker(Waker::noop()));
        match () {
            () if self.sender.is_closed() => State::Closed,
            () if self.sender.is_ready() => State::Ready,
            () => State::Busy,
        }
    }
}

/// See [`H1::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// Still sending the last request.
    Busy,
    Closed,
}

// === impl Driver ===

impl Driver {
    /// Of a connection that may be upgraded.
    fn of<S: Read + Write + Send + Unpin + 'static>(
        connection: http1::Connection<S, Outgoing>,
        place: Place,
    ) -> Driver {
        Driver::Ours(Box::pin(async move {
            let _place = place;
            // How it ends is told to the request in flight; without one there is nothing to tell.
            let _ = connection.with_upgrades().await;
        }))
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        let polled = match self {
            Driver::Socket(socket) => Pin::new(&mut socket.connection).poll(cx).map(drop),
            Driver::Ours(driver) => driver.as_mut().poll(cx),
            Driver::Elsewhere => return,
        };
        if polled.is_ready() {
            *self = Driver::Elsewhere;
        }
    }

    fn take(&mut self) -> Driver {
        std::mem::replace(self, Driver::Elsewhere)
    }

    /// hyper gives a socket back, or what it became by an upgrade, but not either.
    fn allow_upgrade(&mut self) {
        *self = match self.take() {
            Driver::Socket(socket) => Driver::of(socket.connection, socket.place),
            driver => driver,
        };
    }
}

async fn handshake<S: Read + Write + Unpin>(
    stream: S,
) -> hyper::Result<(http1::SendRequest<Outgoing>, http1::Connection<S, Outgoing>)> {
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    builder.handshake(stream).await
}
