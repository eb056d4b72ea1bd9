//! Who is asking: the monolith's users by their session cookie, our own tools by a bearer token.

mod session;
mod token;

pub use session::{SessionKey, UserId};
pub use token::InternalToken;

/// A key or token file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the {what} file {}: {why}", path.display())]
pub struct SecretError {
    /// `session key` or `internal token`.
    pub what: &'static str,
    /// The file.
    pub path: std::path::PathBuf,
    /// Why not, and what to do.
    pub why: String,
}

#[cfg(test)]
mod tests;
