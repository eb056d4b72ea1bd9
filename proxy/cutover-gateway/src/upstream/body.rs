//! Request bodies on their way to an upstream, streamed and, within bounds, sent again.

use std::{
    error::Error as _,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use cutover_domain::exchange::{Copied, Dropped, Reserved};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::Sleep;

use crate::guard::{Clocks, Phase, Timeouts, Wait, check_trailers};
use crate::tee::BodyCopy;

/// How long a body waits for an upstream's `100 Continue` (RFC 9110 §10.1.1).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// What an upstream is sent as body.
pub(crate) enum Outgoing {
    /// Nothing.
    Empty,
    /// What the client sends.
    Upload(Box<Sending>),
}

/// The body of one request, shared by its attempts.
#[derive(Clone)]
pub(crate) struct Upload(Arc<Mutex<Shared>>);

struct Shared {
    incoming: Incoming,
    /// Size as the client declared it.
    hint: SizeHint,
    /// What has been read, while it can be sent again.
    seen: Vec<Bytes>,
    seen_bytes: usize,
    seen_bytes_max: usize,
    /// More was read than is kept.
    overflown: bool,
    read_bytes: u64,
    bytes_max: u64,
    trailers: Option<HeaderMap>,
    progress: Instant,
    ended: bool,
    fault: Option<BodyFault>,
    /// Attempts given up so far; only the one after them may read.
    attempt: u32,
    /// Its copy for the other side, if there is to be one.
    copy: Option<BodyCopy>,
    /// `None`: somebody else watches the client, or nobody needs to any more.
    watch: Option<Box<Watch>>,
}

/// The clocks of a client's body that no guard sees.
struct Watch {
    clocks: Clocks,
    sleep: Pin<Box<Sleep>>,
}

/// Why a request body did not reach its end. Always the client's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the client went away or broke the framing of its body")]
    Broken,
    #[error("the body is longer than this listener takes")]
    TooLong,
    #[error("the body came too slowly")]
    Slow,
    #[error("another attempt took over")]
    Superseded,
}

/// One attempt's reading of an [`Upload`].
pub(crate) struct Sending {
    upload: Upload,
    attempt: u32,
    /// Chunks of [`Shared::seen`] that were sent already.
    position: usize,
    sent_bytes: u64,
    trailers_sent: bool,
    gate: Option<Gate>,
}

/// Waits for the upstream's `100 Continue`, though not for long.
struct Gate {
    opened: Continue,
    waited: Pin<Box<Sleep>>,
}

/// Opens when a body may be sent to an upstream that was asked with `Expect: 100-continue`.
#[derive(Clone, Default)]
pub(crate) struct Continue(Arc<Mutex<(bool, Option<Waker>)>>);

// === impl Continue ===

impl Continue {
    /// The upstream wants the body.
    pub(crate) fn open(&self) {
        let waker = {
            let mut gate = self.0.lock();
            gate.0 = true;
            gate.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut gate = self.0.lock();
        if gate.0 {
            return Poll::Ready(());
        }
        gate.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

// === impl Gate ===

impl Gate {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.opened.poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => self.waited.as_mut().poll(cx),
        }
    }
}

// === impl Upload ===

impl Upload {
    /// Takes over a client's body. Up to `replay_bytes_max` of it are kept for another attempt.
    /// `timeouts`: how slow the client may be; `None` if the guard watches it.
    pub(crate) fn new(
        incoming: Incoming,
        replay_bytes_max: usize,
        bytes_max: u64,
        timeouts: Option<Timeouts>,
    ) -> Upload {
        Upload(Arc::new(Mutex::new(Shared {
            hint: incoming.size_hint(),
            incoming,
            seen: Vec::new(),
            seen_bytes: 0,
            seen_bytes_max: replay_bytes_max,
            overflown: false,
            read_bytes: 0,
            bytes_max,
            trailers: None,
            progress: Instant::now(),
            ended: false,
            fault: None,
            attempt: 0,
            copy: None,
            watch: timeouts.map(Watch::new),
        })))
    }

    /// The body for an attempt; a later one takes [`Upload::take_back`] first.
    pub(crate) fn attempt(&self, gate: Option<Continue>) -> Outgoing {
        let sleep = || Box::pin(tokio::time::sleep(CONTINUE_WAIT));
        Outgoing::Upload(Box::new(Sending {
            upload: self.clone(),
            attempt: self.0.lock().attempt,
            position: 0,
            sent_bytes: 0,
            trailers_sent: false,
            gate: gate.map(|opened| Gate { opened, waited: sleep() }),
        }))
    }

    /// Copies what is read from now on.
    pub(crate) fn copy_to(&self, copy: BodyCopy) {
        self.0.lock().copy = Some(copy);
    }

    /// The copy, and what it holds of the budget; `None` if there was to be none.
    pub(crate) fn take_copy(&self) -> Option<Result<(Bytes, Reserved), Dropped>> {
        let copy = self.0.lock().copy.take()?;
        Some(copy.end().and_then(|(copied, reserved)| match copied {
            Copied::Whole(body) => Ok((body, reserved)),
            Copied::Digest { .. } => Err(Dropped::OverCap),
        }))
    }

