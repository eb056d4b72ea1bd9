//! What clients get: an upstream's answer as it streams, or a short one of ours.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::{
    exchange::{Ending, Exchange},
    streams::Stream,
};
use crate::upstream::{Lease, Rest, WaitsFor};

/// The body of an answer. Whatever becomes of it, its exchange is closed exactly once.
pub(crate) struct Answer {
    content: Content,
    exchange: Option<Box<Exchange>>,
    /// Its head speaks of a length that it has not, as a 304's may (RFC 9110 §8.6). hyper keeps
    /// such a field only if there might be a body.
    claims_length: bool,
}

enum Content {
    /// Ours, complete.
    Text(Bytes),
    /// The upstream's, streaming.
    Upstream(Box<Streaming>),
}

struct Streaming {
    source: Source,
    idle: Duration,
    /// Since when the upstream has been waited for; `None` while it is the client who is slow.
    waiting_since: Option<Instant>,
    /// The upstream broke off; told once what came before has left.
    is_broken: bool,
    /// Armed only once the upstream has let us wait, re-armed only when it fires.
    patience: Option<Pin<Box<Sleep>>>,
}

/// Where an upstream's body comes from.
pub(crate) enum Source {
    /// hyper reads it; the lease is there until it has ended.
    Hyper(Incoming, Option<Lease>),
    /// From the socket.
    Rest(Rest),
}

/// The answer broke off; hyper cuts the connection or resets the stream, so that the client sees
/// it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokenOff {
    #[error("the upstream's answer broke off")]
    Upstream,
    #[error("the upstream fell silent within its answer")]
    Timeout,
}

// === impl Answer ===

impl Answer {
    /// A short text of ours, which says what happened and a code to look up.
    pub(crate) fn text(
        status: StatusCode,
        code: &str,
        message: &str,
        exchange: Option<Box<Exchange>>,
    ) -> Response<Answer> {
        let text = Bytes::from(format!("{message} ({code})\n"));
        let length = HeaderValue::from(text.len());
        let answer = Answer { content: Content::Text(text), exchange, claims_length: false };
        answer.stream(|stream| stream.given(Instant::now()));
        let mut response = Response::new(answer);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CONTENT_LENGTH, length);
        response
    }

    /// Nothing; for answers whose meaning is their head.
    pub(crate) fn empty(exchange: Option<Box<Exchange>>) -> Answer {
        Answer { content: Content::Text(Bytes::new()), exchange, claims_length: false }
    }

    /// An upstream's body as it comes.
    pub(crate) fn streaming(source: Source, idle: Duration, exchange: Box<Exchange>) -> Answer {
        let mut answer = Answer {
            content: Content::Upstream(Box::new(Streaming {
                source,
                idle,
                waiting_since: None,
                is_broken: false,
                patience: None,
            })),
            exchange: Some(exchange),
            claims_length: false,
        };
        // A client that opens no window is never seen to take anything.
        answer.stream(|stream| stream.given(Instant::now()));
        // hyper does not poll a body that has already ended.
        answer.close_if_ended();
        answer
    }

    /// The same, of a 304 whose head says how long the body would be.
    pub(crate) fn claiming_length(mut self) -> Answer {
        self.claims_length = true;
        self
    }

    fn close(&mut self, ending: Ending) {
        if let Some(exchange) = self.exchange.take() {
            exchange.close(ending);
        }
    }

    fn close_if_ended(&mut self) {
        if let Content::Upstream(streaming) = &mut self.content
            && streaming.source.has_ended()
        {
            streaming.source.release();
            self.close(Ending::Complete);
        }
    }

    fn has_ended(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.is_empty(),
            Content::Upstream(streaming) => streaming.source.has_ended(),
        }
    }

    fn stream(&self, note: impl Fn(&Stream)) {
        if let Some(stream) = self.exchange.as_ref().and_then(|exchange| exchange.stream.as_ref()) {
            note(stream);
        }
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        if let Some(data) = frame.data_ref() {
            exchange.bytes_out += data.remaining() as u64;
        }
        if let Some(copying) = &mut exchange.copying {
            match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => copying.data(data),
                (None, Some(trailers)) => copying.trailers(trailers),
                (None, None) => {}
            }
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Text(text) if text.is_empty() => None,
            Content::Text(text) => Some(Ok(Frame::data(std::mem::take(text)))),
            Content::Upstream(streaming) => match streaming.poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    this.stream(Stream::taken);
                    return Poll::Pending;
                }
            },
        };
        match &frame {
            Some(Ok(frame)) => {
                this.stream(|stream| stream.given(Instant::now()));
                this.count(frame);
                this.close_if_ended();
            }
            Some(Err(BrokenOff::Upstream)) => this.close(Ending::BrokenOff),
            Some(Err(BrokenOff::Timeout)) => this.close(Ending::Timeout),
            None => {
                if let Content::Upstream(streaming) = &mut this.content {
                    streaming.source.release();
                }
                this.close(Ending::Complete);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.claims_length && self.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            _ if self.claims_length => SizeHint::new(),
            Content::Text(text) => SizeHint::with_exact(text.len() as u64),
            Content::Upstream(streaming) => match &streaming.source {
                Source::Hyper(incoming, _) => incoming.size_hint(),
                Source::Rest(rest) => SizeHint::with_exact(rest.length()),
            },
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let complete = self.has_ended();
        self.close(if complete { Ending::Complete } else { Ending::ClientGone });
    }
}

