//! Tokens of the admin API: what they may do, how they are made and recognised.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cutover_store::Token;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a token may do. Each role may do all that the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Hold, step back, roll back, reload: always and alone.
    Operator,
    /// Move forward, apply files, release a latch.
    Migrator,
    /// Skip a phase, retire legacy.
    Approver,
    /// Make and remove tokens.
    Admin,
}

/// A token's text. Shown once, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// In front of every token, so that scanners of leaked secrets can recognise one.
const PREFIX: &str = "cutover_";

/// The text is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: use viewer, operator, migrator, approver or admin")]
pub struct UnknownRole(pub String);

/// The operating system gave no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random numbers")]
pub struct NoRandom;

/// Why a presented token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRefused {
    Unknown,
    Expired,
}

/// Who presents `text` at `now_ms`. Every token is compared, each in constant time.
pub(crate) fn recognise<'t>(
    tokens: &'t [Token],
    text: &str,
    now_ms: u64,
) -> Result<(&'t Token, Role), TokenRefused> {
    recognise_hash(tokens, &hash(text), now_ms)
}

/// The same by the hash of the text.
pub(crate) fn recognise_hash<'t>(
    tokens: &'t [Token],
    hash: &[u8; 32],
    now_ms: u64,
) -> Result<(&'t Token, Role), TokenRefused> {
    let mut found = None;
    for token in tokens {
        if is_equal(&token.sha256, hash) {
            found = Some(token);
        }
    }
    let token = found.ok_or(TokenRefused::Unknown)?;
    if token.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
        return Err(TokenRefused::Expired);
    }
    // A role of a newer release is none that this one could grant.
    let role = token.role.parse().map_err(|_| TokenRefused::Unknown)?;
    Ok((token, role))
}

/// SHA-256 of a token's text. Tokens are 256 random bits, so no slow hash is needed.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 is 32 bytes long")
}

fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let different = a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b));
    std::hint::black_box(different) == 0
}

// === impl Role ===

impl Role {
    /// Every role, least first.
    pub const ALL: [Role; 5] =
        [Role::Viewer, Role::Operator, Role::Migrator, Role::Approver, Role::Admin];

    /// The name used in commands, the API and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Migrator => "migrator",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

// === impl Secret ===

impl Secret {
    /// A new one: 256 bits of the operating system's randomness.
    pub(crate) fn random() -> Result<Secret, NoRandom> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
        Ok(Secret(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// From a file or a request. `None` if it cannot be a token: shorter than 32 characters,
    /// longer than 256, or with anything but visible ASCII.
    pub(crate) fn from_text(text: &str) -> Option<Secret> {
        let fits = (32..=256).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Secret(text.to_owned()))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests;
