//! `tracestate`: joining, checking and shortening the list.
//!
//! Grammar of level 2 §3.3.1: at most 32 members `key=value`; a key begins with
//! a lower-case letter or digit and has at most 256 of `a-z 0-9 _ - * / @`; a
//! value has 1 to 256 printable bytes without `,` and `=`, the last no blank.

use http::HeaderValue;
use http::header::GetAll;
use smallvec::SmallVec;

/// What we send on, in bytes. W3C asks for at least 512.
pub(super) const BYTES_MAX: usize = 1024;
/// Members longer than this go first when the list is too long.
const MEMBER_BYTES_LONG: usize = 128;
const MEMBERS_MAX: usize = 32;
const PART_BYTES_MAX: usize = 256;

type Members<'a> = SmallVec<[&'a [u8]; 8]>;

/// The list to send on; `None` when there is none, or none that may be trusted.
pub(super) fn combine(headers: GetAll<'_, HeaderValue>) -> Option<HeaderValue> {
    let mut values = headers.iter();
    let first = values.next()?;
    let single = values.next().is_none();

    let mut members = Members::new();
    let mut changed = !single;
    for value in headers {
        for part in value.as_bytes().split(|byte| *byte == b',') {
            let member = trim(part);
            changed |= member.is_empty() || member.len() != part.len();
            if member.is_empty() {
                continue;
            }
            let key = key_of(member)?;
            if members.iter().any(|known| key_of(known) == Some(key)) {
                // The left-most entry is the most recent one.
                changed = true;
                continue;
            }
            members.push(member);
            if members.len() > MEMBERS_MAX {
                return None;
            }
        }
    }
    changed |= shorten(&mut members);
    if members.is_empty() {
        return None;
    }
    if !changed {
        // A reference to the same bytes, not a copy.
        return Some(first.clone());
    }
    HeaderValue::from_bytes(&members.join(&b","[..])).ok()
}

/// Drops members until the list fits: the long ones first, then from the
/// right. `ot=`, which later samplers decide by, goes last of all.
fn shorten(members: &mut Members<'_>) -> bool {
    let before = members.len();
    let mut bytes = members.iter().map(|member| member.len() + 1).sum::<usize>();
    for only_long in [true, false] {
        for index in (0..members.len()).rev() {
            if bytes <= BYTES_MAX + 1 {
                return members.len() != before;
            }
            let member = members[index];
            let goes = !only_long || member.len() > MEMBER_BYTES_LONG;
            if goes && !member.starts_with(b"ot=") {
                bytes -= member.len() + 1;
                members.remove(index);
            }
        }
    }
    members.len() != before
}

/// The key of a member that keeps to the grammar.
fn key_of(member: &[u8]) -> Option<&[u8]> {
    let equals = member.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let key_ok = (1..=PART_BYTES_MAX).contains(&key.len())
        && (key[0].is_ascii_lowercase() || key[0].is_ascii_digit())
        && key.iter().all(|byte| is_key_byte(*byte));
    let value_ok = (1..=PART_BYTES_MAX).contains(&value.len())
        && value.iter().all(|byte| matches!(byte, 0x20..=0x7e) && *byte != b'=');
    (key_ok && value_ok).then_some(key)
}

fn is_key_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@')
}

/// Without the optional white space that may stand around a member.
fn trim(part: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = part.iter().position(|byte| !is_blank(byte));
    let end = part.iter().rposition(|byte| !is_blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &part[start..=end],
        _ => &[],
    }
}