    /// Takes it away from the attempt that has it, which reads no more.
    pub(crate) fn take_back(&self) {
        self.0.lock().attempt += 1;
    }

    /// The answer has begun: a client that is silent from now on listens (gRPC streams both ways).
    pub(crate) fn answered(&self) {
        self.0.lock().watch = None;
    }

    /// Whether the client has sent all of it.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.lock().ended
    }

    /// Why reading it failed, if it did.
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        self.0.lock().fault
    }

    /// Whether all that was read is kept, so that it can be sent again.
    pub(crate) fn can_repeat(&self) -> bool {
        let shared = self.0.lock();
        !shared.overflown && shared.fault.is_none()
    }

    /// When the client last sent a piece of it.
    pub(crate) fn progress(&self) -> Instant {
        self.0.lock().progress
    }

    /// Bytes read so far, framing excluded.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.0.lock().read_bytes
    }
}

// === impl Shared ===

impl Shared {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Pending => return self.poll_watch(cx),
            Poll::Ready(None) => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(error))) => return self.fail(BodyFault::of(&error)),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        if let Some(data) = frame.data_ref() {
            self.read_bytes += data.len() as u64;
            if self.read_bytes > self.bytes_max {
                return self.fail(BodyFault::TooLong);
            }
            if let Some(copy) = &mut self.copy {
                copy.pass(data);
            }
            self.see(data.clone());
            if let Some(watch) = &mut self.watch {
                watch.clocks.on_read(Phase::Body, data.len(), tokio::time::Instant::now);
            }
        } else if let Some(trailers) = frame.trailers_ref() {
            if check_trailers(trailers).is_err() {
                return self.fail(BodyFault::Broken);
            }
            self.trailers = Some(trailers.clone());
        }
        self.progress = Instant::now();
        self.ended = self.incoming.is_end_stream();
        Poll::Ready(Some(Ok(frame)))
    }

    /// The client sends nothing: how long may it?
    fn poll_watch<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, BodyFault>>> {
        match self.watch.as_mut().map(|watch| watch.poll(cx)) {
            Some(Poll::Ready(())) => self.fail(BodyFault::Slow),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }

    fn see(&mut self, data: Bytes) {
        if self.overflown {
            return;
        }
        self.seen_bytes += data.len();
        if self.seen_bytes > self.seen_bytes_max {
            self.overflown = true;
            self.seen = Vec::new();
        } else {
            self.seen.push(data);
        }
    }

    fn fail<T>(&mut self, fault: BodyFault) -> Poll<Option<Result<T, BodyFault>>> {
        self.fault = Some(fault);
        Poll::Ready(Some(Err(fault)))
    }
}

// === impl BodyFault ===

impl BodyFault {
    /// What became of a body whose reading failed; the guard says if it was too slow.
    fn of(error: &hyper::Error) -> BodyFault {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause.map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => BodyFault::Slow,
            _ => BodyFault::Broken,
        }
    }
}

// === impl Watch ===

impl Watch {
    fn new(timeouts: Timeouts) -> Box<Watch> {
        let clocks = Clocks::new(timeouts);
        Box::new(Watch { clocks, sleep: Box::pin(tokio::time::sleep(timeouts.body)) })
    }

    /// Ready once the client was too slow. To be polled whenever it is waited for.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.clocks.wait_read(Phase::Body, tokio::time::Instant::now()) {
                Wait::Forever => return Poll::Pending,
                Wait::Expired(_) => return Poll::Ready(()),
                Wait::Until(deadline) => self.sleep.as_mut().reset(deadline),
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

// === impl Sending ===

impl Sending {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(gate) = &mut self.gate {
            if gate.poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.gate = None;
        }
        let mut shared = self.upload.0.lock();
        if shared.attempt != self.attempt {
            return Poll::Ready(Some(Err(BodyFault::Superseded)));
        }
        let again = shared.seen.get(self.position).cloned();
        let frame = match again {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if shared.ended => {
                let trailers = shared.trailers.clone().filter(|_| !self.trailers_sent);
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            None => shared.poll_read(cx),
        };
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            match frame.data_ref() {
                Some(data) => {
                    self.position += 1;
                    self.sent_bytes += data.remaining() as u64;
                }
                None => self.trailers_sent = true,
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.upload.0.lock();
        self.gate.is_none()
            && shared.ended
            && (shared.trailers.is_none() || self.trailers_sent)
            && (shared.overflown || self.position >= shared.seen.len())
    }

    fn size_hint(&self) -> SizeHint {
        let hint = &self.upload.0.lock().hint;
        match hint.exact() {
            Some(bytes) => SizeHint::with_exact(bytes.saturating_sub(self.sent_bytes)),
            None => SizeHint::new(),
        }
    }
}

// === impl Outgoing ===

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.get_mut() {
            Outgoing::Empty => Poll::Ready(None),
            Outgoing::Upload(sending) => sending.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Empty => true,
            Outgoing::Upload(sending) => sending.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Empty => SizeHint::with_exact(0),
            Outgoing::Upload(sending) => sending.size_hint(),
        }
    }
}
