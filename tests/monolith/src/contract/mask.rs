//! What may differ between a recording and an answer: everything of that kind stands here.
//!
//! A mask covers a run of fixed length, so that lengths are still compared.

/// Something volatile: `count` bytes of a kind, after certain bytes.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// What is written instead.
    pub placeholder: &'static str,
    /// What comes right before it.
    pub after: &'static str,
    /// Passes the bytes that follow `after` and gives the covered part of them.
    find: fn(&[u8]) -> Option<std::ops::Range<usize>>,
}

/// All masks there are.
pub const MASKS: &[Mask] = &[
    // The Date header, in the only form that may be sent (RFC 9110 §5.6.7).
    Mask { placeholder: "{{date}}", after: "Date: ", find: http_date },
    Mask { placeholder: "{{date}}", after: "date: ", find: http_date },
    // Request ids, in the header and in bodies.
    Mask { placeholder: "{{request}}", after: "req-", find: request_id },
    // The signature of a session, which depends on the key; user and expiry are compared.
    Mask { placeholder: "{{signature}}", after: "sid=", find: signature },
];

/// `bytes` with everything volatile replaced.
pub(super) fn apply(bytes: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let found = MASKS.iter().find_map(|mask| {
            let following = rest.strip_prefix(mask.after.as_bytes())?;
            let covered = (mask.find)(following)?;
            Some((mask, following, covered))
        });
        let Some((mask, following, covered)) = found else {
            masked.push(rest[0]);
            rest = &rest[1..];
            continue;
        };
        masked.extend_from_slice(mask.after.as_bytes());
        masked.extend_from_slice(&following[..covered.start]);
        masked.extend_from_slice(mask.placeholder.as_bytes());
        rest = &following[covered.end..];
    }
    masked
}

/// The placeholder that `text` begins with.
pub(super) fn placeholder(text: &str) -> Option<&'static str> {
    MASKS.iter().map(|mask| mask.placeholder).find(|placeholder| text.starts_with(placeholder))
}

fn http_date(following: &[u8]) -> Option<std::ops::Range<usize>> {
    const SHAPE: &[u8; 29] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_lowercase(),
        b'A' => byte.is_ascii_uppercase(),
        exact => byte == exact,
    };
    let date = following.get(..SHAPE.len())?;
    date.iter().zip(SHAPE).all(fits).then_some(0..SHAPE.len())
}

fn request_id(following: &[u8]) -> Option<std::ops::Range<usize>> {
    is_hex(following.get(..8)?).then_some(0..8)
}

fn signature(following: &[u8]) -> Option<std::ops::Range<usize>> {
    let mut start = 0;
    for _ in ["user", "expiry"] {
        let digits = following[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_closed = following.get(start + digits) == Some(&b'.');
        start += (digits > 0 && is_closed).then_some(digits + 1)?;
    }
    is_hex(following.get(start..start + 64)?).then_some(start..start + 64)
}

fn is_hex(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
}
