//! Which values samples may keep.

use std::{fmt, str::FromStr};

use crate::compare::{BadPattern, Path, Pattern};

/// Places whose values samples may keep as they are; the values of all others are redacted before
/// anything is kept. By default there is none. Written in configuration as `body.status`,
/// `header.x-page`, `query.limit`, `path.slug`, `request.body.kind`.
///
/// Credentials are never kept, whatever is written here: at a place with a name like
/// `authorization`, `cookie` or `password` on its way. Nor is what looks like a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    kept: Vec<Kept>,
}

/// One place, or those that a wildcard stands for, as they are written.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    text: Box<str>,
    of: Of,
    /// Names of parameters are those of header fields here.
    pattern: Pattern,
}

/// Why a text is no [`Kept`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKept {
    /// It starts with another word.
    #[error(
        "`{0}` is no place of a request or an answer: start with `body`, `header.NAME`, `trailer.NAME`, or for requests with `query.NAME`, `path.NAME`, `request.header.NAME`, `request.body`"
    )]
    Root(String),
    /// A query or path parameter without a name, or with something behind it.
    #[error("`{0}` names no parameter: write `query.NAME` or `path.NAME`, or `*` for any name")]
    Parameter(String),
    /// The rest is no pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// It names credentials.
    #[error("`{0}` would keep credentials: what stands at `{1}` is never kept")]
    Secret(String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Answer,
    Request,
    Query,
    PathParameter,
}

/// Words of names whose values are credentials.
const SECRET_WORDS: [&str; 18] = [
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "csrf",
    "cvc",
    "cvv",
    "jwt",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "token",
];

/// Names of credentials that are more than one word, or are often written as one.
const SECRET_NAMES: [&str; 17] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "authenticationinfo",
    "authtoken",
    "clientassertion",
    "clientcert",
    "cookie2",
    "idtoken",
    "privatekey",
    "proxyauthenticate",
    "refreshtoken",
    "samlresponse",
    "sessionid",
    "setcookie2",
    "wwwauthenticate",
    "xsrftoken",
];

/// Whether a value of this name is a credential by the name's look, in whatever spelling:
/// `Set-Cookie`, `userPassword`, `X-API-Key`, `access_token`.
pub fn is_secret(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        || SECRET_NAMES.iter().any(|secret| joined.contains(secret))
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && after_lower {
            words.push(String::new());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

// === impl Keep ===

impl Keep {
    /// These places.
    pub fn new(kept: impl IntoIterator<Item = Kept>) -> Keep {
        Keep { kept: kept.into_iter().collect() }
    }

    /// As they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|kept| &*kept.text)
    }

    /// Whether the value at this place of an answer may be kept.
    pub fn in_answer(&self, path: &Path) -> bool {
        self.allows(Of::Answer, path)
    }

    /// Whether the value at this place of a request may be kept: `header.NAME` or in `body`.
    pub fn in_request(&self, path: &Path) -> bool {
        self.allows(Of::Request, path)
    }

    /// Whether the value of this query parameter may be kept.
    pub fn in_query(&self, name: &str) -> bool {
        self.allows(Of::Query, &Path::header(name))
    }

    /// Whether the value of this parameter of the path's template may be kept.
    pub fn in_path(&self, name: &str) -> bool {
        self.allows(Of::PathParameter, &Path::header(name))
    }

    fn allows(&self, of: Of, path: &Path) -> bool {
        let mut kept = self.kept.iter();
        kept.any(|kept| kept.of == of && kept.pattern.covers(path)) && !has_secret(path)
    }
}

/// Whether a name on the way is that of a credential.
fn has_secret(path: &Path) -> bool {
    path.as_str().parse::<Pattern>().is_ok_and(|path| path.keys().any(is_secret))
}

// === impl Kept ===

impl Kept {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Kept {
    type Err = BadKept;

    fn from_str(text: &str) -> Result<Kept, BadKept> {
        let (of, place) = if let Some(place) = text.strip_prefix("request.") {
            (Of::Request, place.to_owned())
        } else if let Some(name) = text.strip_prefix("query.") {
            (Of::Query, format!("header.{name}"))
        } else if let Some(name) = text.strip_prefix("path.") {
            (Of::PathParameter, format!("header.{name}"))
        } else {
            (Of::Answer, text.to_owned())
        };
        // Names of fields are compared in lower case; those of parameters mean what they say.
        let is_field = place.starts_with("header.") || place.starts_with("trailer.");
        let place = match of {
            Of::Answer | Of::Request if is_field => place.to_ascii_lowercase(),
            _ => place,
        };
        let root = || BadKept::Root(text.to_owned());
        let pattern: Pattern = match place.parse() {
            Err(BadPattern::Root(_)) => return Err(root()),
            other => other?,
        };
        if pattern.is_of_status() || of == Of::Request && place.starts_with("trailer") {
            return Err(root());
        }
        let is_parameter = matches!(of, Of::Query | Of::PathParameter);
        if is_parameter && pattern.as_str().parse::<Path>().is_ok() && pattern.keys().count() != 1 {
            return Err(BadKept::Parameter(text.to_owned()));
        }
        if let Some(name) = pattern.keys().find(|name| is_secret(name)) {
            return Err(BadKept::Secret(text.to_owned(), name.to_owned()));
        }
        Ok(Kept { text: text.into(), of, pattern })
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests;
