//! Which requests a route is about: method, host, path template, headers.
//!
//! The raw path is split on `/` and each segment decoded, so `%2F` stays inside its segment. A
//! path with an empty segment (`//`, a trailing `/`), a dot segment (`.`, `..`, also encoded) or
//! a broken escape matches no template: such paths mean different things to different servers,
//! so they stay with legacy. The query is ignored; case matters.

use std::{borrow::Cow, fmt, str::FromStr};

use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Most segments that a template may have.
pub const SEGMENTS_MAX: usize = 32;

/// What is known of a request before its route is: borrowed from the request itself.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Host without port, as received; `None` if it names none.
    pub host: Option<&'a str>,
    /// Its raw path, without query, starting with `/` (`*` and authority forms match no route).
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// Which requests a route is about.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointMatch {
    /// Methods; empty means any. `GET` also matches `HEAD`, unless another route names `HEAD`.
    pub methods: Vec<Method>,
    /// Host; `None` means any.
    pub host: Option<HostMatch>,
    /// Path.
    pub path: PathTemplate,
    /// Headers that must be there; all of them.
    pub headers: Vec<HeaderMatch>,
}

/// A host, exact or with `*.` for one or more leading labels. In lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostMatch {
    /// `api.example.org`
    Exact(String),
    /// `*.example.org`, kept as `.example.org`.
    Suffix(String),
}

/// A header that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMatch {
    /// Its name.
    pub name: HeaderName,
    /// The value that one of its fields must have; `None`: any value.
    pub value: Option<HeaderValue>,
}

/// A path template: literals, `{name}` for one segment, `{name...}` for the rest.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// These bytes, decoded.
    Literal(Vec<u8>),
    /// Any one segment.
    Param(String),
    /// One or more segments; only at the end.
    Rest(String),
}

/// Why a text is no path template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// It must start with `/`.
    #[error("a path template starts with `/`")]
    NoSlash,
    /// An empty segment matches nothing.
    #[error("a path with an empty segment (`//` or a `/` at the end) matches no route")]
    EmptySegment,
    /// A dot segment matches nothing.
    #[error("a path with the segment `{0}` matches no route")]
    DotSegment(String),
    /// A `%` without two hex digits.
    #[error("`{0}` has a `%` without two hexadecimal digits")]
    Escape(String),
    /// Braces that are neither `{name}` nor `{name...}`.
    #[error(
        "`{0}` is no parameter: write a whole segment as {{name}} or {{name...}}, name of a-z, A-Z, 0-9 and _"
    )]
    Braces(String),
    /// `{name...}` before the end.
    #[error("`{0}` takes the rest of the path, so it must be the last segment")]
    RestNotLast(String),
    /// The same name twice.
    #[error("the parameter `{0}` occurs twice")]
    Twice(String),
    /// More than [`SEGMENTS_MAX`] segments.
    #[error("more than {SEGMENTS_MAX} segments")]
    TooLong,
    /// A query or fragment.
    #[error("a path template has no `?` and no `#`")]
    Query,
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: write a name without port, `*.` only in front")]
pub struct BadHost(pub String);

// === impl RequestHead ===

impl<'a> RequestHead<'a> {
    /// The path's segments, decoded; `None` where no route may match.
    pub(crate) fn segments(&self) -> Option<impl Iterator<Item = Option<Cow<'a, [u8]>>> + 'a> {
        segments(self.path)
    }
}

/// Splits a raw path. `None` unless it starts with `/`; an item is `None` where it breaks the
/// rules of this module.
fn segments<'a>(path: &'a str) -> Option<impl Iterator<Item = Option<Cow<'a, [u8]>>> + 'a> {
    let rest = path.strip_prefix('/')?;
    let only_root = rest.is_empty();
    Some(rest.split('/').filter(move |_| !only_root).map(decode_segment))
}

fn decode_segment(raw: &str) -> Option<Cow<'_, [u8]>> {
    let segment = decode(raw)?;
    (!matches!(&*segment, b"" | b"." | b"..")).then_some(segment)
}

/// Undoes percent-encoding (RFC 3986 §2.1); `None` at a `%` without two hex digits.
fn decode(raw: &str) -> Option<Cow<'_, [u8]>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw.as_bytes()));
    }
    let mut bytes = raw.bytes();
    let mut decoded = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        };
        decoded.push(byte);
    }
    Some(Cow::Owned(decoded))
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

