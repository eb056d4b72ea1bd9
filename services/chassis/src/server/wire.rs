//! The accepted connection: a stream that gives up on dead readers and that a drill can cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

const UNLIMITED: u64 = u64::MAX;

/// What others may know of a connection and do to it.
#[derive(Clone, Debug)]
pub(crate) struct WireHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Bytes that may still be written.
    left: AtomicU64,
    has_read: AtomicBool,
}

/// A connection under hyper.
pub(crate) struct Wire<S> {
    stream: S,
    handle: WireHandle,
    stall_max: Duration,
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
}

// === impl WireHandle ===

impl Default for WireHandle {
    fn default() -> WireHandle {
        WireHandle(Arc::new(Shared {
            left: AtomicU64::new(UNLIMITED),
            has_read: AtomicBool::new(false),
        }))
    }
}

impl WireHandle {
    /// Lets `bytes` more out, then breaks the connection.
    pub(crate) fn arm(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// Whether the client has sent anything yet.
    pub(crate) fn has_read(&self) -> bool {
        self.0.has_read.load(Ordering::Relaxed)
    }
}

// === impl Wire ===

impl<S> Wire<S> {
    /// `stall_max`: how long the client may refuse to read before the connection is given up.
    pub(crate) fn new(stream: S, handle: WireHandle, stall_max: Duration) -> Wire<S> {
        Wire { stream, handle, stall_max, stall: Box::pin(sleep(stall_max)), is_stalled: false }
    }

    /// Turns a write that waits too long into an error.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.is_stalled = false;
            return write;
        }
        if !self.is_stalled {
            self.is_stalled = true;
            self.stall.as_mut().reset(Instant::now() + self.stall_max);
        }
        ready!(self.stall.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > filled {
            self.handle.0.has_read.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.handle.0.left.load(Ordering::Relaxed);
        if left == 0 {
            let error = io::Error::new(io::ErrorKind::ConnectionReset, "cut off by a drill");
            return Poll::Ready(Err(error));
        }
        let allowed = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let write = Pin::new(&mut self.stream).poll_write(cx, &bytes[..allowed]);
        if let (Poll::Ready(Ok(written)), true) = (&write, left != UNLIMITED) {
            self.handle.0.left.store(left - *written as u64, Ordering::Relaxed);
        }
        self.watch(cx, write)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shutdown)
    }
}
