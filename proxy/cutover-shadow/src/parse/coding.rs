//! Content codings undone (RFC 9110 §8.4): gzip, deflate, br, zstd. A small body that unpacks to a
//! huge one is not unpacked to its end.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

/// Longest body after its coding is undone.
const DECODED_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most codings upon each other.
const CODINGS_MAX: usize = 3;
/// Largest memory that a zstd frame may ask for (RFC 8878 §3.1.1.1.2 recommends 8 MiB).
const ZSTD_WINDOW_MAX: u64 = 8 * 1024 * 1024;
const BROTLI_BUFFER_BYTES: usize = 4_096;

/// Why a body could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodingError {
    /// A coding that nobody here knows, or too many.
    Unknown,
    /// Its bytes are not of that coding.
    Broken,
    /// It unpacks to more than is looked at.
    TooLong,
}

/// Undoes the codings that `content-encoding` names, the last one first.
pub(super) fn undo<'a>(body: &'a [u8], headers: &HeaderMap) -> Result<Cow<'a, [u8]>, CodingError> {
    let mut codings = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| CodingError::Unknown)?;
        codings.extend(value.split(',').map(str::trim).filter(|coding| !coding.is_empty()));
    }
    if codings.len() > CODINGS_MAX {
        return Err(CodingError::Unknown);
    }
    let mut body = Cow::Borrowed(body);
    for coding in codings.iter().rev() {
        if !coding.eq_ignore_ascii_case("identity") {
            body = Cow::Owned(undo_one(&body, coding)?);
        }
    }
    Ok(body)
}

/// Undoes one coding.
pub(super) fn undo_one(body: &[u8], coding: &str) -> Result<Vec<u8>, CodingError> {
    match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(body)),
        // What RFC 9110 §8.4.1.2 asks for, and what some servers send instead.
        "deflate" => match bounded(ZlibDecoder::new(body)) {
            Err(CodingError::Broken) => bounded(DeflateDecoder::new(body)),
            decoded => decoded,
        },
        "br" => bounded(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER_BYTES)),
        "zstd" => zstd(body),
        _ => Err(CodingError::Unknown),
    }
}

/// Frame after frame, each within its window.
fn zstd(mut body: &[u8]) -> Result<Vec<u8>, CodingError> {
    let mut decoded = Vec::new();
    while !body.is_empty() {
        let mut decoder = ruzstd::decoding::FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_MAX);
        let frame = ruzstd::decoding::StreamingDecoder::new_with_decoder(&mut body, decoder);
        let mut frame = frame.map_err(|_| CodingError::Broken)?;
        read_into(&mut decoded, &mut frame)?;
    }
    Ok(decoded)
}

fn bounded(mut decoder: impl Read) -> Result<Vec<u8>, CodingError> {
    let mut decoded = Vec::new();
    read_into(&mut decoded, &mut decoder)?;
    Ok(decoded)
}

fn read_into(decoded: &mut Vec<u8>, decoder: &mut impl Read) -> Result<(), CodingError> {
    let left = (DECODED_BYTES_MAX + 1).saturating_sub(decoded.len() as u64);
    let read: io::Result<usize> = decoder.take(left).read_to_end(decoded);
    match read {
        _ if decoded.len() as u64 > DECODED_BYTES_MAX => Err(CodingError::TooLong),
        Ok(_) => Ok(()),
        Err(_) => Err(CodingError::Broken),
    }
}

#[cfg(test)]
mod tests;
