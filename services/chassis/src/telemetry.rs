//! Logs and traces of a service's process.

use cutover_telemetry::service::{self, Guard, ServiceTelemetry};
use prometheus_client::registry::Registry;

use crate::metrics::Metrics;

pub use cutover_telemetry::service::{InitError, inject};

/// What the last spans get at the end.
const SHUTDOWN_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// Keeps telemetry running; end it with [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry(Guard);

/// Sets up JSON logs on standard error and, unless `otlp` is empty, traces to that receiver, like
/// `http://127.0.0.1:4318`. Call once, early.
///
/// # Errors
/// When the address makes no receiver, or logging is set up already.
pub fn start(name: &str, version: &str, otlp: &str) -> Result<Telemetry, InitError> {
    let config =
        ServiceTelemetry { otlp_endpoint: otlp.to_owned(), ..ServiceTelemetry::new(name, version) };
    service::init(config).map(Telemetry)
}

impl Telemetry {
    /// Shows in `metrics` what telemetry sent and dropped.
    pub fn register(&self, metrics: &Metrics) {
        metrics.register(|registry: &mut Registry| self.0.metrics().register(registry));
    }

    /// Sends the last spans and lines; blocks for up to 3 s when receivers are slow.
    pub fn shutdown(self) {
        self.0.shutdown(SHUTDOWN_MAX);
    }
}
