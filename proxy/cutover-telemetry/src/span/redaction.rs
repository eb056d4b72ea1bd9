//! Secrets in query strings.

use std::borrow::Cow;

/// The query keys whose values never leave the process.
///
/// The first seven are the default list of the semantic conventions; the rest
/// are names that tokens travel under. Keys are compared case-sensitively,
/// after percent-decoding, so that `%73ig` hides nothing.
pub const KEYS_DEFAULT: [&str; 11] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "token",
    "access_token",
    "code",
    "apikey",
];

/// Replaces the values of secret query parameters by `REDACTED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    keys: Vec<String>,
}

// === impl Redaction ===

impl Redaction {
    /// Redacts the default keys and these.
    #[must_use]
    pub fn with_more(keys: impl IntoIterator<Item = String>) -> Self {
        let mut redaction = Self::default();
        redaction.keys.extend(keys);
        redaction
    }

    /// The query with its secrets replaced; keys stay.
    #[must_use]
    pub fn redact<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if !query.split('&').any(|pair| self.is_secret(pair)) {
            return Cow::Borrowed(query);
        }
        let redacted = query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) if self.is_secret(pair) => (key, "=REDACTED"),
            _ => (pair, ""),
        });
        Cow::Owned(joined(redacted))
    }

    /// The query with every value replaced; what has no key may be one.
    pub(super) fn redact_all(query: &str) -> String {
        joined(query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) => (key, "=REDACTED"),
            None => ("", if pair.is_empty() { "" } else { "REDACTED" }),
        }))
    }

    fn is_secret(&self, pair: &str) -> bool {
        let Some((key, _)) = pair.split_once('=') else {
            return false;
        };
        let key = percent_decoded(key);
        self.keys.iter().any(|secret| secret.as_bytes() == &*key)
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self { keys: KEYS_DEFAULT.map(str::to_owned).to_vec() }
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
