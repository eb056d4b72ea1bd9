//! Making trees of values, within a bound of bytes.

use std::fmt::Display;

use cutover_domain::{
    compare::{Format, Formats, Frame, KEYS_MAX, Path, Value, is_id},
    exchange::Keep,
};

use super::{
    BYTES_MAX, Redactor,
    tree::{Hidden, Key, Leaf, Node, Sort},
};

/// Longest value that is kept, in bytes.
const KEPT_BYTES_MAX: usize = 256;

/// Makes the trees of one answer or request; together they take at most [`BYTES_MAX`] as JSON.
pub(super) struct Walk<'r> {
    redactor: &'r Redactor,
    keep: &'r Keep,
    is_kept: fn(&Keep, &Path) -> bool,
    bytes_left: usize,
    pub(super) left_out: u64,
}

// === impl Walk ===

impl<'r> Walk<'r> {
    /// By `is_kept` a value at a path is let through.
    pub(super) fn new(
        redactor: &'r Redactor,
        keep: &'r Keep,
        is_kept: fn(&Keep, &Path) -> bool,
    ) -> Walk<'r> {
        Walk { redactor, keep, is_kept, bytes_left: BYTES_MAX, left_out: 0 }
    }

    pub(super) fn frames(&mut self, frames: &[Frame]) -> Node {
        let path = Path::body().element();
        let element = |walk: &mut Self, frame: &Frame| match frame {
            Frame::Value(value) => walk.value(value, &path),
            Frame::Opaque { length, hash } => walk.bytes(*length, *hash),
        };
        self.list(frames, element)
    }

    pub(super) fn value(&mut self, value: &Value, path: &Path) -> Node {
        match value {
            Value::List(list) => {
                let path = path.element();
                self.list(list, |walk, value| walk.value(value, &path))
            }
            Value::Map(map) => {
                let is_wide = map.len() > KEYS_MAX;
                let entries: Vec<_> = map.iter().collect();
                self.map(&entries, |walk, (name, value)| {
                    let path = if is_wide { path.any_key() } else { path.key(name) };
                    let key = if is_wide { walk.hidden_key(name) } else { walk.key(name) };
                    (key, walk.value(value, &path))
                })
            }
            scalar => {
                let leaf = self.scalar(scalar, path);
                self.leaf(leaf)
            }
        }
    }

    /// A text at a place of its own; kept if it may be.
    pub(super) fn text(&mut self, text: &str, path: &Path) -> Node {
        self.value(&Value::text(text), path)
    }

    /// A text that is never kept.
    pub(super) fn hidden_text(&mut self, text: &str) -> Node {
        let leaf = self.redactor.leaf(&Value::text(text));
        self.leaf(leaf)
    }

    /// The hash of bytes is hashed again, with the key: theirs is known to everybody.
    pub(super) fn bytes(&mut self, length: u64, hash: u64) -> Node {
        let hash = self.redactor.hash(&hash.to_le_bytes());
        let formats = Formats::default();
        self.leaf(Leaf::Hidden(Hidden { sort: Sort::Bytes, length, hash, formats }))
    }

    pub(super) fn list<T>(
        &mut self,
        items: &[T],
        mut make: impl FnMut(&mut Self, &T) -> Node,
    ) -> Node {
        let mut nodes = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if !self.pay(1) {
                self.left_out += (items.len() - at) as u64;
                nodes.push(Node::Cut);
                break;
            }
            nodes.push(make(self, item));
        }
        Node::List(nodes)
    }

    pub(super) fn map<T>(
        &mut self,
        items: &[T],
        mut make: impl FnMut(&mut Self, &T) -> (Key, Node),
    ) -> Node {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if self.bytes_left == 0 {
                self.left_out += (items.len() - at) as u64;
                entries.push((Key::Rest, Node::Cut));
                break;
            }
            let (key, node) = make(self, item);
            self.pay(json_bytes(&key));
            entries.push((key, node));
        }
        Node::Map(entries)
    }

    /// A name that is shown unless it is data.
    pub(super) fn key(&self, name: &str) -> Key {
        if is_id(name) { self.hidden_key(name) } else { Key::Name(name.into()) }
    }

    pub(super) fn hidden_key(&self, name: &str) -> Key {
        Key::Hidden(self.redactor.hash(name.as_bytes()))
    }

    /// A scalar, kept if it may be.
    pub(super) fn scalar(&self, value: &Value, path: &Path) -> Leaf {
        match (self.is_kept)(self.keep, path) && may_be_kept(value) {
            true => Leaf::Kept(value.clone()),
            false => self.redactor.leaf(value),
        }
    }

    pub(super) fn leaf(&mut self, leaf: Leaf) -> Node {
        if self.pay(json_bytes(&leaf)) {
            return Node::Leaf(leaf);
        }
        self.left_out += 1;
        Node::Cut
    }

    /// Whether there is room for so many bytes and a comma or colon; if not, there is none left.
    pub(super) fn pay(&mut self, bytes: usize) -> bool {
        match self.bytes_left.checked_sub(bytes + 2) {
            Some(left) => self.bytes_left = left,
            None => self.bytes_left = 0,
        }
        self.bytes_left > 0
    }
}

/// Whether a value is short, and does not look like a token.
pub(super) fn may_be_kept(value: &Value) -> bool {
    let is_token = |text: &str| {
        let scheme = text.split_once(' ').map_or("", |(scheme, _)| scheme);
        text.starts_with("eyJ") && Format::Jwt.fits_text(text)
            || ["bearer", "basic", "digest"].contains(&scheme.to_ascii_lowercase().as_str())
    };
    match value {
        Value::Text(text) => text.len() <= KEPT_BYTES_MAX && !is_token(text),
        Value::Number(number) => number.to_string().len() <= KEPT_BYTES_MAX,
        Value::Bool(_) => true,
        Value::Null | Value::List(_) | Value::Map(_) => false,
    }
}

/// Bytes of a text as JSON writes it, at most.
fn json_bytes(text: &impl Display) -> usize {
    let text = text.to_string();
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + 2 + text.bytes().map(escaped).sum::<usize>()
}
