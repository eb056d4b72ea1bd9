//! The way to one upstream: a short stack of services, each of which may give a copy up.

mod breaker;
mod deadline;
mod queue;
mod rate;

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use cutover_domain::{
    Upstream,
    exchange::{Budget, Copied, Dropped, Reserved},
};
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::Full;
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimit};

use self::{breaker::Breaker, deadline::Deadline, queue::Queue, rate::Rate};
use crate::{client::Client, config::Config};

/// A request on its way to an upstream.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request<Full<bytes::Bytes>>,
    /// The whole answer has to be there after this long.
    pub(crate) within: Duration,
    pub(crate) bounds: Bounds,
}

/// What an answer may hold.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// A longer body is a failure, in bytes.
    pub(crate) body_bytes_max: u64,
    /// Pays for what is kept of it.
    pub(crate) budget: Budget,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Copied,
    pub(crate) trailers: HeaderMap,
    /// From the call to the end of the answer.
    pub(crate) duration: Duration,
    /// Of the connection that it came by.
    pub(crate) version: Version,
    /// The other end of that connection.
    pub(crate) peer: Option<SocketAddr>,
    /// What the body holds of the budget, until the answer is dropped.
    pub(crate) _reserved: Reserved,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// For a reason of ours.
    #[error("given up: {}", .0.as_str())]
    Ours(Dropped),
    /// The upstream's own doing.
    #[error("the upstream failed: {}", .0.as_str())]
    Theirs(Fault),
}

/// How an upstream failed to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection: refused, unreachable, not resolved, TLS failed.
    Connect,
    /// No whole answer in time.
    Deadline,
    /// The connection ended before the answer did.
    Reset,
    /// What came is not HTTP, or its head is too long.
    Protocol,
    /// The body is longer than an answer's may be.
    Endless,
}

pub(crate) type Calling = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// The stack; a clone is one call's way through it.
pub(crate) type Stack = Queue<ConcurrencyLimit<Breaker<Deadline<Client>>>>;

/// The way to one upstream. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) upstream: Arc<Upstream>,
    rate: Arc<Rate>,
    stack: Stack,
    client: Client,
}

// === impl Lane ===

impl Lane {
    pub(crate) fn new(upstream: &Upstream, config: &Config) -> Lane {
        let upstream = Arc::new(upstream.clone());
        let client = Client::new(Arc::clone(&upstream));
        let stack = ServiceBuilder::new()
            .layer_fn(|inner| Queue::new(inner, config.queue_max))
            .concurrency_limit(config.concurrency_max)
            .layer_fn(Breaker::new)
            .layer_fn(Deadline::new)
            .service(client.clone());
        Lane { upstream, rate: Arc::default(), stack, client }
    }

    /// Whether the candidate may have one more copy of this subject now.
    pub(crate) fn admits(&self, subject: u64, per_second_max: Option<u32>) -> bool {
        per_second_max.is_none_or(|max| self.rate.admits(Instant::now(), subject, max))
    }

    /// Waits for a turn.
    pub(crate) async fn ready(&self) -> Result<Stack, Dropped> {
        let mut stack = self.stack.clone();
        match stack.ready().await {
            Ok(_) => Ok(stack),
            Err(Failure::Ours(reason)) => Err(reason),
            // Nothing in the stack fails so before it is called.
            Err(Failure::Theirs(_)) => Err(Dropped::Breaker),
        }
    }

    /// A turn, if there is one at once.
    pub(crate) fn ready_now(&self) -> Option<Stack> {
        let mut stack = self.stack.clone();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match stack.poll_ready(&mut context) {
            std::task::Poll::Ready(Ok(())) => Some(stack),
            _ => None,
        }
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        self.client.sweep();
    }
}

// === impl Failure ===

impl Failure {
    /// A word for logs and traces.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Failure::Ours(reason) => reason.as_str(),
            Failure::Theirs(fault) => fault.as_str(),
        }
    }
}

// === impl Fault ===

impl Fault {
    /// Every fault.
    pub(crate) const ALL: [Fault; 5] =
        [Fault::Connect, Fault::Deadline, Fault::Reset, Fault::Protocol, Fault::Endless];

    /// A word for logs and clusters.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Fault::Connect => "connect",
            Fault::Deadline => "deadline",
            Fault::Reset => "reset",
            Fault::Protocol => "protocol",
            Fault::Endless => "over_cap",
        }
    }
}

#[cfg(test)]
mod tests;
