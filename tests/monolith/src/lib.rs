//! The legacy stand-in: a smart-home monolith in one process with one SQL database.
//!
//! It behaves as such software did: numeric ids, timestamps without a zone, form posts, lists in
//! no useful order, errors inside a 200. What it answers is fixed by the exchanges in
//! `contract/*.http`, played by [`contract`]; everything that replaces it is judged by them.
//!
//! [`Monolith::start`] runs it inside a test, the `monolith` binary as a process.
//! It refuses to be clever: no cache, no HTTP/2, no TLS, and it knows of nothing in front of it.

mod access_log;
mod account;
mod app;
mod body;
mod clock;
mod commands;
pub mod contract;
mod db;
mod devices;
mod events;
mod export;
mod faults;
mod files;
mod homes;
mod oddities;
mod pages;
mod query;
mod reply;
mod server;
mod session;
mod sse;
mod telemetry;
mod wire;
mod ws;

pub use clock::Clock;
pub use db::Seed;
pub use faults::{Fault, FaultKind};
pub use server::{Config, Monolith, write_port};
pub use telemetry::{Receiver, ReceiverError};
