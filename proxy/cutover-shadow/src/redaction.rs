//! Answers without their values: what is where, of which type, how long, and a keyed hash by
//! which equal values can be told from different ones, and nothing else.

use cutover_domain::compare::{Answer, Body, Frame, Value};
use ring::hmac;

/// Most places of one answer that an outline shows.
const LEAVES_MAX: usize = 256;
/// Most keys that an object shows by name.
const KEYS_MAX: usize = 50;
/// Longest key that is shown.
const KEY_BYTES_MAX: usize = 40;

/// One answer without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Whose answer: `legacy`, `candidate` or `legacy again`.
    pub whose: &'static str,
    /// Its status.
    pub status: u16,
    /// Its places in order, at most 256.
    pub leaves: Vec<Leaf>,
    /// Places beyond that.
    pub left_out: usize,
}

/// One place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// As paths of comparison are written, list indices left out: `body.devices[].name`.
    pub path: Box<str>,
    /// `null`, `bool`, `number`, `text`, `list`, `map` or `bytes`; a list or map only if empty.
    pub kind: &'static str,
    /// Length of its text in bytes; of bytes, their number.
    pub length: u64,
    /// First 64 bits of HMAC-SHA-256 of the value, with the key of
    /// [`Config`](crate::Config::redaction_key).
    pub hash: u64,
}

/// Makes outlines.
pub(crate) struct Redactor(hmac::Key);

/// An outline in the making.
struct Walk<'r> {
    redactor: &'r Redactor,
    path: String,
    leaves: Vec<Leaf>,
    left_out: usize,
}

// === impl Redactor ===

impl Redactor {
    pub(crate) fn new(key: &[u8; 32]) -> Redactor {
        Redactor(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Answers by whose they are.
    pub(crate) fn outlines(&self, answers: &[(&'static str, Answer)]) -> Vec<Outline> {
        answers.iter().map(|(whose, answer)| self.outline(whose, answer)).collect()
    }

    fn outline(&self, whose: &'static str, answer: &Answer) -> Outline {
        let mut walk =
            Walk { redactor: self, path: String::new(), leaves: Vec::new(), left_out: 0 };
        for (part, fields) in [("header", &answer.headers), ("trailer", &answer.trailers)] {
            for (name, value) in fields {
                walk.path = format!("{part}.{name}");
                walk.leaf("text", value.as_bytes());
            }
        }
        walk.path = "body".into();
        walk.body(&answer.body);
        Outline { whose, status: answer.status, leaves: walk.leaves, left_out: walk.left_out }
    }

    fn hash(&self, value: &[u8]) -> u64 {
        let tag = hmac::sign(&self.0, value);
        let first = tag.as_ref().first_chunk().expect("a SHA-256 tag has 32 bytes");
        u64::from_be_bytes(*first)
    }
}

// === impl Walk ===

impl Walk<'_> {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Empty => {}
            Body::Value(value) => self.value(value),
            Body::Text(text) => self.leaf("text", text.as_bytes()),
            Body::Opaque { length, hash } => self.bytes(*length, *hash),
            Body::Frames(frames) => self.within("[]", |walk| {
                for frame in frames {
                    match frame {
                        Frame::Value(value) => walk.value(value),
                        Frame::Opaque { length, hash } => walk.bytes(*length, *hash),
                    }
                }
            }),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.leaf("null", b""),
            Value::Bool(bool) => self.leaf("bool", if *bool { b"true" } else { b"false" }),
            Value::Number(number) => self.leaf("number", number.to_string().as_bytes()),
            Value::Text(text) => self.leaf("text", text.as_bytes()),
            Value::List(list) if list.is_empty() => self.leaf("list", b""),
            Value::List(list) => {
                self.within("[]", |walk| list.iter().for_each(|value| walk.value(value)));
            }
            Value::Map(map) if map.is_empty() => self.leaf("map", b""),
            Value::Map(map) => {
                let are_names = map.len() <= KEYS_MAX;
                for (key, value) in map.iter() {
                    let step = match are_names && is_name(key) {
                        true => format!(".{key}"),
                        false => "{}".to_owned(),
                    };
                    self.within(&step, |walk| walk.value(value));
                }
            }
        }
    }

    fn within(&mut self, step: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        walk(self);
        self.path.truncate(length);
    }

    /// The hash of bytes is hashed again, with the key: theirs is known to everybody.
    fn bytes(&mut self, length: u64, hash: u64) {
        self.leaf("bytes", &hash.to_le_bytes());
        if let Some(leaf) = self.leaves.last_mut().filter(|leaf| leaf.kind == "bytes") {
            leaf.length = length;
        }
    }

    fn leaf(&mut self, kind: &'static str, value: &[u8]) {
        if self.leaves.len() >= LEAVES_MAX {
            self.left_out += 1;
            return;
        }
        let (path, length) = (self.path.as_str().into(), value.len() as u64);
        self.leaves.push(Leaf { path, kind, length, hash: self.redactor.hash(value) });
    }
}

/// Whether a key names a field rather than a thing: what looks like an id may be somebody's.
fn is_name(key: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte);
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    !key.is_empty() && key.len() <= KEY_BYTES_MAX && digits <= 2 && key.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
