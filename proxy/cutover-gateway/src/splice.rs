//! Long bodies that pass from one socket to another without a copy: splice(2).
//!
//! hyper frames an answer but need not see its bytes. Those that lie in a [`Conduit`]'s pipe are
//! given to it as stand-ins, which have the length and nothing else; the guard, which writes what
//! hyper frames, knows stand-ins by their address and puts the pipe's bytes on the wire instead.
//! As both are in the same order, neither needs to know of the other.

mod pipe;

use std::{
    any::Any,
    io::{self, IoSlice},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::{io::Interest, net::TcpStream};

use self::pipe::{PIPE_BYTES, Pipe, poll_io};
use crate::prefixed::Prefixed;

/// Shorter rests of bodies are copied: that costs less than what splicing needs beside it.
pub(crate) const BYTES_MIN: u64 = 32 * 1024;

static STAND_IN: [u8; PIPE_BYTES] = [0; PIPE_BYTES];

/// The way of one client connection's answers around hyper. Closed, as it mostly is, it takes no
/// more room than an address.
#[derive(Debug, Default)]
pub(crate) struct Conduit(Option<Box<Open>>);

/// Opened by the first answer that goes this way; closed when the last has ended and nothing is
/// left of it.
#[derive(Debug)]
struct Open {
    pipe: Pipe,
    /// Answers that may still fill it.
    answers: u32,
    /// To be woken once it is empty.
    emptied: Option<Waker>,
}

/// What became of an attempt to fill a conduit.
#[derive(Debug)]
pub(crate) enum Filled {
    /// Bytes lie in it: these stand for them. None: the source has ended.
    With(Bytes),
    /// The source has nothing yet.
    SourceWaits,
    /// The client has not taken what was there before.
    ClientWaits,
}

// === impl Conduit ===

impl Conduit {
    /// An answer is to go this way; `false`: it cannot, since there are enough pipes.
    pub(crate) fn open(&mut self) -> bool {
        if self.0.is_none() {
            let open = |pipe| Box::new(Open { pipe, answers: 0, emptied: None });
            self.0 = Pipe::take().map(open);
        }
        self.0.as_mut().map(|open| open.answers += 1).is_some()
    }

    /// An answer that was to go this way has ended, or was given up.
    pub(crate) fn close(&mut self) {
        if let Some(open) = &mut self.0 {
            open.answers -= 1;
        }
        self.close_unused();
    }

    fn close_unused(&mut self) {
        if let Some(open) = self.0.take_if(|open| open.answers == 0 && open.pipe.is_empty()) {
            open.pipe.give_back();
        }
    }

    /// Takes at most `bytes_max` bytes from `source`, once the client has taken those before.
    pub(crate) fn fill(
        &mut self,
        source: &TcpStream,
        cx: &mut Context<'_>,
        bytes_max: u64,
    ) -> io::Result<Filled> {
        let Some(open) = &mut self.0 else { return Err(io::ErrorKind::BrokenPipe.into()) };
        if !open.pipe.is_empty() {
            open.emptied = Some(cx.waker().clone());
            return Ok(Filled::ClientWaits);
        }
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(STAND_IN.len());
        match open.pipe.poll_fill(source, cx, bytes_max) {
            Poll::Ready(filled) => Ok(Filled::With(Bytes::from_static(&STAND_IN[..filled?]))),
            Poll::Pending => Ok(Filled::SourceWaits),
        }
    }

    /// Writes what of `bytes` stand-ins can be written of what they stand for.
    pub(crate) fn poll_drain(
        &mut self,
        client: &TcpStream,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(open) = &mut self.0 else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let drained = ready!(open.pipe.poll_drain(client, cx, bytes))?;
        if open.pipe.is_empty() {
            open.emptied.take().into_iter().for_each(Waker::wake);
            self.close_unused();
        }
        Poll::Ready(Ok(drained))
    }
}

/// The position of the first stand-in, if there is any.
pub(crate) fn stand_in(pieces: &[IoSlice<'_>]) -> Option<usize> {
    let stand_ins = STAND_IN.as_ptr_range();
    pieces.iter().position(|piece| !piece.is_empty() && stand_ins.contains(&piece.as_ptr()))
}

/// Writes what goes before a stand-in, so that both leave in one segment.
pub(crate) fn poll_write_before(
    client: &TcpStream,
    cx: &mut Context<'_>,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
    poll_io(client, cx, Interest::WRITABLE, || {
        rustix::net::sendmsg(client, pieces, &mut SendAncillaryBuffer::default(), flags)
    })
}

/// The socket that a stream is, if it is one: what is encrypted cannot go around us.
pub(crate) fn socket<S: 'static>(stream: &S) -> Option<&TcpStream> {
    let stream: &dyn Any = stream;
    stream
        .downcast_ref()
        .or_else(|| stream.downcast_ref::<Prefixed<TcpStream>>().map(Prefixed::stream))
}
