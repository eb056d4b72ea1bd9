//! The bearer token of internal endpoints.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

use super::SecretError;
use crate::problem::Problem;

const TOKEN_BYTES_MIN: usize = 16;

/// Knows the token without keeping it. Cheap to clone.
#[derive(Clone)]
pub struct InternalToken(Arc<Verifier>);

struct Verifier {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl InternalToken {
    /// Reads the token; writes a new one (64 hex digits, mode 0600) when there is no such file.
    pub fn open(path: &Path) -> Result<InternalToken, SecretError> {
        let refused = |why| SecretError { what: "internal token", path: path.to_owned(), why };
        if !path.exists() {
            write_new(path)
                .map_err(|error| refused(format!("a new one cannot be written: {error}")))?;
        }
        let content = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let token = content.trim_ascii();
        if token.len() < TOKEN_BYTES_MIN {
            let why = format!(
                "it has {} bytes, a token has {TOKEN_BYTES_MIN} at least; delete it to get a new one",
                token.len()
            );
            return Err(refused(why));
        }
        let token = InternalToken::new(token);
        token.ok_or_else(|| refused("the system gives no random bytes".to_owned()))
    }

    /// Tags of a key drawn for this process are compared, in constant time whatever their lengths.
    fn new(token: &[u8]) -> Option<InternalToken> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        let tag = hmac::sign(&key, token);
        Some(InternalToken(Arc::new(Verifier { key, tag })))
    }

    /// Whether the request carries `Authorization: Bearer <token>`, exactly once.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).into_iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let presented = line.as_bytes().split_at_checked(7);
        presented.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case(b"Bearer ")
                && hmac::verify(&self.0.key, token.trim_ascii(), self.0.tag.as_ref()).is_ok()
        })
    }

    /// Middleware: 401 unless the request carries the token.
    pub async fn require(
        State(token): State<InternalToken>,
        request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        if !token.is_in(request.headers()) {
            let detail = "send `Authorization: Bearer` with the content of the internal token file";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        }
        Ok(next.run(request).await)
    }
}

fn write_new(path: &Path) -> std::io::Result<()> {
    let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")
}
