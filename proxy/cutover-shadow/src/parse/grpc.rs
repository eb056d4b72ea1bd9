//! Messages of a gRPC stream ("gRPC over HTTP2", Length-Prefixed-Message).

use cutover_domain::compare::{Body, Frame, Incomparable, Limits};
use http::HeaderMap;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Read,
    coding::{self, CodingError},
    json,
    media::Messages,
    opaque,
};

/// A flag and a length.
const PREFIX_BYTES: usize = 5;

/// The messages of `body`.
pub(super) fn frames(
    body: &[u8],
    messages: Messages,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<Read, Incomparable> {
    let encoding = headers.get("grpc-encoding").and_then(|value| value.to_str().ok());
    let mut frames = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let Some((is_compressed, message, after)) = split(rest) else {
            return Ok(Read::Broken(opaque(body), Incomparable::Malformed));
        };
        rest = after;
        if frames.len() >= limits.nodes {
            return Err(Incomparable::Limit);
        }
        let unpacked = match is_compressed {
            false => Ok(message.to_vec()),
            true => coding::undo_one(message, encoding.unwrap_or("identity")),
        };
        frames.push(match unpacked {
            Ok(message) => frame(&message, messages, limits)?,
            Err(CodingError::TooLong) => return Err(Incomparable::Limit),
            Err(CodingError::Unknown) => return Err(Incomparable::Encoding),
            Err(CodingError::Broken) => {
                return Ok(Read::Broken(opaque(body), Incomparable::Encoding));
            }
        });
    }
    Ok(Read::Well(Body::Frames(frames)))
}

/// Whether the first message is compressed, the message, and what follows it.
fn split(body: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (prefix, rest) = body.split_at_checked(PREFIX_BYTES)?;
    let (flag, length) = prefix.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let (message, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (*flag <= 1).then_some((*flag == 1, message, after))
}

fn frame(message: &[u8], messages: Messages, limits: &Limits) -> Result<Frame, Incomparable> {
    let opaque = Frame::Opaque { length: message.len() as u64, hash: xxh3_64(message) };
    match messages {
        Messages::Opaque => Ok(opaque),
        Messages::Json => match json::parse(message, limits) {
            Ok(value) => Ok(Frame::Value(value)),
            Err(Incomparable::Malformed) => Ok(opaque),
            Err(why) => Err(why),
        },
    }
}
