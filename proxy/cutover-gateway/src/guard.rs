//! The guard: what a client sends is judged before hyper sees it.
//!
//! hyper, like every HTTP/1 parser, forgives: it drops a `Content-Length`
//! beside `Transfer-Encoding`, takes bare LF, does without `Host`. Behind a
//! proxy such kindness is request smuggling, since the next parser may forgive
//! otherwise. So every byte passes [`Scanner`], which follows head after head
//! and body after body and *refuses* what two parsers could read in two ways.
//! It never rewrites: a fault in it can refuse too much or too little, but
//! cannot make hyper see another request than was sent.
//!
//! [`Guarded`] puts the scanner between a stream and hyper, and keeps what
//! hyper does not: clocks for slow heads, bodies and readers and for idle
//! connections, interim (1xx) answers, and the hold behind a request that may
//! upgrade. [`ConnHandle`] is the service's end of it.
//!
//! hyper must be configured to accept what the scanner passes: `max_headers`
//! of [`Limits::fields_max`] if that is above hyper's own 100, `max_buf_size` above
//! [`Limits::head_bytes_max`], no `header_read_timeout`, no `pipeline_flush`.
//!
//! Refused beyond the RFCs, and why: non-ASCII, fragments and bytes that
//! `http::Uri` does not take in targets (no two parsers agree); equal repeated
//! `Content-Length` (allowed by RFC 9110 §8.6, never sent by honest clients);
//! white space after a chunk size; `Content_Length`, which CGI-like servers
//! read as `Content-Length`.
//!
//! HTTP/2 requests do not pass here; [`check_decoded`] holds their heads to the same rules.

mod answer;
mod bytes;
mod chunk;
mod clock;
mod decoded;
mod guarded;
mod handle;
mod head;
mod interim;
mod refusal;
mod scanner;
mod trailer;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::clock::Clock;
pub(crate) use self::clock::{Clocks, Wait};
pub(crate) use self::decoded::{check_decoded, check_trailers};
pub use self::guarded::{Guarded, guard};
pub use self::handle::{Answering, ConnHandle};
pub use self::interim::{Drained, InterimHandle, InterimRefused};
pub use self::refusal::Refusal;
pub use self::scanner::{Phase, Scan, Scanner};

/// What one listener's guard allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct GuardConfig {
    /// Sizes and counts.
    pub limits: Limits,
    /// Clocks.
    pub timeouts: Timeouts,
}

/// Sizes and counts of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Request line, field lines and the empty line, in bytes. Default 32 KiB.
    pub head_bytes_max: usize,
    /// Field lines of a head. Default 100, which hyper parses without allocating.
    pub fields_max: usize,
    /// The request target, in bytes; at most 65,534, which is `http::Uri`'s. Default 8 KiB.
    pub target_bytes_max: usize,
    /// The trailer section, in bytes; hyper's own limit is 16 KiB. Default 8 KiB.
    pub trailer_bytes_max: usize,
    /// Field lines of a trailer section. Default 64.
    pub trailer_fields_max: usize,
    /// The extensions of one chunk, in bytes. Default 256.
    pub chunk_extension_bytes_max: usize,
    /// Whether `CONNECT` passes. Default no.
    pub connect_allowed: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 * 1024,
            fields_max: 100,
            target_bytes_max: 8 * 1024,
            trailer_bytes_max: 8 * 1024,
            trailer_fields_max: 64,
            chunk_extension_bytes_max: 256,
            connect_allowed: false,
        }
    }
}

/// How long a client may take. A clock runs only while the client is waited
/// for, never while hyper or an upstream is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From a head's first byte to its last. Default 10 s.
    pub head: Duration,
    /// Between an answer and the next request, and before the first. Default 60 s.
    pub idle: Duration,
    /// Between two pieces of a body. Default 30 s.
    pub body: Duration,
    /// Bytes per second a body must bring on average once it has been waited
    /// for longer than [`body_rate_grace`](Self::body_rate_grace); 0 is no
    /// minimum. Default 128.
    pub body_rate_min: u32,
    /// Default 10 s.
    pub body_rate_grace: Duration,
    /// Between two pieces of an answer that the client takes. Default 30 s.
    pub write: Duration,
    /// After an answer that ends the connection early: how long what the
    /// client still sends is read and thrown away, so that a reset does not
    /// overtake the answer (RFC 9112 §9.6). Default 1 s.
    pub linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(30),
            body_rate_min: 128,
            body_rate_grace: Duration::from_secs(10),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

/// Told of each refusal and each clock that ran out, on the connection's
/// thread; must not block.
pub trait GuardEvents: Send + Sync {
    /// A request was refused; `in_body` when its head had already passed.
    fn refused(&self, reason: Refusal, in_body: bool);
    /// A clock ran out. A head's is told as [`Refusal::HeadTimeout`] as well.
    fn expired(&self, clock: Clock);
}

/// Tells nobody.
impl GuardEvents for () {
    fn refused(&self, _: Refusal, _: bool) {}
    fn expired(&self, _: Clock) {}
}
