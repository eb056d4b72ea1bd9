//! HTTP/1 connections, driven by whoever uses them.
//!
//! A connection has no task of its own: a request's task polls it while it waits for the answer
//! and for each piece of its body. What is read is passed on at once, while it is in the cache,
//! and nobody needs waking in between.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};

use super::Outgoing;

/// A connection that serves one request at a time.
pub(super) struct H1 {
    sender: http1::SendRequest<Outgoing>,
    driver: Driver,
}

/// Reads and writes; at its end the connection is closed.
enum Driver {
    /// To be polled by whoever waits for the connection.
    Ours(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// A task of its own, or the end.
    Elsewhere,
}

// === impl H1 ===

impl H1 {
    pub(super) fn new(
        sender: http1::SendRequest<Outgoing>,
        driver: impl Future<Output = ()> + Send + 'static,
    ) -> H1 {
        H1 { sender, driver: Driver::Ours(Box::pin(driver)) }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Outgoing>>> {
        let H1 { sender, driver } = self;
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
        if let Driver::Ours(driver) = std::mem::replace(&mut self.driver, Driver::Elsewhere) {
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
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Driver::Ours(driver) = self
            && let Poll::Ready(()) = driver.as_mut().poll(cx)
        {
            *self = Driver::Elsewhere;
        }
    }
}
