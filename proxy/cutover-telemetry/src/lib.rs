//! Telemetry of Cutover: trace context, spans, logs, metric building blocks.
//!
//! The proxy's hot path uses [`Tracer`]; a request that is not kept costs a few
//! random numbers and a header:
//!
//! ```
//! use std::time::{Duration, Instant};
//! use cutover_telemetry::export::{ExportConfig, Exporter, Resource};
//! use cutover_telemetry::metrics::TelemetryMetrics;
//! use cutover_telemetry::sampling::{Keep, Outcome, RouteSampling, Sampler};
//! use cutover_telemetry::span::{Decision, Scheme, ServerSpan};
//! use cutover_telemetry::{Tracer, Trust};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Once, at start.
//! let metrics = TelemetryMetrics::new();
//! let resource = Resource::new("cutover-proxy", "0.1.0");
//! let exporter = Exporter::start(ExportConfig::new(""), &resource, &metrics)?;
//! let spans = exporter.as_ref().map(|exporter| exporter.spans().clone());
//! let tracer = Tracer::new(Trust::Always, Sampler::new(0.05)?, spans);
//!
//! // Once a route.
//! let sampling = RouteSampling::new(Instant::now());
//!
//! // Per request.
//! let request = http::Request::get("/v1/devices/7").body(())?;
//! let start = Instant::now();
//! let trace = tracer.begin(request.headers(), None);
//!
//! // Per attempt: keep the id for a `ClientSpan`.
//! let mut upstream_headers = request.headers().clone();
//! let _span_id = trace.attempt(&mut upstream_headers);
//!
//! // At the end: facts are gathered only for what is kept.
//! let end = Instant::now();
//! let outcome = Outcome::good(end, end - start);
//! if let Keep::Yes(reason) = tracer.keep(&trace, &outcome, &sampling, 2) {
//!     let server = ServerSpan {
//!         start,
//!         end,
//!         method: request.method(),
//!         route: None,
//!         scheme: Scheme::Http,
//!         target: "/v1/devices/7",
//!         authority: None,
//!         version: request.version(),
//!         client_address: None,
//!         peer: None,
//!         user_agent: None,
//!         status: Some(http::StatusCode::OK),
//!         failure: None,
//!         decision: Decision::default(),
//!     };
//!     tracer.record(&trace, reason, &server, []);
//! }
//!
//! // Once, at the end.
//! if let Some(exporter) = exporter {
//!     exporter.shutdown(Duration::from_secs(2))?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Services, where a few microseconds do not matter, use [`service`] and plain
//! `tracing`. Nothing here reads the environment or configuration files.

pub mod baggage;
pub mod canonical;
pub mod context;
pub mod copies;
pub mod export;
pub mod logs;
pub mod metrics;
pub mod sampling;
pub mod service;
pub mod span;
mod tracer;
mod trust;
mod wire;

pub use tracer::{HeldRequest, RequestTrace, Tracer};
pub use trust::{IpNet, IpNetError, Trust};
