//! One request head, judged line by line.
//!
//! The caller splits lines at LF and hands them over without their CRLF; what
//! is kept between lines is only what later lines or the framing need.

use super::bytes::{is_path_and_query, is_token, is_value, split_authority, trim};
use super::{Limits, Refusal};

/// Longest method accepted, in bytes; the longest registered one has 17
/// (`UPDATEREDIRECTREF`).
pub(super) const METHOD_BYTES_MAX: usize = 32;
/// Two spaces and `HTTP/1.1`.
const LINE_REST_BYTES: usize = 10;

/// How the message after a head is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`, or 0 without any.
    Fixed(u64),
    Chunked,
}

/// What the lines of a head have said so far.
#[derive(Debug, Default)]
pub(super) struct Head {
    fields: u16,
    http11: bool,
    is_head: bool,
    connect: bool,
    host: bool,
    chunked: bool,
    upgrade: bool,
    length: Option<u64>,
    /// Of an absolute-form or CONNECT target, until `Host` was compared.
    authority: Option<Box<Authority>>,
}

/// A target's authority: lower-case host and the port if it is not the scheme's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authority {
    scheme_port: Option<u16>,
    host: Vec<u8>,
    port: Option<u16>,
}

/// The longest request line that may hold an acceptable target, in bytes.
pub(super) fn request_line_max(limits: &Limits) -> usize {
    (limits.target_bytes_max + METHOD_BYTES_MAX + LINE_REST_BYTES).min(limits.head_bytes_max)
}

impl Head {
    /// Reads `method SP target SP version` (RFC 9112 §3).
    pub(super) fn request_line(line: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        if line == b"PRI * HTTP/2.0" {
            return Err(Refusal::Http2Preface);
        }
        if memchr::memchr(b'\r', line).is_some() {
            return Err(Refusal::BareCr);
        }
        let [method, target, version] = split_request_line(line)?;
        let mut head = Self {
            http11: is_http11(version)?,
            is_head: method == b"HEAD",
            connect: method == b"CONNECT",
            ..Self::default()
        };
        if method.len() > METHOD_BYTES_MAX || !is_token(method) {
            return Err(Refusal::Method);
        }
        if target.len() > limits.target_bytes_max {
            return Err(Refusal::TargetTooLong);
        }
        if head.connect && !limits.connect_allowed {
            return Err(Refusal::Connect);
        }
        head.authority = head.check_target(method, target)?;
        Ok(head)
    }

    /// Reads one field line (RFC 9112 §5).
    pub(super) fn field(&mut self, line: &[u8], limits: &Limits) -> Result<(), Refusal> {
        self.fields += 1;
        if usize::from(self.fields) > limits.fields_max {
            return Err(Refusal::TooManyFields);
        }
        let (name, value) = split_field(line)?;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.set_host(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            14 if is_or_imitates(name, b"content-length")? => self.set_length(value),
            17 if is_or_imitates(name, b"transfer-encoding")? => self.set_encoding(value),
            _ => Ok(()),
        }
    }

    /// At the empty line: what the whole head means for the bytes after it.
    pub(super) fn finish(&mut self) -> Result<Framing, Refusal> {
        if self.http11 && !self.host {
            return Err(Refusal::HostMissing);
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Refusal::LengthWithEncoding),
            // The bytes after CONNECT are the tunnel's; a length would be read
            // by some and ignored by others (RFC 9110 §9.3.6).
            (true, None) | (false, Some(_)) if self.connect => Err(Refusal::LengthInvalid),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Fixed(length.unwrap_or(0))),
        }
    }

    /// Whether the bytes after this message may belong to another protocol.
    /// HTTP/1.0 cannot upgrade (RFC 9110 §7.8).
    pub(super) fn may_upgrade(&self) -> bool {
        self.connect || (self.upgrade && self.http11)
    }

    /// Whether the answer to this head has no body.
    pub(super) fn is_head_method(&self) -> bool {
        self.is_head
    }

    /// The authority that `Host` must agree with; `None` in origin form.
    fn check_target(
        &self,
        method: &[u8],
        target: &[u8],
    ) -> Result<Option<Box<Authority>>, Refusal> {
        if self.connect {
            let authority = Authority::parse(target, None).ok_or(Refusal::Target)?;
            return authority.port.map(|_| Some(Box::new(authority))).ok_or(Refusal::Target);
        }
        match target {
            b"*" if method == b"OPTIONS" => Ok(None),
            [b'/', ..] if is_path_and_query(target) => Ok(None),
            [b'/' | b'*', ..] => Err(Refusal::Target),
            _ => absolute_form(target).map(|authority| Some(Box::new(authority))),
        }
    }

    fn set_host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Refusal::HostRepeated);
        }
        let value = trim(value);
        match &self.authority {
            None => split_authority(value).map(drop).ok_or(Refusal::HostInvalid),
            Some(target) => {
                let host =
                    Authority::parse(value, target.scheme_port).ok_or(Refusal::HostInvalid)?;
                (host == **target).then_some(()).ok_or(Refusal::AuthorityMismatch)
            }
        }
    }

    fn set_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.length.is_some() {
            return Err(Refusal::LengthRepeated);
        }
        let digits = trim(value);
        // 19 digits hold 2^63 − 1, the largest that peers with signed offsets take.
        if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::LengthInvalid);
        }
        let length = digits.iter().fold(0, |n: u64, &d| n * 10 + u64::from(d - b'0'));
        self.length = Some(length);
        (length <= i64::MAX as u64).then_some(()).ok_or(Refusal::LengthInvalid)
    }

    fn set_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if !self.http11 {
            return Err(Refusal::EncodingOnHttp10);
        }
        if std::mem::replace(&mut self.chunked, true)
            || !trim(value).eq_ignore_ascii_case(b"chunked")
        {
            return Err(Refusal::EncodingInvalid);
        }
        Ok(())
    }
}

