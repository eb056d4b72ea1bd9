//! The `cutover` program: configuration, command line and wiring.
//!
//! [`config`] turns files and environment into typed settings, [`slo`] makes Prometheus' rules of
//! them, [`dashboards`] makes Grafana's, [`runbook`] holds what to do about alerts, [`cli`] is
//! everything that can be typed, [`wiring`] runs the proxy. `main` only lends them the process.

pub mod cli;
pub mod config;
pub mod dashboards;
pub mod runbook;
pub mod slo;
pub mod wiring;
