//! What a journey is made of, as files declare it.

use std::{fmt, str::FromStr, time::Duration};

use http::{HeaderName, Method, StatusCode};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A journey as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct JourneySpec {
    /// Unique, `[a-z0-9-]`; used in metrics and commands.
    pub name: String,
    /// Ids of the routes whose changes begin it.
    pub starts: Vec<String>,
    /// Ids of the routes whose reads end it.
    pub ends: Vec<String>,
    /// What start and end have in common, in order: at least one source of the request, which
    /// names the entity; those of the answer name its state.
    pub correlate: Vec<Source>,
    /// Until when a start must be shown.
    pub within: Duration,
    /// When a start that was not shown is given up; longer than `within`.
    pub lost_after: Duration,
    /// Share of good ones that is promised, in percent, above 0 and below 100.
    pub target_percent: f64,
}

/// Where a part of the correlation is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `path:NAME`: a parameter of the route's path template.
    Path(String),
    /// `header:NAME`: a field of the request.
    Header(HeaderName),
    /// `answer:NAME`: a field of the answer.
    Answer(HeaderName),
}

/// What a request of a route can be to a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It may change the state.
    Start,
    /// It may show the state.
    End,
}

/// The text names no source of a correlation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of a correlation: use path:NAME, header:NAME or answer:NAME")]
pub struct BadSource(pub String);

/// Adds one part to the hash of those before it; begin with 0. xxh3-64 of the part, seeded by what
/// came before, so that the borders between parts count.
pub fn hash(before: u64, part: &[u8]) -> u64 {
    xxh3_64_with_seed(part, before)
}

/// A field's value without what says nothing about the state: the weakness of an entity tag, which
/// is ignored in comparisons of this kind (RFC 9110 §8.8.3.2).
pub fn tag(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"W/").filter(|tag| tag.starts_with(b"\"")).unwrap_or(value)
}

// === impl JourneySpec ===

impl JourneySpec {
    /// What a request by this method is to the journey on the route `id`: methods that are safe
    /// (RFC 9110 §9.2.1) read, all others change. `None`: it takes no part.
    pub fn role(&self, id: &str, method: &Method) -> Option<Role> {
        let (role, routes) = match method.is_safe() {
            true => (Role::End, &self.ends),
            false => (Role::Start, &self.starts),
        };
        routes.iter().any(|route| route == id).then_some(role)
    }

    /// Whether requests of the route `id` take part.
    pub fn concerns(&self, id: &str) -> bool {
        self.starts.iter().chain(&self.ends).any(|route| route == id)
    }
}

// === impl Role ===

impl Role {
    /// Whether an answer of this status may speak for or against a journey.
    ///
    /// A change that was refused (4xx) is none. A reader who may not look (401, 403) or who asked
    /// for something else proves nothing; one who finds nothing (404, 410) or whom the side fails
    /// (5xx) was not shown the state.
    pub fn minds(self, status: StatusCode) -> bool {
        match (self, status) {
            (Role::Start, status) => !status.is_client_error(),
            (Role::End, StatusCode::NOT_FOUND | StatusCode::GONE) => true,
            (Role::End, status) => status.is_server_error() || Role::succeeded(status),
        }
    }

    /// Whether an answer of this status accepts a change or shows a state: 2xx, or a 304 to
    /// somebody who has the state already.
    pub fn succeeded(status: StatusCode) -> bool {
        status.is_success() || status == StatusCode::NOT_MODIFIED
    }
}

// === impl Source ===

impl Source {
    /// Whether it is read from the request, and so names the entity.
    pub fn is_of_request(&self) -> bool {
        !matches!(self, Source::Answer(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Path(name) => write!(f, "path:{name}"),
            Source::Header(name) => write!(f, "header:{name}"),
            Source::Answer(name) => write!(f, "answer:{name}"),
        }
    }
}

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Source, BadSource> {
        let bad = || BadSource(text.to_owned());
        let (kind, name) =
            text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or_else(bad)?;
        let field = || HeaderName::try_from(name).map_err(|_| bad());
        match kind {
            "path" => Ok(Source::Path(name.to_owned())),
            "header" => field().map(Source::Header),
            "answer" => field().map(Source::Answer),
            _ => Err(bad()),
        }
    }
}
