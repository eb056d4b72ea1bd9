//! W3C Baggage at the edge: what may pass and how much of it.
//!
//! Source: <https://www.w3.org/TR/baggage/> §3.3.2. We never read baggage; we
//! only keep it within its limits, or take it away from those we do not trust.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header with the application's own entries.
pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// Bytes of the whole list, commas included.
pub const BYTES_MAX: usize = 8192;
/// Members of the whole list.
pub const MEMBERS_MAX: usize = 64;

/// Removes all baggage, as for a sender outside the trust boundary.
pub fn remove(headers: &mut HeaderMap) {
    headers.remove(BAGGAGE);
}

/// Drops the members beyond 64, and those that would carry the list over 8192
/// bytes. What is within the limits is not touched; members stay whole and in
/// order. Returns how many members were dropped.
pub fn limit(headers: &mut HeaderMap) -> usize {
    if is_within(headers) {
        return 0;
    }
    let mut kept = Vec::with_capacity(BYTES_MAX);
    let (mut count, mut dropped) = (0, 0);
    for member in members(headers) {
        let bytes = member.len() + usize::from(count > 0);
        if count == MEMBERS_MAX || kept.len() + bytes > BYTES_MAX {
            dropped += 1;
            continue;
        }
        if count > 0 {
            kept.push(b',');
        }
        kept.extend_from_slice(member);
        count += 1;
    }
    match HeaderValue::from_bytes(&kept) {
        Ok(value) if count > 0 => headers.insert(BAGGAGE, value),
        _ => headers.remove(BAGGAGE),
    };
    dropped
}

fn is_within(headers: &HeaderMap) -> bool {
    let mut bytes = 0;
    for value in headers.get_all(BAGGAGE) {
        bytes += value.len() + 1;
    }
    // Joining adds one comma less than there are headers.
    bytes <= BYTES_MAX + 1 && (bytes == 0 || members(headers).count() <= MEMBERS_MAX)
}

fn members(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(BAGGAGE)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests;
