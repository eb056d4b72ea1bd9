//! Why a request was refused, once, for the answer, the metric and the log.

use std::fmt;

/// What was wrong with a request's bytes.
///
/// [`code`](Self::code) is stable and of low cardinality (a metric label and a
/// log field); [`status`](Self::status) is what the client is told when no
/// byte of the request has reached hyper's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Refusal {
    /// More than one empty line came before the request line.
    EmptyLines = 1,
    /// A TLS record on a listener without TLS.
    TlsOnPlain,
    /// An HTTP/2 connection preface on an HTTP/1 connection.
    Http2Preface,
    /// The request line is not `method SP target SP version`.
    RequestLine,
    /// The method is empty, too long or not a token (RFC 9110 §5.6.2).
    Method,
    /// The version is neither `HTTP/1.0` nor `HTTP/1.1`.
    Version,
    /// The request target has a form or a byte that is not accepted.
    Target,
    /// The request target is longer than the limit.
    TargetTooLong,
    /// `CONNECT`, which this listener does not serve.
    Connect,
    /// A line ended in LF without CR.
    BareLf,
    /// A CR that LF does not follow.
    BareCr,
    /// A field line begins with white space (obs-fold, RFC 9112 §5.2).
    ObsFold,
    /// White space between a field name and its colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A field name that is empty, not a token, or lacks its colon.
    FieldName,
    /// `Content_Length`, `Transfer_Encoding`: some servers read `_` as `-`.
    FieldLookalike,
    /// A control byte in a field value.
    FieldValue,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// More field lines than the limit.
    TooManyFields,
    /// HTTP/1.1 without `Host`.
    HostMissing,
    /// A second `Host`.
    HostRepeated,
    /// `Host` is empty, a list, or not `host [":" port]`.
    HostInvalid,
    /// The absolute-form target names another authority than `Host`.
    AuthorityMismatch,
    /// `Content-Length` is not a number from 0 to 2^63 − 1, or is a list.
    LengthInvalid,
    /// A second `Content-Length`, equal or not.
    LengthRepeated,
    /// Both `Content-Length` and `Transfer-Encoding`.
    LengthWithEncoding,
    /// `Transfer-Encoding` is not exactly `chunked`, once.
    EncodingInvalid,
    /// `Transfer-Encoding` in an HTTP/1.0 request.
    EncodingOnHttp10,
    /// The chunk size is missing, not hexadecimal, or too large.
    ChunkSize,
    /// A chunk extension with control bytes or longer than the limit.
    ChunkExtension,
    /// The chunk's data is not followed by CRLF.
    ChunkEnd,
    /// The trailer section is larger than the limit.
    TrailerTooLarge,
    /// A trailer field that may stand in the head only (RFC 9110 §6.5.1).
    TrailerForbidden,
    /// The head was not complete in time.
    HeadTimeout,
}

