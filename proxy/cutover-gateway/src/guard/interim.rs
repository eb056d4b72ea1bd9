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
        let waker = self.0.interim.lock().push(head, self.0.answered())?;
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
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// The front head is partly written: nothing else may go out before its rest.
    begun: bool,
    gone: bool,
    /// The connection's task; kept while it flushes, woken by a push.
    connection: Option<Waker>,
    drained: Option<Waker>,
}

#[derive(Debug)]
struct Waiting {
    head: Bytes,
    /// How many answers had ended when it was queued: it belongs to the next one.
    after: u64,
}

impl Interim {
    fn push(&mut self, head: Bytes, after: u64) -> Result<Option<Waker>, InterimRefused> {
        if self.gone {
            return Err(InterimRefused::Gone);
        }
        let bytes = self.waiting_bytes + head.len();
        if self.waiting.len() >= WAITING_MAX || bytes > WAITING_BYTES_MAX {
            return Err(InterimRefused::Full);
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(Waiting { head, after });
        Ok(self.connection.take())
    }

    fn poll_drained(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.gone || self.waiting.is_empty() {
            return Poll::Ready(());
        }
        self.drained = Some(cx.waker().clone());
        Poll::Pending
    }

    /// What to write while hyper holds nothing unwritten and `answered`
    /// answers have ended; registers the connection's task if nothing waits.
    pub(super) fn at_flush(&mut self, cx: &Context<'_>, answered: u64) -> Option<Bytes> {
        while !self.begun && self.waiting.front().is_some_and(|front| front.after < answered) {
            self.pop();
        }
        if self.waiting.is_empty()
            && !self.connection.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.connection = Some(cx.waker().clone());
        }
        self.waiting.front().map(|front| front.head.clone())
    }

    /// What to write before bytes of hyper's, `on_wire` answers having left
    /// whole: the rest of what was begun, and what belongs to the very answer
    /// that these bytes begin.
    pub(super) fn before_write(&self, on_wire: u64) -> Option<Bytes> {
        let front = self.waiting.front()?;
        (self.begun || front.after == on_wire).then(|| front.head.clone())
    }

    /// `count` bytes of the front head were written.
    pub(super) fn advance(&mut self, count: usize) {
        let Some(front) = self.waiting.front_mut() else {
            return;
        };
        front.head.advance(count);
        self.waiting_bytes -= count;
        self.begun = front.head.has_remaining();
        if !self.begun {
            self.pop();
        }
    }

    /// Takes no more; whoever waits is let go.
    pub(super) fn close(&mut self) {
        self.gone = true;
        self.begun = false;
        self.connection = None;
        while !self.waiting.is_empty() {
            self.pop();
        }
        self.waiting = VecDeque::new();
    }

    fn pop(&mut self) {
        if let Some(front) = self.waiting.pop_front() {
            self.waiting_bytes -= front.head.len();
        }
        if self.waiting.is_empty()
            && let Some(waker) = self.drained.take()
        {
            waker.wake();
        }
    }
}
