//! What every service shares, so that a service is its routes and its data and nothing else.
//!
//! A service opens its [`Database`], builds two routers and hands both to [`Server::start`]:
//! the *public* one is what clients and the proxy see, the *internal* one is for our own tools.
//! They never share a port, so that nothing internal can collide with, or leak into, the contract
//! that the service took over:
//!
//! | listener | path | who may |
//! |---|---|---|
//! | public | all of them | the service decides; [`SessionKey`] verifies the monolith's users |
//! | internal | `/livez`, `/readyz` | anyone who reaches it |
//! | internal | `/metrics` | anyone on loopback, else the bearer token |
//! | internal | `/internal/…` | the bearer token ([`InternalToken`]) |
//! | internal | `/internal/v1/faults` | the bearer token, and only with [`Config::allows_faults`] |
//!
//! The proxy's copies of writes (`Cutover-Shadow: 1`) change nothing: see [`dry_run`].
//!
//! Refused: a listener beyond loopback without TLS, since it would carry sessions and tokens in
//! clear; HTTP/2, which the legacy contract does not know; reading the environment.

mod access_log;
pub mod body;
pub mod canonical;
pub mod clock;
pub mod database;
mod drill;
pub mod dry_run;
pub mod identity;
mod internal;
mod metrics;
mod problem;
mod process;
mod server;
pub mod telemetry;

pub use clock::Clock;
pub use database::Database;
pub use drill::{Fault, FaultSwitch};
pub use identity::{InternalToken, SessionKey, UserId};
pub use internal::Readiness;
pub use metrics::Metrics;
pub use problem::Problem;
pub use process::{PortFileError, StopSignals, write_port};
pub use server::{Config, Limits, PublicService, Server, StartError, TlsError, TlsFiles};
