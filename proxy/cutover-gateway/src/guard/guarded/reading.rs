//! Reading: what may pass goes on, what must wait is kept, the rest is refused.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::super::answer::{self, INVALID_HEAD};
use super::super::{Phase, Refusal, Scan};
use super::{BodyFault, Guarded, Stage};

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    pub(super) fn poll_stage(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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

    pub(super) fn refuse(&mut self, reason: Refusal, in_body: bool) {
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
}
