//! Trailer fields: the syntax of field lines, less the names that would
//! change how a message is framed, routed or trusted after the fact.

use super::Refusal;
use super::head::split_field;

/// Fields that a recipient must have before the body (RFC 9110 §6.5.1).
const HEAD_ONLY: [&str; 16] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn check(line: &[u8]) -> Result<(), Refusal> {
    let (name, _) = split_field(line)?;
    if is_forbidden(name) { Err(Refusal::TrailerForbidden) } else { Ok(()) }
}

/// Whether a field of this name may stand in the head only.
pub(super) fn is_forbidden(name: &[u8]) -> bool {
    let same = |b: u8| if b == b'_' { b'-' } else { b.to_ascii_lowercase() };
    HEAD_ONLY
        .iter()
        .any(|only| name.len() == only.len() && name.iter().map(|&b| same(b)).eq(only.bytes()))
}
