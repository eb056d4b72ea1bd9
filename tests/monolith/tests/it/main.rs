//! The monolith in one process with its judge, and as a process of its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod faults;
mod process;
mod rig;
mod sink;
mod streams;
mod suite;
mod traces;
