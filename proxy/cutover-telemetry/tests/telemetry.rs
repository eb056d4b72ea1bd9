//! Spans as a receiver sees them, and receivers as they should not be.
//!
//! One binary: `service` sets the process-wide subscriber, once.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only tests")]

#[path = "telemetry/export.rs"]
mod export;
#[path = "telemetry/fixture.rs"]
mod fixture;
#[path = "telemetry/receivers.rs"]
mod receivers;
#[path = "telemetry/rotel.rs"]
mod rotel;
#[path = "telemetry/service.rs"]
mod service;
#[path = "telemetry/sink.rs"]
mod sink;
#[path = "telemetry/tls.rs"]
mod tls;
