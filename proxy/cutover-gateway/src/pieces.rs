//! Writing a head and a short body at once.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

/// Pieces up to this many bytes together are put into one. Linux's `send` costs less than its
/// `writev` by more than such a copy does, and TLS makes one record of them.
const SMALL_BYTES_MAX: usize = 2_048;

/// Writes what it can of `pieces`, of which hyper often gives one only, or short ones.
pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    match pieces {
        [piece] => stream.poll_write(cx, piece),
        _ if length <= SMALL_BYTES_MAX => {
            let mut small = [0; SMALL_BYTES_MAX];
            let mut rest = &mut small[..length];
            for piece in pieces {
                let (place, after) = rest.split_at_mut(piece.len());
                place.copy_from_slice(piece);
                rest = after;
            }
            stream.poll_write(cx, &small[..length])
        }
        _ => stream.poll_write_vectored(cx, pieces),
    }
}

#[cfg(test)]
mod tests;
