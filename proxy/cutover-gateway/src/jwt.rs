//! Claims of bearer tokens, as subjects.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

/// A key that bearer tokens are verified with. Never printed.
#[derive(Clone)]
pub struct JwtKey {
    key: DecodingKey,
    validation: Validation,
}

/// The text is no key, or no algorithm that Cutover takes.
#[derive(Debug, thiserror::Error)]
pub enum JwtKeyError {
    /// The algorithm is none of HS256, RS256, ES256, EdDSA.
    #[error("`{0}` is no algorithm that Cutover takes: use HS256, RS256, ES256 or EdDSA")]
    Algorithm(String),
    /// The key does not fit the algorithm.
    #[error("the key is no key for {algorithm}: give a PEM public key (HS256: the secret itself)")]
    Key {
        /// The algorithm.
        algorithm: String,
        /// What the parser says.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
}

// === impl JwtKey ===

impl JwtKey {
    /// From secret bytes (HS256) or a PEM public key (the others).
    pub fn new(algorithm: &str, key: &[u8]) -> Result<JwtKey, JwtKeyError> {
        let wrong = |source| JwtKeyError::Key { algorithm: algorithm.to_owned(), source };
        let (algorithm, key) = match algorithm {
            "HS256" => (Algorithm::HS256, DecodingKey::from_secret(key)),
            "RS256" => (Algorithm::RS256, DecodingKey::from_rsa_pem(key).map_err(wrong)?),
            "ES256" => (Algorithm::ES256, DecodingKey::from_ec_pem(key).map_err(wrong)?),
            "EdDSA" => (Algorithm::EdDSA, DecodingKey::from_ed_pem(key).map_err(wrong)?),
            other => return Err(JwtKeyError::Algorithm(other.to_owned())),
        };
        let mut validation = Validation::new(algorithm);
        // Who the token is meant for is the upstream's to judge; we only read whose it is.
        validation.validate_aud = false;
        validation.validate_nbf = true;
        Ok(JwtKey { key, validation })
    }

    /// The claims of `token` if its signature, beginning and expiry hold.
    pub(crate) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        jsonwebtoken::decode(token, &self.key, &self.validation).ok().map(|data| data.claims)
    }
}

/// The claims of `token`, unverified.
pub(crate) fn claims_unverified(token: &str) -> Option<Map<String, Value>> {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey(redacted)")
    }
}

#[cfg(test)]
mod tests;
