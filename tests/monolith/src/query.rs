//! Query strings and form bodies, read the way old PHP reads them.
//!
//! `+` is a space, a broken percent escape stays as it is, bytes that are no UTF-8 become U+FFFD,
//! and of a repeated key the last value wins.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::reply::Refusal;

/// Decoded pairs in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`; a pair without `=` has an empty value, an empty pair is skipped.
    pub(crate) fn parse(text: &[u8]) -> Query {
        let pairs = text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            (decode_form(&pair[..at]), decode_form(pair.get(at + 1..).unwrap_or_default()))
        });
        Query(pairs.collect())
    }

    /// The last value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every pair, decoded, in the order they came.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A positive decimal number of up to 18 digits: no sign, no space, no `0`.
pub(crate) fn number(text: &str) -> Option<i64> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number: &i64| digits && number > 0)
}

/// The one `{id}` of a path; anything but a positive number is a soft error.
pub(crate) struct PathId(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<PathId, Refusal> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = segment.map_err(|_| Refusal::BAD_ID)?;
        number(&text).map(PathId).ok_or(Refusal::BAD_ID)
    }
}

/// Decodes `%XX` and nothing else; the result need not be UTF-8.
pub(crate) fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escape = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((first, tail));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn decode_form(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8_lossy(&percent_decode(&spaced)).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
