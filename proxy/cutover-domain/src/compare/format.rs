//! Formats of text by which values agree without being equal, and by which samples are clustered.

use std::{fmt, str::FromStr};

mod set;

pub use self::set::Formats;
use super::{Value, moment::Moment};

/// A format of scalar values, for `shape` rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// RFC 9562, with hyphens, in either case.
    Uuid,
    /// 26 characters of Crockford's base 32: <https://github.com/ulid/spec>.
    Ulid,
    /// A date with a time: RFC 3339 `date-time`.
    Rfc3339,
    /// A date alone: RFC 3339 `full-date`.
    Date,
    /// An HTTP date: RFC 9110 §5.6.7, `IMF-fixdate`.
    HttpDate,
    /// A number without fraction, or a text of one.
    Integer,
    /// Any number, or a text of one.
    Number,
    /// Hexadecimal digits, at least one.
    Hex,
    /// Base 64 in either alphabet (RFC 4648), padded or not, at least one character.
    Base64,
    /// Three parts of base 64 between points: RFC 7519.
    Jwt,
    /// Any text that is not empty.
    NonEmpty,
}

/// Why a text is no [`Format`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no format: write uuid, ulid, rfc3339, date, http-date, integer, number, hex, base64, jwt or non-empty"
)]
pub struct BadFormat(pub String);

// === impl Format ===

impl Format {
    /// All of them.
    pub const ALL: [Format; 11] = [
        Format::Uuid,
        Format::Ulid,
        Format::Rfc3339,
        Format::Date,
        Format::HttpDate,
        Format::Integer,
        Format::Number,
        Format::Hex,
        Format::Base64,
        Format::Jwt,
        Format::NonEmpty,
    ];

    /// Its name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Uuid => "uuid",
            Format::Ulid => "ulid",
            Format::Rfc3339 => "rfc3339",
            Format::Date => "date",
            Format::HttpDate => "http-date",
            Format::Integer => "integer",
            Format::Number => "number",
            Format::Hex => "hex",
            Format::Base64 => "base64",
            Format::Jwt => "jwt",
            Format::NonEmpty => "non-empty",
        }
    }

    /// Whether a value has this format.
    pub fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Text(text)) => self.fits_text(text),
            (Format::Number, Value::Number(_)) => true,
            (Format::Integer, Value::Number(number)) => number.is_integer(),
            _ => false,
        }
    }

    /// Whether a text has this format.
    pub fn fits_text(self, text: &str) -> bool {
        let number = || text.parse::<super::Decimal>().ok();
        match self {
            Format::Uuid => is_uuid(text),
            Format::Ulid => {
                text.len() == 26
                    && text.starts_with(|c| ('0'..='7').contains(&c))
                    && all(text, is_crockford)
            }
            Format::Rfc3339 => Moment::rfc3339(text).is_some(),
            Format::Date => Moment::date(text).is_some(),
            Format::HttpDate => Moment::http(text).is_some(),
            Format::Integer => number().is_some_and(|number| number.is_integer()),
            Format::Number => number().is_some(),
            Format::Hex => all(text, |b| b.is_ascii_hexdigit()),
            Format::Base64 => is_base64(text),
            Format::Jwt => {
                let parts = text.split('.');
                parts.clone().count() == 3 && parts.clone().all(|part| all(part, is_base64_url))
            }
            Format::NonEmpty => !text.is_empty(),
        }
    }
}

fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_crockford(b: u8) -> bool {
    b.is_ascii_alphanumeric() && !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U')
}

fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let standard = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    (all(bare, standard) || all(bare, is_base64_url))
        && bare.len() % 4 != 1
        && (padding == 0 || text.len().is_multiple_of(4) && padding <= 2)
}

fn is_base64_url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

/// What a value looks like, without saying what it is; few different words, for clusters.
pub(super) fn look(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_integer() => "integer",
        Value::Number(_) => "decimal",
        Value::Text(text) => look_of_text(text),
        Value::List(list) if list.is_empty() => "empty list",
        Value::List(_) => "list",
        Value::Map(map) if map.is_empty() => "empty map",
        Value::Map(_) => "map",
    }
}

/// As [`look`], of a text.
pub(super) fn look_of_text(text: &str) -> &'static str {
    match text {
        "" => "empty text",
        text if text.trim().is_empty() => "blank text",
        text if Format::Uuid.fits_text(text) => "uuid",
        text if Format::Rfc3339.fits_text(text) => "rfc3339",
        text if Format::Date.fits_text(text) => "date",
        text if Format::HttpDate.fits_text(text) => "http-date",
        text if Format::Number.fits_text(text) => "numeric text",
        _ => "text",
    }
}

/// As [`look_of_text`], of a text of which only the formats are known; blank ones have none.
pub(super) fn look_of_formats(formats: Formats) -> &'static str {
    let looks = [
        (Format::Uuid, "uuid"),
        (Format::Rfc3339, "rfc3339"),
        (Format::Date, "date"),
        (Format::HttpDate, "http-date"),
        (Format::Number, "numeric text"),
    ];
    let look = looks.into_iter().find(|(format, _)| formats.contains(*format));
    look.map_or("text", |(_, look)| look)
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = BadFormat;

    fn from_str(text: &str) -> Result<Format, BadFormat> {
        Format::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| BadFormat(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
