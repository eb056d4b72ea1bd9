//! Request bodies on their way to an upstream, streamed and, within bounds, sent again.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::Sleep;

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
    /// Attempts so far; only the latest may read.
    attempt: u32,
    /// How long the client may send nothing; `None`: somebody else watches.
    idle: Option<Duration>,
    patience: Option<Pin<Box<Sleep>>>,
}

/// Why a request body did not reach its end. Always the client's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the client went away or broke the framing of its body")]
    Broken,
    #[error("the body is longer than this listener takes")]
    TooLong,
    #[error("the body stood still for too long")]
    Stalled,
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
    /// Waits for the upstream's `100 Continue`.
    gate: Option<Continue>,
}

/// Opens when a body may be sent to an upstream that was asked with `Expect: 100-continue`.
#[derive(Clone, Default)]
pub(crate) struct Continue(Arc<Mutex<(bool, Option<Waker>)>>);

// === impl Continue ===

impl Continue {
    /// The upstream wants the body, or we have waited for long enough.
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

// === impl Upload ===

impl Upload {
    /// Takes over a client's body. Up to `replay_bytes_max` of it are kept for another attempt.
    pub(crate) fn new(
        incoming: Incoming,
        replay_bytes_max: usize,
        bytes_max: u64,
        idle: Option<Duration>,
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
            idle,
            patience: None,
        })))
    }

    /// The body for one more attempt; `None` if what was read is no longer kept.
    pub(crate) fn attempt(&self, gate: Option<Continue>) -> Option<Outgoing> {
        let mut shared = self.0.lock();
        if shared.overflown || shared.fault.is_some() {
            return None;
        }
        shared.attempt += 1;
        let attempt = shared.attempt;
        let upload = self.clone();
        let sending =
            Sending { upload, attempt, position: 0, sent_bytes: 0, trailers_sent: false, gate };
        Some(Outgoing::Upload(Box::new(sending)))
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
            Poll::Pending => return self.poll_patience(cx),
            Poll::Ready(None) => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(_))) => return self.fail(BodyFault::Broken),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        if let Some(data) = frame.data_ref() {
            self.read_bytes += data.len() as u64;
            if self.read_bytes > self.bytes_max {
                return self.fail(BodyFault::TooLong);
            }
            self.see(data.clone());
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
        self.progress = Instant::now();
        self.ended = self.incoming.is_end_stream();
        Poll::Ready(Some(Ok(frame)))
    }

    /// The client sends nothing: how long may it?
    fn poll_patience<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, BodyFault>>> {
        let Some(idle) = self.idle else {
            return Poll::Pending;
        };
        let progress = self.progress;
        let sleep = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until((progress + idle).into())));
        while sleep.as_mut().poll(cx).is_ready() {
            let due = progress + idle;
            if due <= Instant::now() {
                return self.fail(BodyFault::Stalled);
            }
            sleep.as_mut().reset(due.into());
        }
        Poll::Pending
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

// === impl Sending ===

impl Sending {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(gate) = &self.gate {
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
