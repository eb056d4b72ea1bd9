//! Byte classes, and the two shapes built of them: tokens and hosts.

const TOKEN: u8 = 1;
const PATH: u8 = 2;
const QUERY: u8 = 4;
const HOST: u8 = 8;

const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let mut class = 0;
        if b.is_ascii_alphanumeric() {
            class |= TOKEN | PATH | QUERY | HOST;
        }
        // RFC 9110 §5.6.2
        if matches!(
            b,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        ) {
            class |= TOKEN;
        }
        // What http::Uri takes, non-ASCII aside (uri/path.rs, version 1.5).
        if matches!(b, b'!' | b'"' | 0x24..=0x3B | b'=' | 0x40..=0x5F | 0x7B..=0x7E) {
            class |= PATH;
        }
        if matches!(b, b'!' | 0x24..=0x3B | b'=' | 0x3F..=0x7E) {
            class |= QUERY;
        }
        if matches!(b, b'-' | b'.' | b'_' | b'~') {
            class |= HOST;
        }
        table[i] = class;
        i += 1;
    }
    table
}

fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&b| CLASS[b as usize] & class != 0)
}

/// One or more token bytes (RFC 9110 §5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// Whether a byte may begin a request line.
pub(super) fn is_token_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TOKEN != 0
}

/// A path and optional query whose every byte `http::Uri` takes; no fragment.
pub(super) fn is_path_and_query(bytes: &[u8]) -> bool {
    let (path, query) = match memchr::memchr(b'?', bytes) {
        Some(i) => (&bytes[..i], &bytes[i + 1..]),
        None => (bytes, &[][..]),
    };
    all(path, PATH) && all(query, QUERY)
}

/// Field value bytes: HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5).
/// Written without an early exit so that it compiles to vector code.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |bad, &b| bad | ((b < 0x20) & (b != b'\t')) | (b == 0x7f))
}

/// Strips optional white space (SP, HTAB) from both ends.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Splits `host [":" port]`. `None` unless the host is a name, an IPv4
/// address or a bracketed IPv6 address and the port is 0 to 65535; userinfo,
/// lists, percent-encoding and an empty port are not accepted.
pub(super) fn split_authority(bytes: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (host, rest) = if bytes.first() == Some(&b'[') {
        let end = memchr::memchr(b']', bytes)?;
        let (literal, rest) = bytes.split_at(end + 1);
        let text = std::str::from_utf8(&literal[1..end]).ok()?;
        text.parse::<std::net::Ipv6Addr>().ok()?;
        (literal, rest)
    } else {
        let end = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
        let (name, rest) = bytes.split_at(end);
        (!name.is_empty() && all(name, HOST)).then_some((name, rest))?
    };
    match rest {
        [] => Some((host, None)),
        [b':', digits @ ..] => Some((host, Some(port(digits)?))),
        _ => None,
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}
