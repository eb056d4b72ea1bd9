//! Bodies as values: what a parser makes of JSON, or of a gRPC message that it can read.

use super::{Decimal, Incomparable, Limits};

/// A value as JSON knows it (RFC 8259), with exact numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `null`; not the same as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Decimal),
    /// A string, escapes undone.
    Text(Box<str>),
    /// An array, in its order.
    List(Vec<Value>),
    /// An object.
    Map(Map),
}

/// An object: each key once. The order of keys in the body carries no meaning and is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Map {
    /// Sorted by key.
    entries: Vec<(Box<str>, Value)>,
}

// === impl Value ===

impl Value {
    /// A string.
    pub fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// Whether the value stays within `limits`; counts nodes down from `nodes_left`. The depth of
    /// a scalar is 1.
    pub(super) fn fits(&self, limits: &Limits, nodes_left: &mut usize) -> bool {
        self.fits_at(1, limits.depth, nodes_left)
    }

    fn fits_at(&self, depth: usize, depth_max: usize, nodes_left: &mut usize) -> bool {
        let Some(left) = nodes_left.checked_sub(1) else { return false };
        *nodes_left = left;
        let mut inner = |value: &Value| value.fits_at(depth + 1, depth_max, nodes_left);
        depth <= depth_max
            && match self {
                Value::List(list) => list.iter().all(inner),
                Value::Map(map) => map.iter().all(|(_, value)| inner(value)),
                _ => true,
            }
    }
}

// === impl Map ===

impl Map {
    /// The object with these entries, in any order.
    ///
    /// # Errors
    ///
    /// [`Incomparable::DuplicateKey`] if a key occurs twice: clients differ in which of the two
    /// they take (RFC 8259 §4), so no comparison would be right for all of them.
    pub fn new(mut entries: Vec<(Box<str>, Value)>) -> Result<Map, Incomparable> {
        entries.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        match entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            true => Err(Incomparable::DuplicateKey),
            false => Ok(Map { entries }),
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.entries.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(&self.entries[at].1)
    }

    /// Its entries, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (&**key, value))
    }
}
