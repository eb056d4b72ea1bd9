//! Values in query strings.

use std::borrow::Cow;

/// Which values of query strings traces may show: those that somebody named, and no others. A
/// monolith's clients put tokens, addresses and names there, under keys that no list knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    kept: Vec<String>,
}

// === impl Redaction ===

impl Redaction {
    /// Keeps the values of these keys, which are compared case-sensitively after
    /// percent-decoding. The default keeps none.
    #[must_use]
    pub fn keeping(keys: impl IntoIterator<Item = String>) -> Self {
        Self { kept: keys.into_iter().collect() }
    }

    /// The query with every other value replaced by `REDACTED`; keys stay, and what has no key may
    /// be a value.
    #[must_use]
    pub fn redact(&self, query: &str) -> String {
        joined(query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) if self.keeps(key) => (pair, ""),
            Some((key, _)) => (key, "=REDACTED"),
            None => ("", if pair.is_empty() { "" } else { "REDACTED" }),
        }))
    }

    fn keeps(&self, key: &str) -> bool {
        let key = percent_decoded(key);
        self.kept.iter().any(|kept| kept.as_bytes() == &*key)
    }
}

fn joined<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (index, (key, value)) in pairs.enumerate() {
        query.push_str(if index > 0 { "&" } else { "" });
        query.push_str(key);
        query.push_str(value);
    }
    query
}

fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(decoded)
}
