//! The monolith's session cookie: `sid=<user id>.<expiry>.<hex HMAC-SHA256 of "<user id>.<expiry>">`.
//!
//! Verified only; sessions are made by the monolith. Nothing is stored, so whoever holds the key can
//! verify, and log-out does not reach us: a session is good until its expiry, as on the monolith.

use std::path::Path;

use http::HeaderMap;
use http::header::COOKIE;
use ring::hmac;

use super::SecretError;

const COOKIE_NAME: &str = "sid";
/// What the monolith asks of a key, too.
const KEY_BYTES_MIN: usize = 16;

/// Verifies session cookies.
#[derive(Clone)]
pub struct SessionKey(hmac::Key);

/// A user of the monolith with a valid session. Nobody says that the user still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserId(pub i64);

impl SessionKey {
    /// Reads the key that the monolith wrote: the file without white space at its end.
    pub fn load(path: &Path) -> Result<SessionKey, SecretError> {
        let refused = |why| SecretError { what: "session key", path: path.to_owned(), why };
        let content = std::fs::read(path).map_err(|error| {
            refused(format!("{error}; start the monolith first or copy its key here"))
        })?;
        let key = content.trim_ascii_end();
        if key.len() < KEY_BYTES_MIN {
            let why = format!("it has {} bytes, a key has {KEY_BYTES_MIN} at least", key.len());
            return Err(refused(why));
        }
        Ok(SessionKey(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// The user of the first cookie `sid`, if it is genuine and `now_seconds` is before its expiry.
    pub fn user(&self, headers: &HeaderMap, now_seconds: i64) -> Option<UserId> {
        self.verify(cookie(headers, COOKIE_NAME)?, now_seconds)
    }

    fn verify(&self, token: &str, now_seconds: i64) -> Option<UserId> {
        let (claim, signature) = token.rsplit_once('.')?;
        let (user, expiry) = claim.split_once('.')?;
        hmac::verify(&self.0, claim.as_bytes(), &unhex(signature)?).ok()?;
        let (user, expiry): (i64, i64) = (user.parse().ok()?, expiry.parse().ok()?);
        (now_seconds < expiry).then_some(UserId(user))
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = is_hex.then(|| (0..text.len()).step_by(2))?;
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