impl Refusal {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 33] = [
        Self::EmptyLines,
        Self::TlsOnPlain,
        Self::Http2Preface,
        Self::RequestLine,
        Self::Method,
        Self::Version,
        Self::Target,
        Self::TargetTooLong,
        Self::Connect,
        Self::BareLf,
        Self::BareCr,
        Self::ObsFold,
        Self::SpaceBeforeColon,
        Self::FieldName,
        Self::FieldLookalike,
        Self::FieldValue,
        Self::HeadTooLarge,
        Self::TooManyFields,
        Self::HostMissing,
        Self::HostRepeated,
        Self::HostInvalid,
        Self::AuthorityMismatch,
        Self::LengthInvalid,
        Self::LengthRepeated,
        Self::LengthWithEncoding,
        Self::EncodingInvalid,
        Self::EncodingOnHttp10,
        Self::ChunkSize,
        Self::ChunkExtension,
        Self::ChunkEnd,
        Self::TrailerTooLarge,
        Self::TrailerForbidden,
        Self::HeadTimeout,
    ];

    /// The position in [`ALL`](Self::ALL), for tables of counters.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize - 1
    }

    /// The stable name for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.texts().0
    }

    /// One sentence for whoever sent the request.
    #[must_use]
    pub fn explain(self) -> &'static str {
        self.texts().1
    }

    /// The status line's code and reason phrase.
    #[must_use]
    pub fn status(self) -> (u16, &'static str) {
        match self {
            Self::TargetTooLong => (414, "URI Too Long"),
            Self::HeadTooLarge | Self::TooManyFields => (431, "Request Header Fields Too Large"),
            Self::Version | Self::Http2Preface => (505, "HTTP Version Not Supported"),
            Self::Connect => (501, "Not Implemented"),
            Self::HeadTimeout => (408, "Request Timeout"),
            _ => (400, "Bad Request"),
        }
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::EmptyLines => ("empty_lines", "more than one empty line before the request line"),
            Self::TlsOnPlain => ("tls_on_plain", "this port speaks plain HTTP, not TLS"),
            Self::Http2Preface => ("http2_preface", "this port speaks HTTP/1.1, not HTTP/2"),
            Self::RequestLine => (
                "request_line",
                "the request line must be method, target and version, one space between",
            ),
            Self::Method => ("method", "the method is not a token of at most 32 bytes"),
            Self::Version => ("version", "only HTTP/1.0 and HTTP/1.1 are spoken here"),
            Self::Target => {
                ("target", "the request target has a form or a byte that must be encoded")
            }
            Self::TargetTooLong => ("target_too_long", "the request target is too long"),
            Self::Connect => ("connect", "CONNECT is not served here"),
            Self::BareLf => ("bare_lf", "a line ends in LF without CR"),
            Self::BareCr => ("bare_cr", "a CR is not followed by LF"),
            Self::ObsFold => ("obs_fold", "a field line begins with white space"),
            Self::SpaceBeforeColon => ("space_before_colon", "white space before a field's colon"),
            Self::FieldName => {
                ("field_name", "a field name is empty, not a token or lacks its colon")
            }
            Self::FieldLookalike => {
                ("field_lookalike", "a field name imitates a framing field with '_'")
            }
            Self::FieldValue => ("field_value", "a field value has a control byte"),
            Self::HeadTooLarge => ("head_too_large", "the request head is too large"),
            Self::TooManyFields => ("too_many_fields", "the request head has too many fields"),
            Self::HostMissing => ("host_missing", "HTTP/1.1 needs a Host field"),
            Self::HostRepeated => ("host_repeated", "Host occurs twice"),
            Self::HostInvalid => ("host_invalid", "Host is not one host with an optional port"),
            Self::AuthorityMismatch => {
                ("authority_mismatch", "the target's authority is not that of Host")
            }
            Self::LengthInvalid => ("length_invalid", "Content-Length is not one decimal number"),
            Self::LengthRepeated => ("length_repeated", "Content-Length occurs twice"),
            Self::LengthWithEncoding => {
                ("length_with_encoding", "Content-Length beside Transfer-Encoding is ambiguous")
            }
            Self::EncodingInvalid => {
                ("encoding_invalid", "Transfer-Encoding must be exactly 'chunked'")
            }
            Self::EncodingOnHttp10 => ("encoding_on_http10", "Transfer-Encoding needs HTTP/1.1"),
            Self::ChunkSize => {
                ("chunk_size", "a chunk size is missing, not hexadecimal or too large")
            }
            Self::ChunkExtension => {
                ("chunk_extension", "a chunk extension is malformed or too long")
            }
            Self::ChunkEnd => ("chunk_end", "a chunk's data is not followed by CRLF"),
            Self::TrailerTooLarge => ("trailer_too_large", "the trailer section is too large"),
            Self::TrailerForbidden => {
                ("trailer_forbidden", "a trailer field may stand in the head only")
            }
            Self::HeadTimeout => ("head_timeout", "the request head did not arrive in time"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.explain())
    }
}

impl std::error::Error for Refusal {}
