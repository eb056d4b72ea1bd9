//! How a body is read, by its media type (RFC 9110 §8.3).

use http::{HeaderMap, header};

/// A way to read bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    /// Form, text, XML.
    Text,
    Grpc(Messages),
    Opaque,
}

/// What gRPC messages are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    Json,
    /// Protocol buffers, which nobody here has the schema of, or anything else.
    Opaque,
}

// === impl Media ===

impl Media {
    /// By `content-type`; without one, nothing is known.
    pub(super) fn of(headers: &HeaderMap) -> Media {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').unwrap_or_default();
        let is = |name: &str| subtype == name || subtype.rsplit('+').next() == Some(name);
        match kind {
            "application" if subtype.starts_with("grpc") => {
                Media::Grpc(if is("json") { Messages::Json } else { Messages::Opaque })
            }
            "application" | "text" if is("json") => Media::Json,
            "text" => Media::Text,
            "application" if TEXTS.contains(&subtype) => Media::Text,
            _ if is("xml") => Media::Text,
            _ => Media::Opaque,
        }
    }
}

/// Applications' types that are text.
const TEXTS: [&str; 9] = [
    "x-www-form-urlencoded",
    "xml",
    "javascript",
    "x-javascript",
    "ecmascript",
    "graphql",
    "x-ndjson",
    "json-seq",
    "yaml",
];

#[cfg(test)]
mod tests;
