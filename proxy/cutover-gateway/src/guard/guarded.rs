//! The scanner and the clocks around a stream, as a tokio stream for hyper.
//!
//! Bytes are read straight into hyper's buffer and judged there; what may not
//! pass is cut off before hyper learns of it. The guard holds no buffer but
//! for bytes that came too early behind an upgrade request.

mod reading;
mod waiting;
mod writing;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::clock::{Clock, Clocks};
use super::handle::{ConnHandle, Shared};
use super::{GuardConfig, GuardEvents, Phase, Refusal, Scanner};
use crate::{pieces, splice};

/// What a refused client may still send before the connection is cut, in bytes.
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// Puts the guard around one client's stream (plain or TLS). Wrap the result
/// in `hyper_util::rt::TokioIo` for hyper; give the handle to its service.
///
/// A body that is refused or too slow fails with an [`io::Error`] of kind
/// `InvalidData` or `TimedOut`; the service should then abort what it sent on,
/// without an end, and answer 400 or 408 if it has not begun to answer.
pub fn guard<S>(
    stream: S,
    config: &GuardConfig,
    events: Arc<dyn GuardEvents>,
) -> (Guarded<S>, ConnHandle) {
    let shared = Arc::new(Shared::default());
    let guarded = Guarded {
        stream,
        scanner: Scanner::new(config.limits),
        clocks: Clocks::new(config.timeouts),
        linger: config.timeouts.linger,
        sleep: None,
        stage: Stage::Open,
        closing: Closing::No,
        stash: Vec::new(),
        answered_on_wire: 0,
        shared: ClosesOnDrop(shared.clone()),
        events,
    };
    (guarded, ConnHandle(shared))
}

/// A guarded stream; made by [`guard`]. See the module's documentation.
pub struct Guarded<S> {
    stream: S,
    scanner: Scanner,
    clocks: Clocks,
    linger: std::time::Duration,
    /// The only timer; armed at the earliest deadline asked for and re-armed
    /// only when it fires, so that the usual request does not touch the wheel.
    sleep: Option<Pin<Box<Sleep>>>,
    stage: Stage,
    closing: Closing,
    /// Bytes read behind a request that may upgrade, in order.
    stash: Vec<u8>,
    /// Of the answers finished, how many had been flushed at the last flush.
    answered_on_wire: u64,
    shared: ClosesOnDrop,
    events: Arc<dyn GuardEvents>,
}

#[derive(Debug)]
enum Stage {
    Open,
    /// A head was refused: hyper gets the invalid head, from `marked` on, in
    /// its turn; then everything is thrown away. `own` is the answer written
    /// instead of hyper's, if nothing earlier is unanswered.
    HeadRefused {
        reason: Refusal,
        marked: usize,
        own: Option<Bytes>,
    },
    /// A body was refused or too slow: every read is this error.
    BodyRefused(io::ErrorKind, BodyFault),
    Tunnel,
}

#[derive(Debug, Clone, Copy, thiserror::Error)]
enum BodyFault {
    #[error("request body refused: {0}")]
    Refused(Refusal),
    #[error("request body too slow ({})", .0.code())]
    Slow(Clock),
}

/// Lets go whoever waits for interim answers when the connection ends.
struct ClosesOnDrop(Arc<Shared>);

#[derive(Debug, Clone, Copy)]
enum Closing {
    No,
    Linger { until: Instant, left: usize },
    Done,
}

// === impl Guarded ===

impl<S> Guarded<S> {
    /// The stream itself, for a tunnel after an upgrade, and the bytes that
    /// were read from it but not delivered.
    #[must_use]
    pub fn into_inner(self) -> (S, Vec<u8>) {
        (self.stream, self.stash)
    }

    /// Whether every request passed was answered and the answers are flushed.
    fn is_clean(&self) -> bool {
        self.answered_on_wire == self.scanner.heads()
    }

    /// What the client owes, if anything.
    fn waiting_phase(&self) -> Option<Phase> {
        match self.scanner.phase() {
            Phase::Idle if !self.is_clean() => None,
            phase => Some(phase),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_stage(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.own_answer().is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        ready!(this.write_interim_first(cx))?;
        this.write_stream(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.own_answer().is_some() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        ready!(this.write_interim_first(cx))?;
        let written = match splice::stand_in(bufs) {
            None => pieces::poll_write(&mut this.stream, cx, bufs),
            Some(at) => this.write_spliced(cx, bufs, at),
        };
        match written {
            Poll::Ready(done) => {
                this.clocks.on_write();
                Poll::Ready(done)
            }
            Poll::Pending => this.wait_write(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only when it holds nothing unwritten, so here is the gap
    /// between two answers.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_own_answer(cx))?;
        let answered = this.shared.0.answered();
        if !matches!(this.stage, Stage::Tunnel) {
            ready!(this.write_interim(cx, |interim, cx| interim.at_flush(cx, answered)))?;
        }
        match Pin::new(&mut this.stream).poll_flush(cx) {
            Poll::Ready(done) => done?,
            Poll::Pending => return this.wait_write(cx),
        }
        this.clocks.on_write();
        this.answered_on_wire = answered;
        this.start_idle_clock(cx);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Closing::No = this.closing {
            ready!(this.write_own_answer(cx))?;
            match Pin::new(&mut this.stream).poll_shutdown(cx) {
                Poll::Ready(done) => done?,
                Poll::Pending => return this.wait_write(cx),
            }
            this.closing = match this.must_linger() {
                true => {
                    Closing::Linger { until: Instant::now() + this.linger, left: LINGER_BYTES_MAX }
                }
                false => Closing::Done,
            };
        }
        ready!(this.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClosesOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded")
            .field("stream", &self.stream)
            .field("scanner", &self.scanner)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
