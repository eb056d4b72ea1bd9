//! The `cutover` program: configuration, command line and wiring.
//!
//! [`config`] turns files and environment into typed settings, [`slo`] makes Prometheus' rules of
//! them, [`dashboards`] makes Grafana's, [`cli`] is everything that can be typed, [`wiring`] runs
//! the proxy. `main` only lends them the process.

pub mod cli;
pub mod config;
pub mod dashboards;
pub mod slo;
pub mod wiring;
