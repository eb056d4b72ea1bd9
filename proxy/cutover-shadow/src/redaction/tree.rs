//! Values without what they say.
//!
//! A tree mirrors a [`Value`]: lists and objects stay, each scalar becomes a [`Leaf`]. As JSON it
//! mirrors the body too, each leaf a short text:
//!
//! ```json
//! { "name": "text 12 #9f86d081884c7d65", "id": "text 36 #60303ae22b998861 uuid",
//!   "seen": "number 10 #fcde2b2edba56bf4 integer number", "gone": "null",
//!   "status": "= \"active\"", "{a4d7f8e2c1b09365}": "bool 1 #b5bea41b6c623f7c" }
//! ```
//!
//! `= …` is a value that may be kept, `{…}` a key that is data, `…` stands for what was cut off.

mod text;

use cutover_domain::compare::{Format, Formats, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A value without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A scalar.
    Leaf(Leaf),
    /// A list; the last element may be [`Node::Cut`].
    List(Vec<Node>),
    /// An object, sorted by what its keys were; the last key may be [`Key::Rest`].
    Map(Vec<(Key, Node)>),
    /// There was no room for it.
    Cut,
}

/// A scalar without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// It says nothing.
    Null,
    /// It may be kept: a text, number or bool.
    Kept(Value),
    /// What is left of it.
    Hidden(Hidden),
}

/// What is left of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Its type.
    pub sort: Sort,
    /// Bytes of its text, or of itself; 1 for a bool.
    pub length: u64,
    /// First 64 bits of HMAC-SHA-256 of the value, with the key of
    /// [`Config`](crate::Config::redaction_key): equal for equal values.
    pub hash: u64,
    /// Formats that it fits, `non-empty` left out.
    pub formats: Formats,
}

/// Types of values that can be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sort {
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// Bytes that nobody here can read.
    Bytes,
}

/// A key of an object, or a name of a field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// It is a name.
    Name(Box<str>),
    /// It is data, such as an id; a hash of it as of values.
    Hidden(u64),
    /// Stands for keys that there was no room for.
    Rest,
}

/// Why a text is no leaf or key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that redaction writes")]
pub struct BadTree(pub String);

// === impl Node ===

impl Node {
    /// An object without keys.
    pub(crate) fn empty() -> Node {
        Node::Map(Vec::new())
    }

    /// Whether nothing is inside of it.
    pub fn is_empty(&self) -> bool {
        match self {
            Node::List(list) => list.is_empty(),
            Node::Map(map) => map.is_empty(),
            Node::Leaf(_) | Node::Cut => false,
        }
    }

    /// All scalars, in order.
    pub fn leaves(&self) -> Vec<&Leaf> {
        let mut leaves = Vec::new();
        self.visit(&mut |leaf| leaves.push(leaf));
        leaves
    }

    fn visit<'n>(&'n self, see: &mut impl FnMut(&'n Leaf)) {
        match self {
            Node::Leaf(leaf) => see(leaf),
            Node::List(list) => list.iter().for_each(|node| node.visit(see)),
            Node::Map(map) => map.iter().for_each(|(_, node)| node.visit(see)),
            Node::Cut => {}
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Leaf(leaf) => leaf.serialize(serializer),
            Node::List(list) => serializer.collect_seq(list),
            Node::Map(map) => serializer.collect_map(map.iter().map(|(key, node)| (key, node))),
            Node::Cut => serializer.serialize_str(text::CUT),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> de::Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a redacted value: a text, a list or an object")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        match text {
            text::CUT => Ok(Node::Cut),
            text => text.parse().map(Node::Leaf).map_err(E::custom),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

// === impl Leaf ===

impl Leaf {
    /// The value, if it is known.
    pub fn value(&self) -> Option<Value> {
        match self {
            Leaf::Null => Some(Value::Null),
            Leaf::Kept(value) => Some(value.clone()),
            Leaf::Hidden(_) => None,
        }
    }
}

impl Serialize for Leaf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Leaf, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

// === impl Hidden ===

impl Hidden {
    /// Whether it is a number without a fraction.
    pub fn is_integer(&self) -> bool {
        self.formats.contains(Format::Integer)
    }
}

// === impl Key ===

impl Key {
    /// The name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Key::Name(name) => Some(name),
            Key::Hidden(_) | Key::Rest => None,
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
