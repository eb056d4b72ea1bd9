//! The contract suite: recorded exchanges, and the player that judges a server by them.
//!
//! The recordings are the files `contract/*.http`; their form is described in
//! `contract/README.md`. The player writes the recorded request bytes to a plain socket, reads one
//! answer by the framing rules of HTTP/1.1 and compares all of it: status line with reason, header
//! lines with their case, body, trailers, interim answers, WebSocket frames, server-sent events.
//! Only what [`MASKS`] names may differ.
//!
//! It uses no HTTP library, because a library would forgive what is to be found. It does not judge
//! how a body was cut into chunks or segments: that is not the receiver's business.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::server::Config;

mod compare;
mod conversation;
mod exchange;
mod frames;
mod http1;
mod mask;
mod player;
mod record;
mod text;

pub use exchange::{Exchange, LoadError, load};
pub use mask::{MASKS, Mask};
pub use player::{Failure, Options, Report, play};
pub use record::{RecordError, record};

/// Where the clock of a monolith stands during the suite: 2024-03-09 16:00:00.
pub const CLOCK: Clock = Clock::Fixed(1_710_000_000);

/// The directory of the recordings.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contract")
}

/// A monolith as the suite wants it: fresh, demo seed, fixed clock.
pub fn config(db: impl Into<PathBuf>) -> Config {
    Config { clock: CLOCK, ..Config::new(db) }
}

#[cfg(test)]
mod tests;
