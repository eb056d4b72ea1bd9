//! `traceparent` to and from bytes, without allocation.

use super::{Flags, SpanId, TraceId};

/// `00-` 32 digits `-` 16 digits `-` 2 digits.
pub(super) const LENGTH: usize = 55;

/// `None` when the value must not be continued.
///
/// A version above 00 may be longer, after a further dash; its first four
/// fields mean what they mean in version 00.
pub(super) fn traceparent(value: &[u8]) -> Option<(TraceId, SpanId, Flags)> {
    let head = value.get(..LENGTH)?;
    let version = hex(&head[..2])?;
    let complete = match version {
        0x00 => value.len() == LENGTH,
        0xff => false,
        _ => value.len() == LENGTH || value[LENGTH] == b'-',
    };
    if !complete || head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
        return None;
    }
    let trace_id = u128::from(hex(&head[3..19])?) << 64 | u128::from(hex(&head[19..35])?);
    Some((
        TraceId::new(trace_id)?,
        SpanId::new(hex(&head[36..52])?)?,
        Flags::from_bits(hex(&head[53..55])? as u8),
    ))
}

/// The version 00 form.
pub(super) fn format(trace_id: TraceId, span_id: SpanId, flags: Flags) -> [u8; LENGTH] {
    let mut text = [b'-'; LENGTH];
    put_hex(&mut text[..2], &[0]);
    put_hex(&mut text[3..35], &trace_id.get().to_be_bytes());
    put_hex(&mut text[36..52], &span_id.get().to_be_bytes());
    put_hex(&mut text[53..], &[flags.bits()]);
    text
}

/// At most 16 lower-case digits; upper case is refused as W3C asks.
fn hex(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut seen = 0;
    for &digit in digits {
        let nibble = NIBBLES[usize::from(digit)];
        seen |= nibble;
        number = number << 4 | u64::from(nibble & 0xf);
    }
    (seen & NO_DIGIT == 0).then_some(number)
}

fn put_hex(text: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
}

const NO_DIGIT: u8 = 0x80;

static NIBBLES: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut nibble = 0;
    while nibble < 16 {
        table[b"0123456789abcdef"[nibble as usize] as usize] = nibble;
        nibble += 1;
    }
    table
};
