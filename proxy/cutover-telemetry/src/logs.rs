//! Logs: one line per event on standard error, JSON or readable.
//!
//! Events come from `tracing` and, bridged, from `log` (pingora). Lines are
//! written by a thread of their own: whoever logs never waits for the one who
//! reads. When that one is stuck, lines are dropped and counted.
//!
//! What is refused: pingora's lines per connection and per request. They hold
//! paths and addresses, and a hostile client could order them by the thousand;
//! what they tell is in the canonical line.

mod layer;
mod line;
mod time;
mod writer;

use std::io::Write;
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::metrics::TelemetryMetrics;

pub(crate) use line::Line;
pub use writer::LogWriter;

/// Comes before the configured filter, so that this can say otherwise.
const FILTER_BASE: &str = "pingora_core=warn,pingora_proxy=off,pingora_core::apps=off,\
    pingora_core::protocols::http=off,h2=warn,hyper=warn,rustls=warn,sqlx::query=warn";

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// For human readers at a terminal.
    Text,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Levels by target, like `info,cutover_gateway=debug`. The syntax is that
    /// of `tracing_subscriber::EnvFilter`; no environment is read.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// Keeps the writing thread alive. When dropped, waits up to a second for the
/// last lines.
#[derive(Debug)]
pub struct LogGuard {
    writer: LogWriter,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is malformed.
    #[error("`{filter}` is no log filter; write it like `info,cutover_gateway=debug`")]
    Filter {
        /// As configured.
        filter: String,
        /// Which part, and why.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// A second call in one process.
    #[error("logging was set up already")]
    AlreadySet(#[from] tracing_subscriber::util::TryInitError),
    /// The operating system gave no thread.
    #[error("the log thread did not start")]
    Thread(#[source] std::io::Error),
}

/// Sends the logs of this process, those of `log` included, to standard error.
///
/// # Errors
/// [`LogError`] when the filter is malformed, or logging is set up already.
pub fn init(config: &LogConfig, metrics: &TelemetryMetrics) -> Result<LogGuard, LogError> {
    init_to(std::io::stderr(), config, metrics)
}

fn init_to(
    output: impl Write + Send + 'static,
    config: &LogConfig,
    metrics: &TelemetryMetrics,
) -> Result<LogGuard, LogError> {
    let guard = LogGuard::start(output, metrics)?;
    tracing_subscriber::registry().with(layer(config, guard.writer())?).try_init()?;
    Ok(guard)
}

/// The layer that turns events into lines.
pub(crate) fn layer<S>(config: &LogConfig, writer: &LogWriter) -> Result<impl Layer<S>, LogError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = filter(&config.filter)?;
    Ok(layer::LineLayer::new(config.format, writer.clone()).with_filter(filter))
}

fn filter(configured: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(format!("{FILTER_BASE},{configured}"))
        .map_err(|source| LogError::Filter { filter: configured.to_owned(), source })
}

// === impl LogGuard ===

impl LogGuard {
    /// Starts the writing thread. `init` does this for standard error; use it
    /// alone for a writer of canonical lines without `tracing`.
    ///
    /// # Errors
    /// [`LogError::Thread`].
    pub fn start(
        output: impl Write + Send + 'static,
        metrics: &TelemetryMetrics,
    ) -> Result<Self, LogError> {
        let writer = LogWriter::start(output, metrics.clone()).map_err(LogError::Thread)?;
        Ok(Self { writer })
    }

    /// The way to the writing thread.
    #[must_use]
    pub fn writer(&self) -> &LogWriter {
        &self.writer
    }

    /// Waits until all lines so far are written; false when that took longer.
    pub fn flush(&self, within: Duration) -> bool {
        self.writer.flush(within)
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests;
