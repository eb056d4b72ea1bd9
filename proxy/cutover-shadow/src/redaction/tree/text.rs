//! Leaves and keys as texts. Words that nobody knows are left out: a later release may say more.

use std::{fmt, str::FromStr};

use cutover_domain::compare::{Format, Value};

use super::{BadTree, Hidden, Key, Leaf, Sort};

/// Stands for what there was no room for.
pub(super) const CUT: &str = "…";
const NULL: &str = "null";
const KEPT: &str = "= ";

// === impl Leaf ===

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Leaf::Null => f.write_str(NULL),
            Leaf::Kept(Value::Bool(bool)) => write!(f, "{KEPT}{bool}"),
            Leaf::Kept(Value::Number(number)) => write!(f, "{KEPT}{number}"),
            Leaf::Kept(Value::Text(text)) => write!(f, "{KEPT}{}", quoted(text)),
            // Nothing else is ever kept.
            Leaf::Kept(_) => f.write_str(NULL),
            Leaf::Hidden(Hidden { sort, length, hash, formats }) => {
                write!(f, "{} {length} #{hash:016x}", sort.as_str())?;
                formats.iter().try_for_each(|format| write!(f, " {format}"))
            }
        }
    }
}

impl FromStr for Leaf {
    type Err = BadTree;

    fn from_str(text: &str) -> Result<Leaf, BadTree> {
        let leaf = match text.strip_prefix(KEPT) {
            Some(json) => kept(json).map(Leaf::Kept),
            None if text == NULL => Some(Leaf::Null),
            None => hidden(text).map(Leaf::Hidden),
        };
        leaf.ok_or_else(|| BadTree(text.to_owned()))
    }
}

fn kept(json: &str) -> Option<Value> {
    match json {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        text if text.starts_with('"') => {
            serde_json::from_str::<String>(text).ok().map(|text| Value::Text(text.into()))
        }
        number => number.parse().ok().map(Value::Number),
    }
}

fn hidden(text: &str) -> Option<Hidden> {
    let mut words = text.split(' ');
    let sort = words.next()?;
    Some(Hidden {
        sort: Sort::ALL.into_iter().find(|known| known.as_str() == sort)?,
        length: words.next()?.parse().ok()?,
        hash: u64::from_str_radix(words.next()?.strip_prefix('#')?, 16).ok()?,
        formats: words.filter_map(|word| word.parse::<Format>().ok()).collect(),
    })
}

/// A text as JSON writes it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

// === impl Sort ===

impl Sort {
    const ALL: [Sort; 4] = [Sort::Bool, Sort::Number, Sort::Text, Sort::Bytes];

    /// Its name in leaves.
    pub fn as_str(self) -> &'static str {
        match self {
            Sort::Bool => "bool",
            Sort::Number => "number",
            Sort::Text => "text",
            Sort::Bytes => "bytes",
        }
    }
}

// === impl Key ===

/// Whether a name could be taken for something else, and has a `\` before it.
fn is_escaped(name: &str) -> bool {
    name.starts_with(['{', '\\', '…'])
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Name(name) if is_escaped(name) => write!(f, "\\{name}"),
            Key::Name(name) => f.write_str(name),
            Key::Hidden(hash) => write!(f, "{{{hash:016x}}}"),
            Key::Rest => f.write_str(CUT),
        }
    }
}

impl FromStr for Key {
    type Err = BadTree;

    fn from_str(text: &str) -> Result<Key, BadTree> {
        if let Some(name) = text.strip_prefix('\\') {
            return Ok(Key::Name(name.into()));
        }
        match text.strip_prefix('{') {
            Some(rest) => {
                let hash =
                    rest.strip_suffix('}').and_then(|hash| u64::from_str_radix(hash, 16).ok());
                hash.map(Key::Hidden).ok_or_else(|| BadTree(text.to_owned()))
            }
            None if text == CUT => Ok(Key::Rest),
            None => Ok(Key::Name(text.into())),
        }
    }
}
