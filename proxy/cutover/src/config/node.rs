//! A parsed TOML text in which every value knows its place.
//!
//! Diagnostics point at values and keys, so the tree keeps both; types are read from it later,
//! table by table, so that one bad table does not hide the mistakes of the next.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    code::Code,
    diagnostic::{Diagnostic, Report},
    source::Place,
};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where the value stands. For a `[table]` that is its header.
    pub place: Place,
    /// Where its key stands, if it has one of its own.
    pub key: Option<Place>,
    /// The value.
    pub value: Value,
    /// Something inside has the wrong shape and is reported; no type can be read from it.
    pub broken: bool,
}

/// What TOML can hold.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a point, an exponent, `inf` or `nan`.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time; no key of ours takes one.
    Datetime,
    /// `[...]`
    Array(Vec<Node>),
    /// `{...}` or `[header]`, keys in alphabetical order.
    Table(BTreeMap<String, Node>),
}

/// Parses one text, reporting every syntax error. The tree holds what could be read.
pub(crate) fn parse(text: &str, source: usize, report: &mut Report) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let end = text.len();
        let span = error.span().unwrap_or(0..end);
        let place = Place::new(source, span.start.min(end)..span.end.min(end));
        report.push(Diagnostic::error(Code::Syntax, error.message().to_owned()).at(place));
    }
    let mut reader = Reader { source, report };
    let span = table.span();
    Node {
        place: Place::new(source, span),
        key: None,
        value: reader.table(table.into_inner()),
        broken: false,
    }
}

struct Reader<'r> {
    source: usize,
    report: &'r mut Report,
}

// === impl Reader ===

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>) -> Value {
        let entries = table.into_iter().map(|(key, value)| {
            let place = Place::new(self.source, key.span());
            let mut node = self.node(value);
            node.key = Some(place);
            (key.into_inner().into_owned(), node)
        });
        Value::Table(entries.collect())
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let place = Place::new(self.source, value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Boolean(flag) => Value::Boolean(flag),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => self.table(table),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => self.too_large(&place),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => self.too_large(&place),
            },
        };
        Node { place, key: None, value, broken: false }
    }

    fn too_large(&mut self, place: &Place) -> Value {
        let message = "the number does not fit into 64 bits".to_owned();
        self.report.push(Diagnostic::error(Code::OutOfRange, message).at(place.clone()));
        Value::Integer(0)
    }
}

// === impl Node ===

impl Node {
    /// The node under a path of keys and positions, as far as it exists: the deepest one that
    /// does, so that a missing key is reported at the table that lacks it.
    pub(crate) fn find(&self, path: &[&str]) -> &Node {
        let Some((first, rest)) = path.split_first() else { return self };
        match self.get(first) {
            Some(node) => node.find(rest),
            None => self,
        }
    }

    /// The entry of a table, or the item of an array by its number.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// As [`Node::get`], to change it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Table(entries) => entries.get_mut(key),
            Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The entries of a table; none for anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        };
        entries.into_iter().flatten().map(|(key, node)| (key.as_str(), node))
    }

    /// The items of an array; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// Where the key stands if it has one, else the value.
    pub(crate) fn key_place(&self) -> Place {
        self.key.clone().unwrap_or_else(|| self.place.clone())
    }

    /// The tree without places, as the types' deserialiser wants it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::String(text) => text.clone().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Boolean(flag) => (*flag).into(),
            Value::Datetime => serde_json::Value::Null,
            Value::Array(items) => items.iter().map(Node::to_json).collect(),
            Value::Table(entries) => {
                entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect()
            }
        }
    }
}

impl Value {
    /// What it is, with its article: `a string`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number with decimals",
            Value::Boolean(_) => "a boolean",
            Value::Datetime => "a date",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }
}
