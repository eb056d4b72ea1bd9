//! Pipes: what splice(2) needs between two sockets.

use std::{
    cell::RefCell,
    io,
    os::fd::OwnedFd,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};

use rustix::pipe::{PipeFlags, SpliceFlags};
use tokio::{io::Interest, net::TcpStream};

/// What one pipe holds at the most, in bytes.
pub(super) const PIPE_BYTES: usize = 256 * 1024;

/// Most pipes of the process, of two descriptors each. Together they may hold half of what Linux
/// grants the pipes of a user without privileges (pipe(7), `pipe-user-pages-soft`).
const PIPES_MAX: usize = 128;

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

static PIPES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Empty pipes: making one costs more than a request.
    static UNUSED: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// A pipe that knows how much is in it.
#[derive(Debug)]
pub(super) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    holds: usize,
}

// === impl Pipe ===

impl Pipe {
    /// An empty one; `None`: there are enough, or the system gives none.
    pub(super) fn take() -> Option<Pipe> {
        UNUSED.with_borrow_mut(Vec::pop).or_else(Pipe::make)
    }

    fn make() -> Option<Pipe> {
        if PIPES.fetch_add(1, Ordering::Relaxed) >= PIPES_MAX {
            PIPES.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let Ok((read, write)) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
        else {
            PIPES.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        // Counted by what is dropped from here on.
        let pipe = Pipe { read, write, holds: 0 };
        rustix::pipe::fcntl_setpipe_size(&pipe.write, PIPE_BYTES).ok()?;
        Some(pipe)
    }

    /// Keeps it for the next answer of this thread. It has to be empty.
    pub(super) fn give_back(self) {
        UNUSED.with_borrow_mut(|unused| unused.push(self));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holds == 0
    }

    /// Takes what `source` has, 0 bytes at its end. The pipe has to be empty: a full one looks like
    /// a source that has nothing.
    pub(super) fn poll_fill(
        &mut self,
        source: &TcpStream,
        cx: &mut Context<'_>,
        bytes_max: usize,
    ) -> Poll<io::Result<usize>> {
        let moved = ready!(poll_io(source, cx, Interest::READABLE, || {
            rustix::pipe::splice(source, None, &self.write, None, bytes_max, FLAGS)
        }))?;
        self.holds += moved;
        Poll::Ready(Ok(moved))
    }

    /// Writes at most `bytes` of what it holds.
    pub(super) fn poll_drain(
        &mut self,
        client: &TcpStream,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<io::Result<usize>> {
        let bytes = bytes.min(self.holds);
        let moved = ready!(poll_io(client, cx, Interest::WRITABLE, || {
            rustix::pipe::splice(&self.read, None, client, None, bytes, FLAGS)
        }))?;
        self.holds -= moved;
        Poll::Ready(Ok(moved))
    }
}

/// Reads or writes as soon as `socket` is ready for it: [`TcpStream::async_io`], for who polls.
pub(super) fn poll_io(
    socket: &TcpStream,
    cx: &mut Context<'_>,
    interest: Interest,
    mut io: impl FnMut() -> rustix::io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(match interest.is_readable() {
            true => socket.poll_read_ready(cx),
            false => socket.poll_write_ready(cx),
        })?;
        match socket.try_io(interest, || Ok(io()?)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        PIPES.fetch_sub(1, Ordering::Relaxed);
    }
}