impl Authority {
    pub(super) fn parse(bytes: &[u8], scheme_port: Option<u16>) -> Option<Self> {
        let (host, port) = split_authority(bytes)?;
        Some(Self {
            scheme_port,
            host: host.to_ascii_lowercase(),
            port: port.filter(|_| port != scheme_port),
        })
    }
}

/// Splits a field line; the value keeps its white space.
pub(super) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refusal::ObsFold);
    }
    let colon = memchr::memchr(b':', line).ok_or_else(|| bare_cr_or(line, Refusal::FieldName))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(match name {
            [.., b' ' | b'\t'] => Refusal::SpaceBeforeColon,
            _ => bare_cr_or(name, Refusal::FieldName),
        });
    }
    if !is_value(value) {
        return Err(bare_cr_or(value, Refusal::FieldValue));
    }
    Ok((name, value))
}

/// `name` is `wanted`, or differs only by `_` for `-`, which is refused.
fn is_or_imitates(name: &[u8], wanted: &[u8]) -> Result<bool, Refusal> {
    if name.eq_ignore_ascii_case(wanted) {
        return Ok(true);
    }
    let folded = |b: &u8| if *b == b'_' { b'-' } else { b.to_ascii_lowercase() };
    let imitates = name.iter().map(folded).eq(wanted.iter().copied());
    if imitates { Err(Refusal::FieldLookalike) } else { Ok(false) }
}

fn bare_cr_or(bytes: &[u8], otherwise: Refusal) -> Refusal {
    if memchr::memchr(b'\r', bytes).is_some() { Refusal::BareCr } else { otherwise }
}

fn split_request_line(line: &[u8]) -> Result<[&[u8]; 3], Refusal> {
    let mut spaces = memchr::memchr_iter(b' ', line);
    match (spaces.next(), spaces.next(), spaces.next()) {
        (Some(a), Some(b), None) if b > a + 1 => Ok([&line[..a], &line[a + 1..b], &line[b + 1..]]),
        _ => Err(Refusal::RequestLine),
    }
}

fn is_http11(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        [b'H', b'T', b'T', b'P', b'/', rest @ ..] if is_other_version(rest) => {
            Err(Refusal::Version)
        }
        _ => Err(Refusal::RequestLine),
    }
}

fn is_other_version(rest: &[u8]) -> bool {
    matches!(rest, [a] if a.is_ascii_digit())
        || matches!(rest, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit())
}

fn absolute_form(target: &[u8]) -> Result<Authority, Refusal> {
    let (rest, scheme_port) = strip_scheme(target).ok_or(Refusal::Target)?;
    let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = Authority::parse(authority, Some(scheme_port)).ok_or(Refusal::Target)?;
    is_path_and_query(path).then_some(authority).ok_or(Refusal::Target)
}

fn strip_scheme(target: &[u8]) -> Option<(&[u8], u16)> {
    let schemes: [(&[u8], u16); 2] = [(b"http://", 80), (b"https://", 443)];
    schemes.into_iter().find_map(|(prefix, port)| {
        let (scheme, rest) = target.split_at_checked(prefix.len())?;
        scheme.eq_ignore_ascii_case(prefix).then_some((rest, port))
    })
}