// === impl EndpointMatch ===

impl EndpointMatch {
    /// Whether the headers that it asks for are there.
    pub(crate) fn headers_match(&self, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|wanted| wanted.matches(headers))
    }
}

impl HeaderMatch {
    fn matches(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(&self.name)
            .iter()
            .any(|value| self.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

// === impl HostMatch ===

impl FromStr for HostMatch {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<HostMatch, BadHost> {
        let (suffix, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let address = name.starts_with('[') && name.ends_with(']');
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !address && !name.split('.').all(label) || address && suffix {
            return Err(BadHost(text.to_owned()));
        }
        let name = name.to_ascii_lowercase();
        Ok(if suffix { HostMatch::Suffix(format!(".{name}")) } else { HostMatch::Exact(name) })
    }
}

impl fmt::Display for HostMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostMatch::Exact(name) => f.write_str(name),
            HostMatch::Suffix(suffix) => write!(f, "*{suffix}"),
        }
    }
}

// === impl PathTemplate ===

impl PathTemplate {
    /// As written in the configuration: the low-cardinality name of what it matches.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments, in order; none for `/`.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Names of its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// The value of parameter `name` in a raw `path` that this template matches, decoded; for
    /// `{name...}` the raw rest. `None` if there is no such parameter or it is not UTF-8.
    pub fn param<'p>(&self, path: &'p str, name: &str) -> Option<Cow<'p, str>> {
        let at = self.segments.iter().position(|segment| segment.name() == Some(name))?;
        let rest = path.strip_prefix('/')?;
        if matches!(self.segments[at], Segment::Rest(_)) {
            return rest.splitn(at + 1, '/').nth(at).map(Cow::Borrowed);
        }
        match decode(rest.split('/').nth(at)?)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }
}

impl Segment {
    /// Whether a raw segment of a path is this literal, however it is spelt.
    pub fn spells(&self, raw: &str) -> bool {
        match self {
            Segment::Literal(literal) => decode(raw).is_some_and(|raw| *raw == **literal),
            Segment::Param(_) | Segment::Rest(_) => false,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Segment::Literal(_) => None,
            Segment::Param(name) | Segment::Rest(name) => Some(name),
        }
    }

    fn parse(raw: &str) -> Result<Segment, BadTemplate> {
        let braces = || BadTemplate::Braces(raw.to_owned());
        if let Some(inside) = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}')) {
            let (name, rest) = match inside.strip_suffix("...") {
                Some(name) => (name, true),
                None => (inside, false),
            };
            let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if name.is_empty() || !name.bytes().all(word) {
                return Err(braces());
            }
            let name = name.to_owned();
            return Ok(if rest { Segment::Rest(name) } else { Segment::Param(name) });
        }
        if raw.contains(['{', '}']) {
            return Err(braces());
        }
        let decoded = decode(raw).ok_or_else(|| BadTemplate::Escape(raw.to_owned()))?;
        match &*decoded {
            b"" => Err(BadTemplate::EmptySegment),
            b"." | b".." => Err(BadTemplate::DotSegment(raw.to_owned())),
            literal => Ok(Segment::Literal(literal.to_vec())),
        }
    }
}

impl FromStr for PathTemplate {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<PathTemplate, BadTemplate> {
        let rest = text.strip_prefix('/').ok_or(BadTemplate::NoSlash)?;
        if rest.contains(['?', '#']) {
            return Err(BadTemplate::Query);
        }
        let segments: Vec<Segment> = match rest {
            "" => Vec::new(),
            rest => rest.split('/').map(Segment::parse).collect::<Result<_, _>>()?,
        };
        if segments.len() > SEGMENTS_MAX {
            return Err(BadTemplate::TooLong);
        }
        if let Some((_, before)) = segments.split_last()
            && let Some(Segment::Rest(name)) = before.iter().find(|s| matches!(s, Segment::Rest(_)))
        {
            return Err(BadTemplate::RestNotLast(format!("{{{name}...}}")));
        }
        let template = PathTemplate { text: text.to_owned(), segments };
        let names: Vec<&str> = template.params().collect();
        match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            Some((_, name)) => Err(BadTemplate::Twice((*name).to_owned())),
            None => Ok(template),
        }
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests;
