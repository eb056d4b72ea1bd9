//! One attempt at one upstream.

use std::{
    net::SocketAddr,
    task::Context,
    time::{Duration, Instant},
};

use http::{Request, Response, Version};
use hyper::{body::Incoming, client::conn::TrySendError};

use super::{
    ConnectError, Outgoing, Ready, Rest, Sender, Upload, Upstream, place, pool, pool::Reuse,
    rest::Home,
};
use crate::guard::ConnHandle;

/// An answer's head has come; the connection, or our share of it, is ours until the body has ended.
pub(crate) struct Lease {
    sender: Sender,
    upstream: u32,
    idle: Duration,
    pub(crate) peer: SocketAddr,
    pub(crate) version: Version,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no place among the upstream's connections within {0:?}")]
    Full(Duration),
    #[error("the request's target cannot be sent by HTTP/2")]
    Target(#[from] http::Error),
    #[error("the upstream switched protocols unasked")]
    UnaskedUpgrade,
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the upstream closed the connection before it answered")]
    Closed {
        delivery: Delivery,
        /// It had served a request before: the usual race with an idle time-out.
        reused: bool,
        #[source]
        source: hyper::Error,
    },
    #[error("the upstream's answer is not valid HTTP")]
    Protocol(#[source] hyper::Error),
    #[error("the client's body did not reach its end")]
    Body(#[source] hyper::Error),
}

/// Whether an upstream can have seen a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Certainly not.
    No,
    /// Perhaps.
    Maybe,
}

/// Takes a kept connection or makes one within `timeout`.
pub(crate) async fn reserve(
    upstream: &Upstream,
    reuse: Reuse,
    timeout: Duration,
) -> Result<Ready, AttemptError> {
    match pool::take(upstream, reuse) {
        Some(ready) => Ok(ready),
        None => place::connect(upstream, reuse, timeout).await,
    }
}

// === impl Ready ===

impl Ready {
    /// One that has served before.
    pub(super) fn kept(sender: Sender, peer: SocketAddr) -> Ready {
        Ready { sender, peer, reused: true }
    }

    /// Once it takes a request; `None` if it has been closed instead.
    pub(super) async fn settled(mut self) -> Option<Ready> {
        let settled = match &mut self.sender {
            Sender::H1(h1) => h1.ready().await,
            Sender::H2(shared) => shared.sender.ready().await.is_ok(),
        };
        settled.then_some(self)
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// `first_byte` runs from the head's sending, or from the last piece of `upload` that the
    /// client sent: a long upload is not a slow upstream.
    pub(crate) async fn send(
        self,
        upstream: &Upstream,
        request: Request<Outgoing>,
        first_byte: Duration,
        upload: Option<&Upload>,
    ) -> Result<(Response<Incoming>, Lease), AttemptError> {
        let Ready { mut sender, peer, reused } = self;
        let sent = async {
            match &mut sender {
                Sender::H1(h1) => h1.send(request).await,
                Sender::H2(shared) => shared.sender.try_send_request(request).await,
            }
        };
        let response = within(first_byte, upload, sent)
            .await
            .ok_or(AttemptError::Timeout(first_byte))?
            .map_err(|error| classify(error, reused))?;
        let version = response.version();
        let (upstream, idle) = (upstream.id, upstream.idle);
        Ok((response, Lease { sender, upstream, idle, peer, version }))
    }

    /// It has served a request before, so the upstream may be closing it right now.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    pub(crate) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::H2(_))
    }
}

/// `None` when the time passed.
async fn within<T>(
    limit: Duration,
    upload: Option<&Upload>,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut wait = limit;
    loop {
        match tokio::time::timeout(wait, &mut future).await {
            Ok(value) => return Some(value),
            Err(_) => {
                let due = upload?.progress() + limit;
                wait = due.checked_duration_since(Instant::now()).filter(|w| !w.is_zero())?;
            }
        }
    }
}

fn classify<B>(mut error: TrySendError<Request<B>>, reused: bool) -> AttemptError {
    let delivery = match error.take_message() {
        Some(_) => Delivery::No,
        None => Delivery::Maybe,
    };
    let source = error.into_error();
    if source.is_user() {
        AttemptError::Body(source)
    } else if source.is_parse() {
        AttemptError::Protocol(source)
    } else {
        AttemptError::Closed { delivery, reused, source }
    }
}

// === impl Lease ===

impl Lease {
    /// Reads what has come of the answer's body, which is waited for.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Sender::H1(h1) = &mut self.sender {
            h1.drive(cx);
        }
    }

    /// The request is still being sent: that goes on though the client may not take the answer.
    pub(crate) fn detach(&mut self) {
        if let Sender::H1(h1) = &mut self.sender {
            h1.detach();
        }
    }

    /// A body of `length` bytes around hyper, if it came to a socket. `is_kept`: the upstream did
    /// not say that it closes the connection.
    pub(crate) fn splice(
        &mut self,
        incoming: &mut Incoming,
        length: u64,
        client: &ConnHandle,
        is_kept: bool,
    ) -> Option<Rest> {
        let Sender::H1(h1) = &mut self.sender else { return None };
        let (upstream, peer, idle) = (self.upstream, self.peer, self.idle);
        Rest::of(h1, incoming, length, client, Home { upstream, peer, idle, is_kept })
    }

    /// The answer's body has ended: the connection may serve another request.
    pub(crate) fn release(self) {
        if let Sender::H1(h1) = self.sender {
            pool::keep(self.upstream, h1, self.peer, self.idle);
        }
    }
}

// === impl AttemptError ===

impl AttemptError {
    /// Whether the upstream can have seen the request.
    pub(crate) fn delivery(&self) -> Delivery {
        match self {
            AttemptError::Connect(_) | AttemptError::Full(_) | AttemptError::Target(_) => {
                Delivery::No
            }
            AttemptError::Closed { delivery, .. } => *delivery,
            _ => Delivery::Maybe,
        }
    }

    /// The ordinary race: we used a connection that the upstream was closing.
    pub(crate) fn is_stale_connection(&self) -> bool {
        matches!(self, AttemptError::Closed { reused: true, .. })
    }

    /// A deadline passed.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, AttemptError::Timeout(_) | AttemptError::Connect(ConnectError::Timeout(_)))
    }

    /// The stable name for metrics, spans and logs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            AttemptError::Connect(ConnectError::Timeout(_)) => "connect_timeout",
            AttemptError::Connect(ConnectError::Resolve(_)) => "name_not_resolved",
            AttemptError::Connect(ConnectError::Tcp(_)) => "connection_refused",
            AttemptError::Connect(ConnectError::Tls(_)) => "upstream_tls",
            AttemptError::Connect(ConnectError::Handshake(_)) => "upstream_protocol",
            AttemptError::Full(_) => "upstream_connections_max",
            AttemptError::Target(_) => "request_target",
            AttemptError::UnaskedUpgrade => "unasked_upgrade",
            AttemptError::Timeout(_) => "timeout",
            AttemptError::Closed { .. } => "connection_closed",
            AttemptError::Protocol(_) => "upstream_protocol",
            AttemptError::Body(_) => "request_body",
        }
    }
}
