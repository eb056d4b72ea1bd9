//! Copies against real servers on loopback: whatever they do, every copy is accounted for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod calls;
mod chaos;
mod credentials;
mod failures;
mod noise;
mod resume;
mod rig;
mod samples;
mod tls;
mod traces;
mod verdicts;
