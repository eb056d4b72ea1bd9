//! How two answers differ at one path.

use std::{fmt, str::FromStr};

/// How two answers differ at one path. The set is closed: it is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Another status code; at `status` only.
    Status,
    /// A header or trailer field has another value.
    Header,
    /// Legacy has something here, the other answer has nothing.
    Missing,
    /// Legacy has nothing here, the other answer has something.
    Extra,
    /// Another type of value, `null` included, or another sort of body.
    Type,
    /// Same type, another value.
    Value,
    /// A list with the same elements in another order.
    Order,
    /// A list, a stream of frames or an opaque body of another length.
    Length,
    /// A text body that differs in more than white space.
    Text,
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u16);

/// Why a text is no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no kind of difference: write status, header, missing, extra, type, value, order, length or text"
)]
pub struct BadKind(pub String);

// === impl Kind ===

impl Kind {
    /// All of them, in their order.
    pub const ALL: [Kind; 9] = [
        Kind::Status,
        Kind::Header,
        Kind::Missing,
        Kind::Extra,
        Kind::Type,
        Kind::Value,
        Kind::Order,
        Kind::Length,
        Kind::Text,
    ];

    /// Its name in rules, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Header => "header",
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Type => "type",
            Kind::Value => "value",
            Kind::Order => "order",
            Kind::Length => "length",
            Kind::Text => "text",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = BadKind;

    fn from_str(text: &str) -> Result<Kind, BadKind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| BadKind(text.to_owned()))
    }
}

// === impl Kinds ===

impl Kinds {
    /// Kinds that break a client: ignored only at one exact path, and only for a time.
    pub const GUARDED: Kinds = Kinds::of(&[Kind::Status, Kind::Missing, Kind::Type]);

    /// All other kinds: what a rule ignores that names none.
    pub const UNGUARDED: Kinds =
        Kinds::of(&[Kind::Header, Kind::Extra, Kind::Value, Kind::Order, Kind::Length, Kind::Text]);

    /// The set of these kinds.
    pub const fn of(kinds: &[Kind]) -> Kinds {
        let (mut bits, mut at) = (0, 0);
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u16;
            at += 1;
        }
        Kinds(bits)
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds `kind`.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u16 != 0
    }

    /// Those in both.
    pub fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// Those in either.
    pub fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Those in it but not in `other`.
    pub fn without(self, other: Kinds) -> Kinds {
        Kinds(self.0 & !other.0)
    }

    /// Its kinds, in their order.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Kinds {
        kinds.into_iter().fold(Kinds::default(), |set, kind| set.or(Kinds::of(&[kind])))
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, kind) in self.iter().enumerate() {
            write!(f, "{}{kind}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
