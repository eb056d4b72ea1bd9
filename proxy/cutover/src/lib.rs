//! The `cutover` program: configuration, command line and wiring.

pub mod config;
