//! The refusal as it goes over the wire.

use bytes::Bytes;

use super::Refusal;

/// What makes hyper refuse whatever part of a head it already holds: NUL is
/// invalid in every position of a head, and the empty line ends its waiting.
pub(super) const INVALID_HEAD: &[u8] = b"\0\r\n\r\n";

/// A whole response that ends the connection; without a body for `HEAD`.
pub(super) fn render(reason: Refusal, is_head_method: bool) -> Bytes {
    let (status, phrase) = reason.status();
    let body = if is_head_method { String::new() } else { format!("{reason}\n") };
    format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into()
}
