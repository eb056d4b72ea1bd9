use std::task::Waker;

use super::*;

/// Takes at most `room` bytes at a time, and notes how it was written to.
struct Sink {
    room: usize,
    taken: Vec<u8>,
    calls: Vec<&'static str>,
}

impl Sink {
    fn take(&mut self, call: &'static str, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.room);
        self.calls.push(call);
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take("write", bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        self.take("writev", &all)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How these pieces are written to a stream that has this much room.
fn written(pieces: &[&[u8]], room: usize) -> (usize, Sink) {
    let mut sink = Sink { room, taken: Vec::new(), calls: Vec::new() };
    let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut cx = Context::from_waker(Waker::noop());
    match poll_write(&mut sink, &mut cx, &slices) {
        Poll::Ready(Ok(count)) => (count, sink),
        other => panic!("{other:?}"),
    }
}

#[test]
fn short_pieces_leave_as_one_in_their_order() {
    let (count, sink) = written(&[b"HTTP/1.1 200 OK\r\n\r\n", b"", b"body"], usize::MAX);
    assert_eq!((count, &*sink.calls), (23, &["write"][..]));
    assert_eq!(sink.taken, b"HTTP/1.1 200 OK\r\n\r\nbody");
}

#[test]
fn what_does_not_fit_is_told() {
    let (count, sink) = written(&[b"head", b"body"], 6);
    assert_eq!((count, &*sink.taken), (6, &b"headbo"[..]));
}

#[test]
fn long_pieces_are_not_copied() {
    let long = [7; SMALL_BYTES_MAX];
    assert_eq!(written(&[b"h", &long], usize::MAX).1.calls, ["writev"]);
    assert_eq!(written(&[&long], usize::MAX).1.calls, ["write"]);
    assert_eq!(written(&[], usize::MAX).0, 0);
}
