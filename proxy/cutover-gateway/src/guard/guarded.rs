//! The scanner and the clocks around a stream, as a tokio stream for hyper.
//!
//! Bytes are read straight into hyper's buffer and judged there; what may not
//! pass is cut off before hyper learns of it. The guard holds no buffer but
//! for bytes that came too early behind an upgrade request.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::answer::{self, INVALID_HEAD};
use super::clock::{Clock, Clocks, Wait};
use super::handle::{ConnHandle, Shared};
use super::interim::Interim;
use super::{GuardConfig, GuardEvents, Phase, Refusal, Scan, Scanner};

/// What a refused client may still send before the connection is cut, in bytes.
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// Puts the guard around one client's stream (plain or TLS). Wrap the result
/// in `hyper_util::rt::TokioIo` for hyper; give the handle to its service.
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

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    fn read_scanned(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.scanner.phase() == Phase::Held {
            match self.shared.0.poll_decision(cx) {
                Poll::Pending => return self.read_held(cx, buf),
                Poll::Ready(Phase::Tunnel) => return self.begin_tunnel(cx, buf),
                Poll::Ready(_) => self.scanner.resume(),
            }
        }
        let start = buf.filled().len();
        if self.stash.is_empty() {
            match Pin::new(&mut self.stream).poll_read(cx, buf) {
                Poll::Ready(done) => done?,
                Poll::Pending => return self.wait_read(cx, buf),
            }
        } else {
            self.unstash(buf);
        }
        if buf.filled().len() == start {
            return Poll::Ready(Ok(()));
        }
        self.judge(cx, buf, start)
    }

    /// Cuts off what may not pass of the bytes from `start` on.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        start: usize,
    ) -> Poll<io::Result<()>> {
        let fresh = &buf.filled()[start..];
        let before = self.scanner.heads();
        self.clocks.on_read(self.scanner.phase(), fresh.len(), Instant::now);
        let verdict = self.scanner.scan(fresh);
        let heads = self.scanner.heads();
        if heads != before {
            self.clocks.on_head();
            self.shared.0.passed(heads);
        }
        match verdict {
            Scan::Pass => Poll::Ready(Ok(())),
            Scan::Hold { at } => {
                // In order: an older stash is what follows these bytes.
                let early = fresh[at..].to_vec();
                self.stash.splice(..0, early);
                buf.set_filled(start + at);
                Poll::Ready(Ok(()))
            }
            Scan::Refuse { at, reason, in_body } => {
                buf.set_filled(start + at);
                self.refuse(reason, in_body);
                if at > 0 { Poll::Ready(Ok(())) } else { self.poll_stage(cx, buf) }
            }
        }
    }

    fn poll_stage(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &self.stage {
            Stage::Open => self.read_scanned(cx, buf),
            Stage::HeadRefused { .. } => self.read_refused(cx, buf),
            Stage::BodyRefused(kind, fault) => Poll::Ready(Err(io::Error::new(*kind, *fault))),
            Stage::Tunnel if !self.stash.is_empty() => {
                self.unstash(buf);
                Poll::Ready(Ok(()))
            }
            Stage::Tunnel => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }

    fn refuse(&mut self, reason: Refusal, in_body: bool) {
        self.scanner.refuse();
        self.stash = Vec::new();
        self.shared.0.set_refused(reason, in_body);
        self.events.refused(reason, in_body);
        self.stage = if in_body {
            Stage::BodyRefused(io::ErrorKind::InvalidData, BodyFault::Refused(reason))
        } else {
            Stage::HeadRefused { reason, marked: 0, own: None }
        };
    }

    /// Hands over the invalid head, then throws away what comes.
    fn read_refused(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let clean = self.is_clean();
        let is_head_method = self.scanner.is_head_method();
        let Stage::HeadRefused { reason, marked, own } = &mut self.stage else {
            return Poll::Pending;
        };
        let rest = &INVALID_HEAD[*marked..];
        if rest.is_empty() {
            return self.discard(cx, buf);
        }
        // From here on hyper has nothing to say but that the head is invalid;
        // our answer says why. With earlier requests unanswered it is left to
        // hyper, which keeps the order.
        if *marked == 0 && clean {
            *own = Some(answer::render(*reason, is_head_method));
        }
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        *marked += count;
        Poll::Ready(Ok(()))
    }

    fn discard(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buf.filled().len();
        for _ in 0..16 {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if buf.filled().len() == start {
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(start);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Until the upgrade is decided: one read at most, to see the client leave.
    fn read_held(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.stash.is_empty() {
            return Poll::Pending;
        }
        let start = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() == start {
            return Poll::Ready(Ok(()));
        }
        self.stash.extend_from_slice(&buf.filled()[start..]);
        buf.set_filled(start);
        Poll::Pending
    }

    fn begin_tunnel(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.scanner.tunnel();
        self.clocks.stop_read();
        self.stage = Stage::Tunnel;
        self.sleep = None;
        self.shared.0.close();
        self.poll_stage(cx, buf)
    }

    fn unstash(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.stash.len().min(buf.remaining());
        buf.put_slice(&self.stash[..count]);
        self.stash.drain(..count);
        if self.stash.is_empty() {
            self.stash = Vec::new();
        }
    }

    fn wait_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(phase) = self.waiting_phase() else {
            return Poll::Pending;
        };
        match self.clocks.wait_read(phase, Instant::now()) {
            Wait::Forever => Poll::Pending,
            Wait::Until(deadline) => {
                self.wake_at(cx, deadline);
                Poll::Pending
            }
            Wait::Expired(clock) => {
                self.events.expired(clock);
                self.read_expired(cx, buf, clock)
            }
        }
    }

    fn read_expired(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        clock: Clock,
    ) -> Poll<io::Result<()>> {
        match clock {
            Clock::Head => self.refuse(Refusal::HeadTimeout, false),
            Clock::Body | Clock::BodyRate => {
                self.scanner.refuse();
                self.stage = Stage::BodyRefused(io::ErrorKind::TimedOut, BodyFault::Slow(clock));
            }
            // An idle connection ends as if the client had closed it.
            Clock::Idle | Clock::Write => return Poll::Ready(Ok(())),
        }
        self.poll_stage(cx, buf)
    }

    fn wait_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if matches!(self.stage, Stage::Tunnel) {
            return Poll::Pending;
        }
        match self.clocks.wait_write(Instant::now()) {
            Wait::Forever => Poll::Pending,
            Wait::Until(deadline) => {
                self.wake_at(cx, deadline);
                Poll::Pending
            }
            Wait::Expired(clock) => {
                self.events.expired(clock);
                let text = "the client did not take its answer in time";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
        }
    }

    /// Has the task woken at `deadline` or earlier.
    fn wake_at(&mut self, cx: &mut Context<'_>, deadline: Instant) {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        if sleep.as_mut().poll(cx).is_pending() {
            return;
        }
        // It fired for an earlier deadline, which has moved since.
        sleep.as_mut().reset(deadline);
        if sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// hyper looks for a new head only once it is woken, so the idle clock
    /// starts where the last answer is known to have left.
    fn start_idle_clock(&mut self, cx: &mut Context<'_>) {
        let idle = self.scanner.phase() == Phase::Idle && self.is_clean();
        if !idle || self.clocks.is_idle_running() {
            return;
        }
        if let Wait::Until(deadline) = self.clocks.wait_read(Phase::Idle, Instant::now()) {
            self.wake_at(cx, deadline);
        }
    }

    /// What is left of our own answer; `None` if hyper answers.
    fn own_answer(&self) -> Option<Bytes> {
        match &self.stage {
            Stage::HeadRefused { own, .. } => own.clone(),
            _ => None,
        }
    }

    fn write_stream(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(done) => {
                self.clocks.on_write();
                Poll::Ready(done)
            }
            Poll::Pending => self.wait_write(cx),
        }
    }

    fn write_own_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.own_answer().filter(|rest| !rest.is_empty()) {
            let count = ready!(self.write_stream(cx, &rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Stage::HeadRefused { own: Some(own), .. } = &mut self.stage {
                own.advance(count);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the interim heads that `next` gives.
    fn write_interim(
        &mut self,
        cx: &mut Context<'_>,
        next: impl Fn(&mut Interim, &Context<'_>) -> Option<Bytes>,
    ) -> Poll<io::Result<()>> {
        loop {
            let head = next(&mut self.shared.0.interim.lock(), cx);
            let Some(head) = head else {
                return Poll::Ready(Ok(()));
            };
            let count = ready!(self.write_stream(cx, &head))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.shared.0.interim.lock().advance(count);
        }
    }

    fn write_interim_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let on_wire = self.answered_on_wire;
        self.write_interim(cx, |interim, _| interim.before_write(on_wire))
    }

    /// Whether the client may still be sending what nobody will read.
    fn must_linger(&self) -> bool {
        matches!(self.scanner.phase(), Phase::Head | Phase::Body | Phase::Refused)
            && !self.linger.is_zero()
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        while let Closing::Linger { until, left } = self.closing {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if (1..left).contains(&buf.filled().len()) => {
                    self.closing = Closing::Linger { until, left: left - buf.filled().len() };
                }
                Poll::Pending if Instant::now() < until => {
                    self.wake_at(cx, until);
                    return Poll::Pending;
                }
                _ => self.closing = Closing::Done,
            }
        }
        Poll::Ready(())
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

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
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
        match Pin::new(&mut this.stream).poll_write_vectored(cx, bufs) {
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
