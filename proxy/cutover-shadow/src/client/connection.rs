//! Connections, and how they fail.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};

use super::Body;
use crate::lane::Fault;

/// An HTTP/1 connection. It has no task of its own: whoever waits for its answer drives it, so
/// that nobody needs waking in between.
pub(super) struct H1 {
    /// The other end.
    pub(super) peer: Option<SocketAddr>,
    sender: http1::SendRequest<Body>,
    /// `None` once it has ended.
    driver: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// An HTTP/2 connection, shared; a task drives it.
#[derive(Clone)]
pub(super) struct H2 {
    /// The other end.
    pub(super) peer: Option<SocketAddr>,
    pub(super) sender: http2::SendRequest<Body>,
}

/// Why no head of an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendFailure {
    /// The connection ended without a byte of the answer.
    NoAnswer,
    /// Something else.
    Fault(Fault),
}

// === impl H1 ===

impl H1 {
    pub(super) fn new(
        peer: Option<SocketAddr>,
        sender: http1::SendRequest<Body>,
        driver: impl Future<Output = ()> + Send + 'static,
    ) -> H1 {
        H1 { peer, sender, driver: Some(Box::pin(driver)) }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, SendFailure> {
        let H1 { sender, driver, .. } = self;
        let mut answer = std::pin::pin!(sender.send_request(request));
        let answer = std::future::poll_fn(|cx| {
            drive(driver, cx);
            answer.as_mut().poll(cx)
        });
        answer.await.map_err(|error| SendFailure::of(&error))
    }

    /// Reads and writes what it can; to be called while the answer's body is waited for.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, cx);
    }

    /// Whether it takes a request now; notices one that the other end has closed.
    pub(super) fn is_reusable(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.sender.is_ready()
    }
}

fn drive(driver: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && let Poll::Ready(()) = running.as_mut().poll(cx)
    {
        *driver = None;
    }
}

// === impl H2 ===

impl H2 {
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Fault> {
        self.sender.ready().await.map_err(|error| fault(&error))?;
        self.sender.send_request(request).await.map_err(|error| fault(&error))
    }
}

// === impl SendFailure ===

impl SendFailure {
    fn of(error: &hyper::Error) -> SendFailure {
        match error.is_incomplete_message()
            || error.is_closed()
            || error.is_canceled()
            || is_io(error)
        {
            true => SendFailure::NoAnswer,
            false => SendFailure::Fault(fault(error)),
        }
    }

    /// What it says of the upstream, on a connection that was new.
    pub(super) fn fault(self) -> Fault {
        match self {
            SendFailure::NoAnswer => Fault::Reset,
            SendFailure::Fault(fault) => fault,
        }
    }
}

/// What an error of a connection says of the upstream.
pub(super) fn fault(error: &hyper::Error) -> Fault {
    let is_reset = error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || error.is_body_write_aborted()
        || is_io(error);
    if is_reset { Fault::Reset } else { Fault::Protocol }
}

fn is_io(error: &hyper::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}
