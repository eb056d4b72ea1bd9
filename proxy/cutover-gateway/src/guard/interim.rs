//! Interim (1xx) answers: hyper's server cannot send them, so they wait here
//! and [`Guarded`](super::Guarded) writes them when hyper flushes, that is,
//! when nothing of an earlier answer is left unwritten.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use http::{HeaderMap, StatusCode};

use super::handle::Shared;

/// Heads that may wait at once on one connection.
const WAITING_MAX: usize = 16;
/// Their bytes in all.
const WAITING_BYTES_MAX: usize = 16 * 1024;

/// Queues interim answers for one connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct InterimHandle(pub(super) Arc<Shared>);

/// Why an interim answer was not queued. The final answer is not affected:
/// clients must do without interim ones (RFC 9110 §15.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InterimRefused {
    /// The client takes them too slowly: 16 heads or 16 KiB wait already.
    #[error("too many interim responses wait for the client")]
    Full,
    /// The connection has ended or speaks another protocol.
    #[error("the connection takes no interim responses any more")]
    Gone,
    /// The status is not 100 to 199, or is 101, which is a final answer.
    #[error("not an interim status")]
    NotInterim,
}

impl InterimHandle {
    /// Queues a ready-made head, from `HTTP/1.1 1xx` to its empty line.
    ///
    /// The caller must not send to HTTP/1.0 clients (RFC 9110 §15.2) and must
    /// await [`drained`](Self::drained) before it gives hyper the final answer.
    ///
    /// # Errors
    /// [`InterimRefused::Full`] or [`InterimRefused::Gone`]; the head is dropped.
    pub fn push(&self, head: Bytes) -> Result<(), InterimRefused> {
        let waker = self.0.interim.lock().push(head)?;
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Queues `status` with `headers`, as [`push`](Self::push).
    ///
    /// # Errors
    /// As `push`, and [`InterimRefused::NotInterim`].
    pub fn push_head(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), InterimRefused> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(InterimRefused::NotInterim);
        }
        self.push(render(status, headers))
    }

    /// Resolves when all queued heads are written or the connection is gone.
    pub fn drained(&self) -> Drained {
        Drained(self.0.clone())
    }
}

/// See [`InterimHandle::drained`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Drained(Arc<Shared>);

impl Future for Drained {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.interim.lock().poll_drained(cx)
    }
}

fn render(status: StatusCode, headers: &HeaderMap) -> Bytes {
    let mut head = String::with_capacity(64);
    let reason = status.canonical_reason().unwrap_or("");
    let _ = write!(head, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    let mut head = head.into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// The queue proper, behind the connection's lock.
#[derive(Debug, Default)]
pub(super) struct Interim {
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// The front head is partly written: nothing else may go out before its rest.
    begun: bool,
    gone: bool,
    /// The connection's task; kept while it flushes, woken by a push.
    connection: Option<Waker>,
    drained: Option<Waker>,
}

impl Interim {
    fn push(&mut self, head: Bytes) -> Result<Option<Waker>, InterimRefused> {
        if self.gone {
            return Err(InterimRefused::Gone);
        }
        let bytes = self.waiting_bytes + head.len();
        if self.waiting.len() >= WAITING_MAX || bytes > WAITING_BYTES_MAX {
            return Err(InterimRefused::Full);
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(head);
        Ok(self.connection.take())
    }

    fn poll_drained(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.gone || self.waiting.is_empty() {
            return Poll::Ready(());
        }
        self.drained = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The bytes to write next; registers the connection's task if none.
    pub(super) fn next(&mut self, cx: &Context<'_>) -> Option<Bytes> {
        if self.waiting.is_empty()
            && !self.connection.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.connection = Some(cx.waker().clone());
        }
        self.waiting.front().cloned()
    }

    /// The rest of a head that is partly written.
    pub(super) fn rest(&self) -> Option<Bytes> {
        self.begun.then(|| self.waiting.front().cloned())?
    }

    /// `count` bytes of the front head were written.
    pub(super) fn advance(&mut self, count: usize) -> Option<Waker> {
        let front = self.waiting.front_mut()?;
        front.advance(count);
        self.waiting_bytes -= count;
        self.begun = front.has_remaining();
        if !self.begun {
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() { self.drained.take() } else { None }
    }

    /// Takes no more; whoever waits is let go.
    pub(super) fn close(&mut self) -> Option<Waker> {
        self.gone = true;
        self.waiting = VecDeque::new();
        self.waiting_bytes = 0;
        self.begun = false;
        self.connection = None;
        self.drained.take()
    }
}