// === impl Streaming ===

impl Streaming {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.is_broken {
            return Poll::Ready(Some(Err(BrokenOff::Upstream)));
        }
        let frame = match self.source.poll_frame(cx) {
            Ok(frame) => frame,
            Err(WaitsFor::Source) => return self.poll_patience(cx),
            Err(WaitsFor::Client) => {
                self.waiting_since = None;
                return Poll::Pending;
            }
        };
        match frame {
            Some(Err(BrokenOff::Upstream)) => {
                // hyper writes out what it has only when it has to wait, and nothing after an error.
                self.is_broken = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                self.waiting_since = None;
                Poll::Ready(frame)
            }
        }
    }

    fn poll_patience<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, BrokenOff>>> {
        let due = *self.waiting_since.get_or_insert_with(Instant::now) + self.idle;
        let sleep =
            (self.patience).get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
        while sleep.as_mut().poll(cx).is_ready() {
            if due <= Instant::now() {
                return Poll::Ready(Some(Err(BrokenOff::Timeout)));
            }
            sleep.as_mut().reset(due.into());
        }
        Poll::Pending
    }
}

// === impl Source ===

impl Source {
    /// The next frame, `None` at the end; or whom it waits for.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Option<Result<Frame<Bytes>, BrokenOff>>, WaitsFor> {
        match self {
            Source::Hyper(incoming, lease) => {
                let mut frame = Pin::new(&mut *incoming).poll_frame(cx);
                if frame.is_pending()
                    && let Some(lease) = lease
                {
                    lease.drive(cx);
                    frame = Pin::new(incoming).poll_frame(cx);
                }
                match frame {
                    Poll::Ready(frame) => {
                        Ok(frame.map(|frame| frame.map_err(|_| BrokenOff::Upstream)))
                    }
                    Poll::Pending => Err(WaitsFor::Source),
                }
            }
            Source::Rest(rest) if rest.length() == 0 => Ok(None),
            Source::Rest(rest) => match rest.poll_data(cx) {
                Ok(data) => Ok(Some(Ok(Frame::data(data?)))),
                Err(_) => Ok(Some(Err(BrokenOff::Upstream))),
            },
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Source::Hyper(incoming, _) => incoming.is_end_stream(),
            Source::Rest(rest) => rest.length() == 0,
        }
    }

    /// The body has ended: its connection may serve another request.
    fn release(&mut self) {
        match self {
            Source::Hyper(_, lease) => lease.take().into_iter().for_each(Lease::release),
            Source::Rest(rest) => rest.release(),
        }
    }
}
