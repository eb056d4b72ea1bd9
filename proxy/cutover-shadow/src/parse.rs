//! Answers as values that can be compared: content codings undone, bodies read by media type.

mod coding;
mod grpc;
mod json;
mod media;

use std::borrow::Cow;

use cutover_domain::{
    compare::{Answer, Body, Incomparable, Limits},
    exchange::Copied,
};
use http::{HeaderMap, StatusCode, header};
use xxhash_rust::xxh3::xxh3_64;

use self::{coding::CodingError, media::Media};

/// One side's answer as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Copied,
    pub(crate) trailers: &'a HeaderMap,
}

/// How a body was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// As its media type says.
    Well(Body),
    /// Its coding or its text is broken; the bytes as they came, to be held against whatever the
    /// other side says.
    Broken(Body, Incomparable),
    /// Only its length and hash are known, and a difference between these may mean nothing.
    Digest(Body),
}

/// An answer, and how its body was read.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    head: Answer,
    read: Read,
    /// Not only its length and hash are known.
    is_whole: bool,
}

/// Reads one answer.
///
/// # Errors
/// [`Incomparable::Limit`], [`Incomparable::DuplicateKey`], or [`Incomparable::Encoding`] for a
/// coding that nobody here knows: the body is not to be compared, whatever the other one is.
pub(crate) fn parse(raw: Raw<'_>, limits: &Limits) -> Result<Parsed, Incomparable> {
    let read = match raw.body {
        Copied::Whole(body) => read(body, raw.headers, limits)?,
        Copied::Digest { length, hash } => digest(raw.headers, *length, *hash),
    };
    Ok(Parsed { head: head(raw), read, is_whole: is_whole(raw) })
}

/// An answer of which nothing but the bytes of the body can be told.
pub(crate) fn unread(raw: Raw<'_>, why: Incomparable) -> Parsed {
    let body = match raw.body {
        Copied::Whole(body) => opaque(body),
        Copied::Digest { length, hash } => Body::Opaque { length: *length, hash: *hash },
    };
    Parsed { head: head(raw), read: Read::Broken(body, why), is_whole: is_whole(raw) }
}

/// The body of a request; `None` if it cannot be read.
pub(crate) fn request_body(body: &[u8], headers: &HeaderMap, limits: &Limits) -> Option<Body> {
    match read(body, headers, limits) {
        Ok(Read::Well(body) | Read::Broken(body, _) | Read::Digest(body)) => Some(body),
        Err(_) => None,
    }
}

// === impl Parsed ===

impl Parsed {
    /// Whether `other` can be held against this answer of legacy's.
    ///
    /// # Errors
    /// What makes the pair incomparable. A candidate whose body is broken where legacy's is not is
    /// comparable: it differs.
    pub(crate) fn is_comparable(&self, other: &Parsed) -> Result<(), Incomparable> {
        match (&self.read, &other.read) {
            (Read::Well(_), Read::Well(_) | Read::Broken(..)) => Ok(()),
            // Equal bytes are equal, whatever they mean.
            (Read::Broken(live, _), Read::Broken(other, _)) if live == other => Ok(()),
            (Read::Digest(live), Read::Digest(other)) if live == other => Ok(()),
            (Read::Broken(_, why), _) => Err(*why),
            (Read::Digest(_), _) | (_, Read::Digest(_)) => Err(Incomparable::OverCap),
        }
    }

    /// Whether all of the body was there, and could be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole && matches!(self.read, Read::Well(_))
    }

    /// As the comparison takes it.
    pub(crate) fn into_answer(self) -> Answer {
        let (Read::Well(body) | Read::Broken(body, _) | Read::Digest(body)) = self.read;
        Answer { body, ..self.head }
    }
}

fn is_whole(raw: Raw<'_>) -> bool {
    matches!(raw.body, Copied::Whole(_))
}

/// All but the body.
fn head(raw: Raw<'_>) -> Answer {
    let (headers, trailers) = (fields(raw.headers), fields(raw.trailers));
    Answer { status: raw.status.as_u16(), headers, trailers, body: Body::Empty }
}

fn read(body: &[u8], headers: &HeaderMap, limits: &Limits) -> Result<Read, Incomparable> {
    if body.is_empty() {
        return Ok(Read::Well(Body::Empty));
    }
    let decoded = match coding::undo(body, headers) {
        Ok(decoded) => decoded,
        Err(CodingError::Unknown) => return Err(Incomparable::Encoding),
        Err(CodingError::TooLong) => return Err(Incomparable::Limit),
        Err(CodingError::Broken) => {
            return Ok(Read::Broken(opaque(body), Incomparable::Encoding));
        }
    };
    if decoded.is_empty() {
        return Ok(Read::Well(Body::Empty));
    }
    match Media::of(headers) {
        Media::Json => json(&decoded, limits),
        Media::Text => Ok(Read::Well(text(decoded))),
        Media::Grpc(messages) => grpc::frames(&decoded, messages, headers, limits),
        Media::Opaque => Ok(Read::Well(opaque(&decoded))),
    }
}

fn json(body: &[u8], limits: &Limits) -> Result<Read, Incomparable> {
    match json::parse(body, limits) {
        Ok(value) => Ok(Read::Well(Body::Value(value))),
        Err(Incomparable::Malformed) => {
            Ok(Read::Broken(text(Cow::Borrowed(body)), Incomparable::Malformed))
        }
        Err(why) => Err(why),
    }
}

fn text(body: Cow<'_, [u8]>) -> Body {
    match String::from_utf8(body.into_owned()) {
        Ok(text) => Body::Text(text),
        // Another charset: its bytes have to do.
        Err(error) => opaque(error.as_bytes()),
    }
}

fn opaque(body: &[u8]) -> Body {
    Body::Opaque { length: body.len() as u64, hash: xxh3_64(body) }
}

/// Two different digests of opaque bytes differ; of JSON, they may say the same.
fn digest(headers: &HeaderMap, length: u64, hash: u64) -> Read {
    let body = Body::Opaque { length, hash };
    let is_opaque =
        Media::of(headers) == Media::Opaque && !headers.contains_key(header::CONTENT_ENCODING);
    if is_opaque { Read::Well(body) } else { Read::Digest(body) }
}

/// Fields of ours are what a candidate tells us beside its answer, which clients never get.
fn fields(headers: &HeaderMap) -> Vec<(Box<str>, Box<str>)> {
    let is_theirs = |name: &http::HeaderName| !name.as_str().starts_with("cutover-");
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().into(), String::from_utf8_lossy(value.as_bytes()).into())
    };
    headers.iter().filter(|(name, _)| is_theirs(name)).map(field).collect()
}

#[cfg(test)]
mod tests;
