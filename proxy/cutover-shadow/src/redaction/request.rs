//! Requests without their values, and those of them that can be sent again.

mod replay;

use cutover_domain::{
    compare::{Format, Limits, Path, Value, is_id},
    endpoint::{PathTemplate, Segment},
    exchange::{Keep, RequestCopy},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

pub use self::replay::{NotReplayable, Replay};
use super::{
    BodyOutline, Redactor, body_outline, is_zero,
    tree::{Key, Leaf, Node},
    walk::{Walk, may_be_kept},
};
use crate::parse::request_body;

/// Longest name of a query parameter that is shown.
const NAME_BYTES_MAX: usize = 40;
/// Most digits of a number in a path that is shown.
const DIGITS_MAX: usize = 9;

/// One request without its values. At most [`super::OUTLINE_BYTES_MAX`] as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestOutline {
    /// Its method; `_OTHER` for one that clients choose freely.
    pub method: Box<str>,
    /// The route's path template.
    pub template: Box<str>,
    /// The segments of its path, as they were sent. Shown are those that the template names,
    /// numbers of up to 9 digits, UUIDs, and parameters that `keep` lists.
    pub path: Vec<Leaf>,
    /// Its query, in order. [`Leaf::Null`]: a parameter without a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(Key, Leaf)>,
    /// Its fields by name.
    pub headers: Node,
    /// Its body.
    pub body: BodyOutline,
    /// Places for which there was no room, at least; 0: it is all there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// The outline of a request that `template` matched; `method` is one of a closed set.
pub(crate) fn outline(
    request: &RequestCopy,
    method: &str,
    template: &PathTemplate,
    keep: &Keep,
    (redactor, limits): (&Redactor, &Limits),
) -> RequestOutline {
    let RequestCopy { target, headers, body, .. } = request;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut making = Making { keep, redactor, walk: Walk::new(redactor, keep, Keep::in_request) };
    let path = making.path(path, template.segments());
    let query = making.query(query);
    let fields = making.headers(headers);
    let body = match request_body(body, headers, limits) {
        Some(body) => body_outline(&body, &mut making.walk),
        None => BodyOutline::Bytes(making.walk.bytes(body.len() as u64, xxh3_64(body))),
    };
    RequestOutline {
        method: method.into(),
        template: template.as_str().into(),
        path,
        query,
        headers: fields,
        body,
        left_out: making.walk.left_out,
    }
}

struct Making<'r> {
    keep: &'r Keep,
    redactor: &'r Redactor,
    walk: Walk<'r>,
}

// === impl Making ===

impl Making<'_> {
    fn path(&mut self, path: &str, template: &[Segment]) -> Vec<Leaf> {
        let segments: Vec<&str> = match path.strip_prefix('/') {
            Some("") | None => Vec::new(),
            Some(path) => path.split('/').collect(),
        };
        let mut leaves = Vec::new();
        for (at, segment) in segments.into_iter().enumerate() {
            let of = template.get(at).or(template.last());
            let is_shown = match of {
                Some(literal @ Segment::Literal(_)) => {
                    at < template.len() && literal.spells(segment)
                }
                Some(Segment::Param(name) | Segment::Rest(name)) => {
                    is_nobodys(segment) || self.keep.in_path(name)
                }
                None => false,
            };
            let leaf = self.leaf(segment, is_shown);
            if !self.walk.pay(leaf.to_string().len() + 8) {
                self.walk.left_out += 1;
                break;
            }
            leaves.push(leaf);
        }
        leaves
    }

    fn query(&mut self, query: &str) -> Vec<(Key, Leaf)> {
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, leaf) = match pair.split_once('=') {
                Some((name, value)) if is_name(name) => {
                    (Key::Name(name.into()), self.leaf(value, self.keep.in_query(name)))
                }
                Some((name, value)) => (self.walk.hidden_key(name), self.leaf(value, false)),
                // One without a value may be a value.
                None => (self.walk.hidden_key(pair), Leaf::Null),
            };
            if !self.walk.pay(leaf.to_string().len() + key.to_string().len() + 16) {
                self.walk.left_out += 1;
                break;
            }
            pairs.push((key, leaf));
        }
        pairs
    }

    fn headers(&mut self, headers: &HeaderMap) -> Node {
        let fields: Vec<(&str, String)> = headers
            .keys()
            .map(|name| {
                let values = headers.get_all(name).iter();
                let values: Vec<_> =
                    values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
                (name.as_str(), values.join(", "))
            })
            .collect();
        self.walk.map(&fields, |walk, (name, text)| {
            (walk.key(name), walk.text(text, &Path::header(name)))
        })
    }

    /// A part of the target, as it was sent.
    fn leaf(&self, text: &str, is_kept: bool) -> Leaf {
        let value = Value::text(text);
        let is_kept = is_kept && may_be_kept(&value);
        if is_kept { Leaf::Kept(value) } else { self.redactor.leaf(&value) }
    }
}

/// Whether a segment is a number or UUID, by which a thing is named.
fn is_nobodys(segment: &str) -> bool {
    let is_number = segment.len() <= DIGITS_MAX && segment.bytes().all(|b| b.is_ascii_digit());
    !segment.is_empty() && is_number || Format::Uuid.fits_text(segment)
}

/// Whether the name of a parameter is one.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]$".contains(&byte);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_plain) && !is_id(name)
}

#[cfg(test)]
mod tests;
