//! The rest of an answer's body, taken from the socket around hyper.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use tokio::net::TcpStream;

use super::{H1, connect::Place, h1::Returned, pool};
use crate::{guard::ConnHandle, splice::Filled};

/// A body of known length whose end does not go through hyper.
pub(crate) struct Rest {
    /// What hyper had read of it already, the first piece at the end.
    read: Vec<Bytes>,
    /// Bytes behind those.
    left: u64,
    client: ConnHandle,
    /// `None` once all was read.
    source: Option<Source>,
}

struct Source {
    stream: TcpStream,
    place: Place,
    /// It may serve another request afterwards.
    is_reusable: bool,
    upstream: u32,
    peer: SocketAddr,
    idle: Duration,
}

/// Whom the rest of a body waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitsFor {
    /// The upstream.
    Source,
    /// The client.
    Client,
}

/// To whom a connection goes back.
pub(super) struct Home {
    pub(super) upstream: u32,
    pub(super) peer: SocketAddr,
    pub(super) idle: Duration,
    /// The upstream did not say that it closes the connection.
    pub(super) is_kept: bool,
}

// === impl Rest ===

impl Rest {
    /// Of a body of `length` bytes whose head hyper has just read; `None`: hyper reads it to the
    /// end.
    pub(super) fn of(
        h1: &mut H1,
        incoming: &mut Incoming,
        length: u64,
        client: &ConnHandle,
        home: Home,
    ) -> Option<Rest> {
        if !h1.has_socket() || !client.conduit().open() {
            return None;
        }
        // From here on it is ours, and whatever went wrong is met when it is read.
        let (mut left, mut read) = (length, Vec::with_capacity(2));
        let mut keep = |mut data: Bytes| {
            let is_whole = data.len() as u64 <= left;
            data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= data.len() as u64;
            if !data.is_empty() {
                read.insert(0, data);
            }
            is_whole
        };
        let mut noop = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(Ok(frame))) = Pin::new(incoming).poll_frame(&mut noop)
            && let Ok(data) = frame.into_data()
        {
            keep(data);
        }
        let source = h1.take_socket().map(|returned| {
            let Returned { stream, is_flushed, read, place } = returned;
            let Home { upstream, peer, idle, is_kept } = home;
            // What comes behind an answer that nobody asked for spoils the next.
            let is_reusable = keep(read) && is_flushed && is_kept;
            Source { stream, place, is_reusable, upstream, peer, idle }
        });
        Some(Rest { read, left, client: client.clone(), source })
    }

    /// Bytes that have not been given yet.
    pub(crate) fn length(&self) -> u64 {
        self.read.iter().map(|data| data.len() as u64).sum::<u64>() + self.left
    }

    /// The next piece: bytes, or what stands for them.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Result<Bytes, WaitsFor>, io::Error> {
        if let Some(data) = self.read.pop() {
            return Ok(Ok(data));
        }
        let Some(source) = &self.source else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        match self.client.conduit().fill(&source.stream, cx, self.left)? {
            Filled::With(data) if data.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Filled::With(data) => {
                self.left -= data.len() as u64;
                Ok(Ok(data))
            }
            Filled::SourceWaits => Ok(Err(WaitsFor::Source)),
            Filled::ClientWaits => Ok(Err(WaitsFor::Client)),
        }
    }

    /// The body has ended: the connection may serve another request.
    pub(crate) fn release(&mut self) {
        if self.left == 0
            && let Some(Source { stream, place, is_reusable: true, upstream, peer, idle }) =
                self.source.take()
            // It waits for nothing.
            && let Poll::Ready(Ok(h1)) =
                pin!(H1::over_socket(stream, place)).poll(&mut Context::from_waker(Waker::noop()))
        {
            pool::keep(upstream, h1, peer, idle);
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.client.conduit().close();
    }
}
