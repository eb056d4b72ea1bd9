//! Telemetry of a service: everything set up by one call, then plain `tracing`.
//!
//! ```no_run
//! use std::time::Duration;
//! use cutover_telemetry::service::{self, ServiceTelemetry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guard = service::init(ServiceTelemetry {
//!     otlp_endpoint: "http://127.0.0.1:4318".to_owned(),
//!     ..ServiceTelemetry::new("registry", env!("CARGO_PKG_VERSION"))
//! })?;
//! // serve, with `service::trace_request` around every request …
//! guard.shutdown(Duration::from_secs(2));
//! # Ok(())
//! # }
//! ```
//!
//! With axum, once for the whole router:
//!
//! ```ignore
//! async fn traced(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
//!     let template = matched.as_ref().map(MatchedPath::as_str);
//!     service::trace_request(template, request, |request| next.run(request)).await
//! }
//! router.layer(axum::middleware::from_fn(traced))
//! ```

mod otel;
mod request;

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::export::{ExportConfig, Exporter, Resource, StartError, Unsent};
use crate::logs::{self, LogConfig, LogError, LogFormat, LogGuard};
use crate::metrics::TelemetryMetrics;
use crate::sampling::{RATIO_DEFAULT, RatioError, Sampler};

pub use request::{inject, trace_request};

/// What a service tells about itself and where it sends it.
#[derive(Clone, Debug)]
pub struct ServiceTelemetry {
    /// `service.name`.
    pub name: String,
    /// `service.version`.
    pub version: String,
    /// `service.namespace`; empty: none.
    pub namespace: String,
    /// `deployment.environment.name`; empty: none.
    pub environment: String,
    /// The OTLP receiver, like `http://127.0.0.1:4318`; empty: spans go nowhere,
    /// trace ids still reach the logs and further calls.
    pub otlp_endpoint: String,
    /// Levels by target, like `info`.
    pub log_filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The share of traces recorded that begin here, 0..=1. Calls that come
    /// with a trace follow it.
    pub sample_ratio: f64,
}

/// Keeps telemetry running; end it with [`Self::shutdown`].
#[derive(Debug)]
pub struct Guard {
    /// `None`: no receiver is configured.
    exporter: Option<Exporter>,
    logs: LogGuard,
    metrics: TelemetryMetrics,
    /// Spans reach their processor only while it lives.
    _provider: SdkTracerProvider,
}

/// Why telemetry cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The logs cannot.
    #[error(transparent)]
    Logs(#[from] LogError),
    /// The exporter cannot.
    #[error(transparent)]
    Export(#[from] StartError),
    /// The ratio is none.
    #[error(transparent)]
    Ratio(#[from] RatioError),
}

/// Sets up logs and traces for the whole process. Call once, early.
///
/// # Errors
/// [`InitError`] when a value cannot be used, or logging is set up already.
pub fn init(config: ServiceTelemetry) -> Result<Guard, InitError> {
    let metrics = TelemetryMetrics::new();
    let sampler = Sampler::new(config.sample_ratio)?;
    let export = ExportConfig::new(config.otlp_endpoint.clone());
    let exporter = Exporter::start(export, &config.resource(), &metrics)?;
    let provider = otel::provider(sampler, exporter.as_ref().map(Exporter::spans));

    let logs = LogGuard::start(std::io::stderr(), &metrics)?;
    let log_config = LogConfig { filter: config.log_filter, format: config.log_format };
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tracing"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_worth_a_span));
    tracing_subscriber::registry()
        .with(spans)
        .with(logs::layer(&log_config, logs.writer())?)
        .try_init()
        .map_err(LogError::AlreadySet)?;
    Ok(Guard { exporter, logs, metrics, _provider: provider })
}

/// Spans from `INFO` up; of events only those that tell of trouble.
fn is_worth_a_span(metadata: &Metadata<'_>) -> bool {
    let level_max = if metadata.is_span() { Level::INFO } else { Level::WARN };
    *metadata.level() <= level_max
}

// === impl ServiceTelemetry ===

impl ServiceTelemetry {
    /// No receiver, `info` in JSON, the default ratio.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            namespace: String::new(),
            environment: String::new(),
            otlp_endpoint: String::new(),
            log_filter: "info".to_owned(),
            log_format: LogFormat::Json,
            sample_ratio: RATIO_DEFAULT,
        }
    }

    fn resource(&self) -> Resource {
        let mut resource = Resource::new(&self.name, &self.version);
        if !self.namespace.is_empty() {
            resource = resource.with_namespace(&self.namespace);
        }
        if !self.environment.is_empty() {
            resource = resource.with_environment(&self.environment);
        }
        resource
    }
}

// === impl Guard ===

impl Guard {
    /// To register with the service's own metrics.
    #[must_use]
    pub fn metrics(&self) -> &TelemetryMetrics {
        &self.metrics
    }

    /// Sends what waits now; see [`Exporter::flush`].
    ///
    /// # Errors
    /// [`Unsent`] when it took longer.
    pub fn flush(&self, within: Duration) -> Result<(), Unsent> {
        match &self.exporter {
            Some(exporter) => exporter.flush(within),
            None => Ok(()),
        }
    }

    /// Sends the last spans, then writes the last lines. Blocks for at most
    /// `within`, plus a second when standard error is stuck. What is left is
    /// dropped with a warning: a service must not fail to stop for it.
    pub fn shutdown(self, within: Duration) {
        if let Some(Err(unsent)) = self.exporter.as_ref().map(|exporter| exporter.shutdown(within))
        {
            tracing::warn!("{unsent}");
        }
        drop(self.logs);
    }
}
