//! The parity of a route as a document that outlives the process.
//!
//! JSON with a version, the serialisable twin of [`Snapshot`]: what is written is read back
//! exactly. A document of another version, or one that makes no sense, is refused whole rather
//! than guessed at: who reads it then begins anew. It holds paths, kinds, shapes and numbers;
//! never a value.

mod document;

use cutover_domain::parity::Snapshot;
use serde::Deserialize;

use self::document::ParityDoc;

/// The version of documents that this release writes, and the only one that it reads.
pub const VERSION: u32 = 1;
/// Longest document in bytes. The largest routes stay well below.
pub const BYTES_MAX: usize = 8 << 20;

/// Why a document cannot be used. Parity begins anew then.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Another release wrote it.
    #[error("it has version {found}, but this release reads version {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// It is longer than any that is written.
    #[error("it has {0} bytes, more than {BYTES_MAX}")]
    TooLong(usize),
    /// It is no document of parity.
    #[error("it is no document of parity")]
    Damaged(#[from] serde_json::Error),
    /// It says what no parity can be.
    #[error("its {0} make no sense")]
    Nonsense(&'static str),
}

/// The document of one route's parity.
///
/// # Errors
///
/// [`KeptError::TooLong`], on a route of thousands of very long paths.
pub fn to_text(snapshot: &Snapshot) -> Result<String, KeptError> {
    let text = serde_json::to_string(&ParityDoc::of(snapshot))?;
    if text.len() > BYTES_MAX { Err(KeptError::TooLong(text.len())) } else { Ok(text) }
}

/// The parity that [`to_text`] wrote.
pub fn from_text(text: &str) -> Result<Snapshot, KeptError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    if text.len() > BYTES_MAX {
        return Err(KeptError::TooLong(text.len()));
    }
    // First, as another version may have other fields.
    let Versioned { version: found } = serde_json::from_str(text)?;
    if found != VERSION {
        return Err(KeptError::Version { found });
    }
    serde_json::from_str::<ParityDoc>(text)?.into_snapshot()
}

#[cfg(test)]
mod tests;
