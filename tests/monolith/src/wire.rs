//! The accepted connection: a TCP stream that can be cut and that gives up on dead readers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may refuse to read before the connection is given up.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
const UNLIMITED: u64 = u64::MAX;

/// Set by a fault: how many bytes may still be written on the connection.
pub(crate) struct CutSwitch(AtomicU64);

impl Default for CutSwitch {
    fn default() -> CutSwitch {
        CutSwitch(AtomicU64::new(UNLIMITED))
    }
}

impl CutSwitch {
    /// Forgets an earlier [`CutSwitch::arm`].
    pub(crate) fn disarm(&self) {
        self.0.store(UNLIMITED, Ordering::Relaxed);
    }

    /// Lets `bytes` more out, then breaks the connection.
    pub(crate) fn arm(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

/// A connection under hyper.
pub(crate) struct Wire {
    stream: TcpStream,
    switch: Arc<CutSwitch>,
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, switch: Arc<CutSwitch>) -> Wire {
        Wire { stream, switch, stall: Box::pin(sleep(WRITE_STALL_MAX)), is_stalled: false }
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
            self.stall.as_mut().reset(Instant::now() + WRITE_STALL_MAX);
        }
        ready!(self.stall.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.switch.0.load(Ordering::Relaxed);
        if left == 0 {
            let cut = io::Error::new(io::ErrorKind::ConnectionReset, "cut off by a fault");
            return Poll::Ready(Err(cut));
        }
        let allowed = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let write = Pin::new(&mut self.stream).poll_write(cx, &bytes[..allowed]);
        let write = self.watch(cx, write);
        if let (Poll::Ready(Ok(written)), true) = (&write, left != UNLIMITED) {
            self.switch.0.store(left - *written as u64, Ordering::Relaxed);
        }
        write
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
