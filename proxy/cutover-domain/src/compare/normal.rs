//! Steps that make two spellings of one text the same.

use std::{borrow::Cow, fmt, str::FromStr};

/// One step of a `normalise` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Normal {
    /// White space at both ends is cut off.
    Trim,
    /// Runs of white space become one space; those at the ends are cut off.
    Space,
    /// Unicode lower case.
    LowerCase,
    /// One pair of double quotes around the text is cut off, and a `W/` before it (RFC 9110 §8.8.3).
    Unquote,
    /// Parts between commas are trimmed and sorted.
    SortList,
    /// `scheme://authority` of an absolute URL is cut off.
    Origin,
    /// One `/` at the end is cut off.
    TrailingSlash,
}

/// Why a text is no [`Normal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no step of normalising: write trim, space, lower-case, unquote, sort-list, origin or trailing-slash"
)]
pub struct BadNormal(pub String);

// === impl Normal ===

impl Normal {
    /// All of them.
    pub const ALL: [Normal; 7] = [
        Normal::Trim,
        Normal::Space,
        Normal::LowerCase,
        Normal::Unquote,
        Normal::SortList,
        Normal::Origin,
        Normal::TrailingSlash,
    ];

    /// Its name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Normal::Trim => "trim",
            Normal::Space => "space",
            Normal::LowerCase => "lower-case",
            Normal::Unquote => "unquote",
            Normal::SortList => "sort-list",
            Normal::Origin => "origin",
            Normal::TrailingSlash => "trailing-slash",
        }
    }

    /// The text after this step.
    pub(super) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Normal::Trim => text.trim().into(),
            Normal::Space => text.split_whitespace().collect::<Vec<_>>().join(" ").into(),
            Normal::LowerCase => text.to_lowercase().into(),
            Normal::Unquote => unquoted(text).into(),
            Normal::SortList => sorted(text).into(),
            Normal::Origin => without_origin(text).into(),
            Normal::TrailingSlash => text.strip_suffix('/').unwrap_or(text).into(),
        }
    }
}

fn unquoted(text: &str) -> &str {
    let tag = text.strip_prefix("W/").unwrap_or(text);
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(text)
}

fn sorted(text: &str) -> String {
    let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts.join(", ")
}

fn without_origin(text: &str) -> &str {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            rest.find(['/', '?', '#']).map_or("", |end| &rest[end..])
        }
        _ => text,
    }
}

impl fmt::Display for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Normal {
    type Err = BadNormal;

    fn from_str(text: &str) -> Result<Normal, BadNormal> {
        Normal::ALL
            .into_iter()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| BadNormal(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
