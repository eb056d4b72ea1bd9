//! Rows as both stores see them: one encoding, one hash per row, one digest per range.
//!
//! Two databases hold the same row when its encodings are the same bytes. The encoding is typed:
//! numbers are compared by value whatever their text, timestamps are microseconds in UTC, `NULL` is
//! not the empty text, JSON is compared with sorted keys. Each row has two hashes (xxh3-128):
//! its *meaning* as just said, and its *spelling*, where JSON counts byte for byte, since a service
//! that takes over must also give it back byte for byte. A range has the ordered fold of both.
//!
//! Not a defence against forgery: xxh3 finds accidents, not attacks.

mod json;
mod number;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// One column of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number. Equal to a [`Value::Decimal`] of the same value.
    Integer(i64),
    /// A number as text, like `-1.50` or `15e-1`; text that is no number is compared as text.
    Decimal(&'a str),
    /// Text, compared byte for byte; nothing is normalised.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Microseconds since the Unix epoch.
    Timestamp(i64),
    /// JSON text; invalid JSON, and what is nested deeper than 128 levels, is compared as text.
    Json(&'a str),
}

/// The two hashes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowHash {
    /// Over the canonical encoding.
    pub meaning: Hash128,
    /// Over the encoding that leaves JSON as it is written.
    pub spelling: Hash128,
}

/// A row's name, version and hashes: what is compared when a range differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDigest {
    /// The id that both sides know it by.
    pub id: i64,
    /// Its version; 0 for entities without one.
    pub version: i64,
    /// Its content, version included.
    #[serde(flatten)]
    pub hash: RowHash,
}

/// Number of rows and the ordered fold of their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Rows in the range.
    pub count: u64,
    /// Fold of the rows' [`RowHash::meaning`].
    pub meaning: Hash128,
    /// Fold of the rows' [`RowHash::spelling`].
    pub spelling: Hash128,
}

/// 128 bits, written as 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash128(pub u128);

/// Collects a [`Digest`]; the order of [`Fold::push`] counts.
#[derive(Default)]
pub struct Fold {
    count: u64,
    meaning: Xxh3,
    spelling: Xxh3,
}

// === impl RowHash ===

impl RowHash {
    /// Hashes the columns in the order given, which both sides must agree on.
    pub fn of(columns: &[Value<'_>]) -> RowHash {
        let mut meaning = Vec::with_capacity(256);
        let mut spelling = Vec::with_capacity(256);
        for column in columns {
            column.encode(Json::Canonical, &mut meaning);
            column.encode(Json::AsWritten, &mut spelling);
        }
        RowHash { meaning: Hash128(xxh3_128(&meaning)), spelling: Hash128(xxh3_128(&spelling)) }
    }
}

// === impl Fold ===

impl Fold {
    /// Adds the next row, in ascending order of ids.
    pub fn push(&mut self, hash: RowHash) {
        self.count += 1;
        self.meaning.update(&hash.meaning.0.to_be_bytes());
        self.spelling.update(&hash.spelling.0.to_be_bytes());
    }

    /// The digest of the rows so far.
    pub fn finish(&self) -> Digest {
        Digest {
            count: self.count,
            meaning: Hash128(self.meaning.digest128()),
            spelling: Hash128(self.spelling.digest128()),
        }
    }
}

// === impl Value ===

#[derive(Clone, Copy, PartialEq, Eq)]
enum Json {
    Canonical,
    AsWritten,
}

impl Value<'_> {
    /// A tag, the length in eight bytes, the content: no two rows have the same encoding by chance
    /// of where one column ends.
    fn encode(self, json: Json, out: &mut Vec<u8>) {
        match self {
            Value::Null => put(out, b'0', b""),
            Value::Bool(value) => put(out, b'b', &[u8::from(value)]),
            Value::Integer(value) => Value::Decimal(&value.to_string()).encode(json, out),
            Value::Decimal(text) => match number::normalize(text) {
                Some(normal) => put(out, b'n', normal.as_bytes()),
                None => put(out, b't', text.as_bytes()),
            },
            Value::Text(text) => put(out, b't', text.as_bytes()),
            Value::Bytes(bytes) => put(out, b'x', bytes),
            Value::Timestamp(micros) => put(out, b'u', &micros.to_be_bytes()),
            Value::Json(text) => match (json, json::canonical(text)) {
                (Json::Canonical, Some(canonical)) => put(out, b'j', canonical.as_bytes()),
                (Json::AsWritten, Some(_)) => put(out, b'j', text.as_bytes()),
                (_, None) => put(out, b't', text.as_bytes()),
            },
        }
    }
}

fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&(content.len() as u64).to_be_bytes());
    out.extend_from_slice(content);
}

// === impl Hash128 ===

impl std::fmt::Display for Hash128 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Hash128 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash128 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash128, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u128::from_str_radix(&text, 16).ok().filter(|_| is_hex);
        bits.map(Hash128).ok_or_else(|| serde::de::Error::custom("a hash is 32 hex digits"))
    }
}

#[cfg(test)]
mod tests;
