//! Writing what hyper does not: interim answers, our own refusals, the linger.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::super::Phase;
use super::super::interim::Interim;
use super::{Closing, Guarded, Stage};
use crate::splice;

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// What is left of our own answer; `None` if hyper answers.
    pub(super) fn own_answer(&self) -> Option<Bytes> {
        match &self.stage {
            Stage::HeadRefused { own, .. } => own.clone(),
            _ => None,
        }
    }

    pub(super) fn write_stream(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(done) => {
                self.clocks.on_write();
                Poll::Ready(done)
            }
            Poll::Pending => self.wait_write(cx),
        }
    }

    /// Writes what is before the stand-in `at` a position, or what it stands for.
    pub(super) fn write_spliced(
        &self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
        at: usize,
    ) -> Poll<io::Result<usize>>
    where
        S: 'static,
    {
        let Some(client) = splice::socket(&self.stream) else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        match pieces.split_at(at) {
            ([], from) => self.shared.0.conduit.lock().poll_drain(client, cx, from[0].len()),
            (before, _) => splice::poll_write_before(client, cx, before),
        }
    }

    pub(super) fn write_own_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    pub(super) fn write_interim(
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

    pub(super) fn write_interim_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let on_wire = self.answered_on_wire;
        self.write_interim(cx, |interim, _| interim.before_write(on_wire))
    }

    /// Whether the client may still be sending what nobody will read.
    pub(super) fn must_linger(&self) -> bool {
        matches!(self.scanner.phase(), Phase::Head | Phase::Body | Phase::Refused)
            && !self.linger.is_zero()
    }

    pub(super) fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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
