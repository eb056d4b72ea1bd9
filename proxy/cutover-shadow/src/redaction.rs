//! Requests and answers without their values: what is where, of which type, how long, which
//! formats it fits, and a keyed hash by which equal values can be told from different ones.
//!
//! Enough to be compared again by other rules, and to show somebody where to look; nothing that
//! anybody said. Values stay only where the route's [`Keep`] lists their place. Keys that are
//! data rather than names are hidden as values are.

mod common;
mod rebuild;
mod request;
mod tree;
mod walk;

use cutover_domain::{
    compare::{Answer, Body, Format, Formats, Path, Value},
    exchange::Keep,
};
use ring::hmac;
use serde::{Deserialize, Serialize};

use self::walk::Walk;
pub(crate) use self::{
    common::reduce_to_common, rebuild::Rebuild, request::outline as request_outline,
};
pub use self::{
    request::{NotReplayable, Replay, RequestOutline},
    tree::{BadTree, Hidden, Key, Leaf, Node, Sort},
};

/// Most bytes that the trees of one answer, or of one request, take as JSON.
pub const OUTLINE_BYTES_MAX: usize = 64 * 1024;
/// What is left of it for trees: the rest is for the names of what holds them.
const BYTES_MAX: usize = OUTLINE_BYTES_MAX - 512;

/// One answer without its values. At most [`OUTLINE_BYTES_MAX`] as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Its status.
    pub status: u16,
    /// Its fields in the spelling in which they are compared, by name. Of `set-cookie`: an object
    /// of lists, for each cookie of a name its value and its attributes.
    pub headers: Node,
    /// As `headers`.
    #[serde(default = "Node::empty", skip_serializing_if = "Node::is_empty")]
    pub trailers: Node,
    /// Its body.
    pub body: BodyOutline,
    /// Places for which there was no room, at least; 0: it is all there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// A body without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyOutline {
    /// No byte.
    Empty,
    /// JSON.
    Json(Node),
    /// Text: one leaf.
    Text(Node),
    /// Messages of a stream: a list.
    Frames(Node),
    /// Anything else: one leaf.
    Bytes(Node),
}

/// Makes outlines.
pub(crate) struct Redactor(hmac::Key);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

// === impl Redactor ===

impl Redactor {
    pub(crate) fn new(key: &[u8; 32]) -> Redactor {
        Redactor(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Names the key: hashes of outlines of two keys say nothing about each other.
    pub(crate) fn key_id(&self) -> u64 {
        self.hash(b"the key of redaction")
    }

    /// The outline of one answer.
    pub(crate) fn outline(&self, answer: &Answer, keep: &Keep) -> Outline {
        self.outline_by(answer, keep, Keep::in_answer)
    }

    /// An answer with most of its values, to be held against an outline and forgotten.
    pub(crate) fn shown(&self, answer: &Answer) -> Outline {
        self.outline_by(answer, &Keep::default(), |_, _| true)
    }

    fn outline_by(
        &self,
        answer: &Answer,
        keep: &Keep,
        is_kept: fn(&Keep, &Path) -> bool,
    ) -> Outline {
        let Answer { status, headers, trailers, body } = answer.canonical();
        let mut walk = Walk::new(self, keep, is_kept);
        let headers = fields(&headers, Path::header, &mut walk);
        let trailers = fields(&trailers, Path::trailer, &mut walk);
        let body = body_outline(&body, &mut walk);
        Outline { status, headers, trailers, body, left_out: walk.left_out }
    }

    fn hash(&self, value: &[u8]) -> u64 {
        let tag = hmac::sign(&self.0, value);
        let first = tag.as_ref().first_chunk().expect("a SHA-256 tag has 32 bytes");
        u64::from_be_bytes(*first)
    }

    /// What is left of a scalar. White space tells nothing of anybody and stays.
    fn leaf(&self, value: &Value) -> Leaf {
        let (sort, text) = match value {
            Value::Null | Value::List(_) | Value::Map(_) => return Leaf::Null,
            Value::Text(text) if text.trim().is_empty() && text.len() <= 256 => {
                return Leaf::Kept(value.clone());
            }
            Value::Bool(bool) => (Sort::Bool, bool.to_string().into()),
            Value::Number(number) => (Sort::Number, number.to_string().into()),
            Value::Text(text) => (Sort::Text, text.clone()),
        };
        let length = if sort == Sort::Bool { 1 } else { text.len() as u64 };
        let formats = Formats::of(value).iter().filter(|format| *format != Format::NonEmpty);
        let (hash, formats) = (self.hash(text.as_bytes()), formats.collect());
        Leaf::Hidden(Hidden { sort, length, hash, formats })
    }
}

/// Header or trailer fields by name.
fn fields(fields: &[(Box<str>, Box<str>)], path: fn(&str) -> Path, walk: &mut Walk<'_>) -> Node {
    let cookies: Vec<&str> =
        fields.iter().filter(|(name, _)| is_set_cookie(name)).map(|(_, text)| &**text).collect();
    let mut fields: Vec<_> = fields.iter().map(|(name, text)| (&**name, &**text)).collect();
    fields.dedup_by(|(second, _), (first, _)| is_set_cookie(first) && first == second);
    walk.map(&fields, |walk, (name, text)| match is_set_cookie(name) {
        true => (walk.key(name), cookies_by_name(&cookies, walk)),
        false => (walk.key(name), walk.text(text, &path(name))),
    })
}

fn is_set_cookie(name: &str) -> bool {
    name == "set-cookie"
}

fn cookies_by_name(cookies: &[&str], walk: &mut Walk<'_>) -> Node {
    let mut by_name: Vec<(&str, Vec<&str>)> = Vec::new();
    for cookie in cookies {
        let (name, rest) = cookie.split_once('=').unwrap_or((cookie, ""));
        let (value, attributes) = rest.split_once("; ").unwrap_or((rest, ""));
        match by_name.iter_mut().find(|(known, _)| *known == name) {
            Some((_, parts)) => parts.extend([value, attributes]),
            None => by_name.push((name, vec![value, attributes])),
        }
    }
    walk.map(&by_name, |walk, (name, parts)| {
        (walk.key(name), walk.list(parts, |walk, text| walk.hidden_text(text)))
    })
}

fn body_outline(body: &Body, walk: &mut Walk<'_>) -> BodyOutline {
    match body {
        Body::Empty => BodyOutline::Empty,
        Body::Value(value) => BodyOutline::Json(walk.value(value, &Path::body())),
        Body::Text(text) => BodyOutline::Text(walk.hidden_text(text)),
        Body::Frames(frames) => BodyOutline::Frames(walk.frames(frames)),
        Body::Opaque { length, hash } => BodyOutline::Bytes(walk.bytes(*length, *hash)),
    }
}

#[cfg(test)]
mod tests;
