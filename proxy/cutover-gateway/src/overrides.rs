//! Testers' overrides: `Cutover-Override: v1.SIDE.EXPIRY.SIGNATURE`, as header or cookie.
//!
//! `EXPIRY` is in seconds since the epoch; `SIGNATURE` is HMAC-SHA-256 over `v1.SIDE.EXPIRY`,
//! base64url without padding. At most eight hours old; whatever does not verify is as if it
//! were not there.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cutover_domain::{Side, SideOverride};
use ring::hmac;

/// Name of the header, as `http` keeps it.
pub const NAME: &str = "cutover-override";
/// Name of the cookie.
pub const COOKIE: &str = "Cutover-Override";
/// The longest that an override may be valid.
pub const TTL_MAX: Duration = Duration::from_secs(8 * 3600);
/// The shortest key that is accepted, in bytes.
pub const KEY_BYTES_MIN: usize = 32;

/// The key that signs overrides. Never printed.
#[derive(Clone)]
pub struct OverrideKey(hmac::Key);

/// Why no override can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is too short to be safe.
    #[error("the override key has {0} bytes; use at least {KEY_BYTES_MIN} random ones")]
    ShortKey(usize),
    /// It would be valid for too long, or not at all.
    #[error("an override is valid for 1 s to 8 h, not {0:?}")]
    Ttl(Duration),
}

// === impl OverrideKey ===

impl OverrideKey {
    /// From secret bytes; at least [`KEY_BYTES_MIN`].
    pub fn new(secret: &[u8]) -> Result<OverrideKey, SignError> {
        if secret.len() < KEY_BYTES_MIN {
            return Err(SignError::ShortKey(secret.len()));
        }
        Ok(OverrideKey(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A token that sends its bearer to `side` for `ttl` from `now` on.
    pub fn sign(&self, side: Side, ttl: Duration, now: SystemTime) -> Result<String, SignError> {
        if ttl < Duration::from_secs(1) || ttl > TTL_MAX {
            return Err(SignError::Ttl(ttl));
        }
        let payload = format!("v1.{side}.{}", seconds(now) + ttl.as_secs());
        let tag = hmac::sign(&self.0, payload.as_bytes());
        Ok(format!("{payload}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The side that `token` asks for, if we signed it and it is still valid.
    pub fn verify(&self, token: &str, now: SystemTime) -> Option<SideOverride> {
        let (payload, signature) = token.rsplit_once('.')?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.0, payload.as_bytes(), &tag).ok()?;
        let mut fields = payload.split('.');
        let (version, side, expiry) = (fields.next()?, fields.next()?, fields.next()?);
        let expiry: u64 = expiry.parse().ok()?;
        let now = seconds(now);
        let side = Side::ALL.into_iter().find(|known| known.as_str() == side)?;
        let valid = version == "v1" && now < expiry && expiry - now <= TTL_MAX.as_secs();
        valid.then_some(SideOverride(side))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl fmt::Debug for OverrideKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OverrideKey(redacted)")
    }
}

#[cfg(test)]
mod tests;
