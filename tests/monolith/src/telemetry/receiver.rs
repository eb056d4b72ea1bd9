//! Where traces are sent.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// The base address of an OTLP receiver that takes `http/protobuf`, like `http://127.0.0.1:4318`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver(Uri);

/// Why an address is no [`Receiver`]. The text says what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// It cannot be read as a URL.
    #[error("`{address}` is no address of an OTLP receiver: write it like http://127.0.0.1:4318")]
    Malformed {
        /// As it was given.
        address: String,
        /// What the URL's reader says.
        #[source]
        source: http::uri::InvalidUri,
    },
    /// It has no host, a scheme other than `http`, or a query.
    #[error(
        "traces go to a plain base address like http://127.0.0.1:4318, without TLS and query, not to `{address}`"
    )]
    Unsupported {
        /// As it was given.
        address: String,
    },
}

impl Receiver {
    /// The full address of the traces: `/v1/traces` below the base (OTLP/HTTP, "Endpoint URLs").
    pub(super) fn traces_url(&self) -> String {
        format!("{}/v1/traces", self.to_string().trim_end_matches('/'))
    }
}

impl FromStr for Receiver {
    type Err = ReceiverError;

    fn from_str(address: &str) -> Result<Receiver, ReceiverError> {
        let uri: Uri = address
            .parse()
            .map_err(|source| ReceiverError::Malformed { address: address.to_owned(), source })?;
        let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        if !is_plain || uri.host().is_none_or(str::is_empty) {
            return Err(ReceiverError::Unsupported { address: address.to_owned() });
        }
        Ok(Receiver(uri))
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
