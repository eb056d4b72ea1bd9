//! Waiting for the client: one timer for all clocks.

use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::super::clock::{Clock, Wait};
use super::super::{Phase, Refusal};
use super::{BodyFault, Guarded, Stage};

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    pub(super) fn wait_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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

    pub(super) fn wait_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
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
    pub(super) fn wake_at(&mut self, cx: &mut Context<'_>, deadline: Instant) {
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
    pub(super) fn start_idle_clock(&mut self, cx: &mut Context<'_>) {
        let idle = self.scanner.phase() == Phase::Idle && self.is_clean();
        if !idle || self.clocks.is_idle_running() {
            return;
        }
        if let Wait::Until(deadline) = self.clocks.wait_read(Phase::Idle, Instant::now()) {
            self.wake_at(cx, deadline);
        }
    }
}
