//! Where two answers differ: the unit that differences are counted by.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use super::pattern::{BadPattern, Pattern};

/// A place in an answer, the same for all requests of a route: `status`, `header.content-type`,
/// `trailer.grpc-status`, `body`, `body.devices[].name`, `body.byId{}.x`.
///
/// `[]` stands for all elements of a list, `{}` for all keys of an object that are ids or of which
/// there are more than [`KEYS_MAX`]. A key with other characters than letters, digits, `-`, `_`,
/// `$` and the like is quoted, with `\` before `"` and `\`: `body."first name"`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Arc<str>);

/// Most keys that an object may have before they are all written `{}`.
pub const KEYS_MAX: usize = 50;

/// Longest key, in bytes, that is written as it is.
const KEY_BYTES_MAX: usize = 64;

/// Names have fewer digits: `line2`, `ipv4`, `sha256`; serial and telephone numbers have more.
const DIGITS_MAX: usize = 4;

/// The part of an answer that a path starts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Root {
    Status,
    Header,
    Trailer,
    Body,
}

/// One step of a path while an answer is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Key(&'a str),
    /// `[]`
    Element,
    /// `{}`
    AnyKey,
}

// === impl Path ===

impl Path {
    /// As it is written in rules, logs and metrics.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The body.
    pub fn body() -> Path {
        Path::from_canonical(Root::Body.as_str())
    }

    /// The header field of this name, in lower case.
    pub fn header(name: &str) -> Path {
        Path::from_canonical(Root::Header.as_str()).key(name)
    }

    /// The trailer field of this name, in lower case.
    pub fn trailer(name: &str) -> Path {
        Path::from_canonical(Root::Trailer.as_str()).key(name)
    }

    /// The place of `key` inside of this one; one of an id stands for all of them.
    pub fn key(&self, key: &str) -> Path {
        self.step(Segment::key(key))
    }

    /// The place of all keys inside of this one.
    pub fn any_key(&self) -> Path {
        self.step(Segment::AnyKey)
    }

    /// The place of all elements inside of this one.
    pub fn element(&self) -> Path {
        self.step(Segment::Element)
    }

    fn step(&self, segment: Segment<'_>) -> Path {
        let mut text = self.0.to_string();
        segment.write(&mut text);
        Path(text.into())
    }

    /// Whether it lies somewhere inside of `outer`.
    pub fn is_inside(&self, outer: &Path) -> bool {
        self.0.strip_prefix(&*outer.0).is_some_and(|rest| rest.starts_with(['.', '[', '{']))
    }

    /// Whether it lies in the body, or is a field that describes it.
    pub(super) fn is_of_body(&self) -> bool {
        let name = self.0.strip_prefix("header.").or_else(|| self.0.strip_prefix("trailer."));
        name.map_or(self.0.starts_with("body"), super::fields::describes_body)
    }

    /// A path from its own text, as [`Path::as_str`] gave it. What people write is to be parsed
    /// instead: here nothing is checked, since answers have places that no rule can name.
    pub fn from_canonical(text: &str) -> Path {
        Path(text.into())
    }
}

impl FromStr for Path {
    type Err = BadPattern;

    /// Reads a path as it is written, without wildcards.
    fn from_str(text: &str) -> Result<Path, BadPattern> {
        let pattern: Pattern = text.parse()?;
        match pattern.is_exact() {
            true => Ok(Path::from_canonical(pattern.as_str())),
            false => Err(BadPattern::Wildcard(text.to_owned())),
        }
    }
}

impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// === impl Root ===

impl Root {
    pub(super) const ALL: [Root; 4] = [Root::Status, Root::Header, Root::Trailer, Root::Body];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Root::Status => "status",
            Root::Header => "header",
            Root::Trailer => "trailer",
            Root::Body => "body",
        }
    }
}

// === impl Segment ===

impl<'a> Segment<'a> {
    /// The step to the value of `key`.
    pub(super) fn key(key: &'a str) -> Segment<'a> {
        if is_id(key) { Segment::AnyKey } else { Segment::Key(key) }
    }

    pub(super) fn write(self, out: &mut String) {
        match self {
            Segment::Element => out.push_str("[]"),
            Segment::AnyKey => out.push_str("{}"),
            Segment::Key(key) => {
                out.push('.');
                write_key(key, out);
            }
        }
    }
}

/// Writes the path into `out`, which it clears first.
pub(super) fn write_path(root: Root, segments: &[Segment<'_>], out: &mut String) {
    out.clear();
    out.push_str(root.as_str());
    for segment in segments {
        segment.write(out);
    }
}

/// Writes a key, in quotes where it could be read as something else.
pub(super) fn write_key(key: &str, out: &mut String) {
    if is_bare(key) {
        out.push_str(key);
        return;
    }
    out.push('"');
    for c in key.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether a key needs no quotes.
pub(super) fn is_bare(key: &str) -> bool {
    let other = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '.' | '[' | ']' | '{' | '}' | '"' | '\\' | '*')
    };
    !key.is_empty() && !key.contains(other)
}

/// Whether a key is data rather than a name: a number, date or time, a UUID or ULID, 16 or more
/// hex digits, four or more decimal digits anywhere, an e-mail address, someone's name (`Erika
/// Maier`: several words, the first with a capital), or longer than 64 bytes.
pub fn is_id(key: &str) -> bool {
    let bytes = key.as_bytes();
    let Some(first) = bytes.first() else { return false };
    // Nearly all names leave here.
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if key.len() < 16
        && digits < DIGITS_MAX
        && first.is_ascii_alphabetic()
        && !bytes.contains(&b'@')
        && !(first.is_ascii_uppercase() && bytes.contains(&b' '))
    {
        return false;
    }
    digits >= DIGITS_MAX
        || key.len() > KEY_BYTES_MAX
        || is_numeric(bytes)
        || is_hex_id(bytes)
        || is_ulid(bytes)
        || is_mail(key)
        || is_full_name(key)
}

/// `17`, `-3.5`, `2026-11-21T10:00:00Z`.
fn is_numeric(bytes: &[u8]) -> bool {
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let part =
        |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b':' | b'_' | b'T' | b'Z');
    unsigned.first().is_some_and(u8::is_ascii_digit) && unsigned.iter().all(part)
}

/// Hex digits with or without hyphens, at least one of them a decimal digit.
fn is_hex_id(bytes: &[u8]) -> bool {
    bytes.len() >= 16
        && bytes.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
        && bytes.iter().any(u8::is_ascii_digit)
}

/// <https://github.com/ulid/spec>: 26 characters of Crockford's base 32.
fn is_ulid(bytes: &[u8]) -> bool {
    bytes.len() == 26
        && bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && bytes.iter().any(u8::is_ascii_digit)
}

fn is_mail(key: &str) -> bool {
    key.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

fn is_full_name(key: &str) -> bool {
    key.starts_with(char::is_uppercase) && key.trim_end().contains(char::is_whitespace)
}

#[cfg(test)]
mod tests;
