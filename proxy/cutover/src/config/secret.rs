//! Secrets by reference: `file:PATH` or `env:NAME`, read once, never printed.

use std::{fmt, path::Path, str::FromStr};

use super::environment::Environment;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `file:PATH`, relative to the configuration's directory. One trailing newline is dropped.
    File(String),
    /// `env:NAME`
    Env(String),
}

/// A secret. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is no reference. It is not repeated: it may be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is given by reference, not by value")]
pub struct NotAReference;

/// Why a referenced secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret file `{0}` cannot be read")]
    File(String, #[source] std::io::Error),
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Env(String),
    /// There is nothing in it.
    #[error("the secret is empty")]
    Empty,
}

// === impl SecretRef ===

impl SecretRef {
    /// Reads the secret.
    pub(crate) fn read(
        &self,
        dir: &Path,
        environment: &Environment,
    ) -> Result<Secret, SecretError> {
        let mut bytes = match self {
            SecretRef::File(path) => std::fs::read(dir.join(path))
                .map_err(|error| SecretError::File(path.clone(), error))?,
            SecretRef::Env(name) => environment
                .get(name)
                .ok_or_else(|| SecretError::Env(name.clone()))?
                .as_bytes()
                .to_vec(),
        };
        if matches!(self, SecretRef::File(_)) && bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.is_empty() { Err(SecretError::Empty) } else { Ok(Secret(bytes)) }
    }
}

impl FromStr for SecretRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<SecretRef, NotAReference> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(path.to_owned())),
            Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.to_owned())),
            _ => Err(NotAReference),
        }
    }
}

// === impl Secret ===

impl Secret {
    /// The secret itself; at least one byte.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
