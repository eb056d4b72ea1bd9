//! The program as a process: what it does on start, signals and changed files, and what commands
//! say to a proxy that runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

#[path = "process/commands.rs"]
mod commands;
#[path = "process/differences.rs"]
mod differences;
#[path = "process/kept.rs"]
mod kept;
#[path = "process/lifecycle.rs"]
mod lifecycle;
#[path = "process/reload.rs"]
mod reload;
#[path = "process/rig.rs"]
mod rig;
