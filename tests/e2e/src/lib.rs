//! The rig: starts Cutover and everything around it as real processes on loopback, watches them
//! from outside, and leaves nothing behind.
//!
//! [`Rig`] is the entry: it owns a private directory, the processes and their logs. What it talks
//! to lives beside it: [`upstream`] and [`script`] stand in for upstreams, [`sink`] receives
//! traces, [`load`] and [`raw`] are the clients, [`chaos`] breaks connections in between.
//! [`demo`] tells one migration with the same parts.
//!
//! The rig never builds what it starts; it takes the binaries that lie beside the running test.
//! It refuses to wait for a time: every wait is for a state, with a deadline ([`wait`]).

pub mod access_log;
pub mod browser;
pub mod certs;
pub mod chaos;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod load;
pub mod metrics;
pub mod monitoring;
pub mod parity;
pub mod ports;
pub mod process;
pub mod raw;
pub mod rig;
pub mod script;
pub mod session;
pub mod sink;
pub mod upstream;
pub mod wait;

pub use config::Config;
pub use process::Process;
pub use rig::{Proxy, Rig, Server};
pub use wait::eventually;
