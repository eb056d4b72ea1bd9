//! The session cookie: `sid=<user id>.<expiry>.<hex HMAC-SHA256 of "<user id>.<expiry>">`.
//!
//! Nothing is stored, so whoever holds the key file can verify a session. The key is the file's
//! content without trailing line ends. Log-out only asks the browser to forget: a copied token
//! stays good until it expires, as it always did here.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::app::App;
use crate::reply::Refusal;

/// Seconds from log-in to expiry.
pub(crate) const LIFETIME_SECONDS: i64 = 8 * 3600;

/// Signs and verifies tokens.
pub(crate) struct Sessions(hmac::Key);

/// The user of a valid session: the extractor of every API route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User(pub(crate) i64);

impl Sessions {
    /// Takes the key from `path`; writes a new one (64 hex digits, mode 0600) when there is none.
    /// Without a path the key lives as long as the process.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Sessions> {
        let Some(path) = path else {
            return Ok(Sessions::with_key(new_key()?.as_bytes()));
        };
        if !path.exists() {
            write_key(path, &new_key()?)
                .with_context(|| format!("cannot write a new session key to {}", path.display()))?;
        }
        let text = std::fs::read(path)
            .with_context(|| format!("cannot read the session key {}", path.display()))?;
        let key = text.trim_ascii_end();
        anyhow::ensure!(
            key.len() >= 16,
            "session key {} has {} bytes; it needs 16 at least: delete it to get a new one",
            path.display(),
            key.len()
        );
        Ok(Sessions::with_key(key))
    }

    pub(crate) fn with_key(key: &[u8]) -> Sessions {
        Sessions(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A token for `user` that expires at `expiry`, in seconds since the epoch.
    pub(crate) fn issue(&self, user: i64, expiry: i64) -> String {
        let claim = format!("{user}.{expiry}");
        let signature = hex(hmac::sign(&self.0, claim.as_bytes()).as_ref());
        format!("{claim}.{signature}")
    }

    /// The user of `token`, unless it is malformed, forged, or `now` has reached its expiry.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<User> {
        let (claim, signature) = token.rsplit_once('.')?;
        let (user, expiry) = claim.split_once('.')?;
        hmac::verify(&self.0, claim.as_bytes(), &unhex(signature)?).ok()?;
        let (user, expiry): (i64, i64) = (user.parse().ok()?, expiry.parse().ok()?);
        (now < expiry).then_some(User(user))
    }

    /// The user named by the first `sid` in the `Cookie` headers.
    pub(crate) fn user(&self, headers: &HeaderMap, now: i64) -> Option<User> {
        self.verify(cookie(headers, "sid")?, now)
    }
}

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<User, Refusal> {
        app.sessions.user(&parts.headers, app.clock.now()).ok_or(Refusal::NO_SESSION)
    }
}

/// Value of the first cookie called `name`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hex digits of either case.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let plain = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = plain.then(|| (0..text.len()).step_by(2))?;
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the system gives no random bytes for a session key"))?;
    Ok(hex(&bytes))
}

fn write_key(path: &Path, key: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{key}")
}

#[cfg(test)]
mod tests;
