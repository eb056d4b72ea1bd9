//! The way of spans out of the process: a bounded queue, one thread, OTLP.
//!
//! Requests only ever touch [`Spans`], which never blocks. The [`Exporter`]'s
//! thread has a runtime of its own, so a dead, slow or hanging receiver costs
//! nobody but this thread. Memory is bounded by the queue (2048 spans) plus one
//! batch (512); what does not fit is dropped and counted.
//!
//! Why not `opentelemetry-otlp`: its exporter reads `OTEL_*` variables behind
//! the configuration's back, waits between retries by blocking the thread (so
//! that a shutdown deadline could not be kept), and does not tell which spans
//! the receiver refused, or why a batch failed. The encoding is
//! `opentelemetry-proto`'s, as there.

mod connection;
mod kept;
mod queue;
mod resource;
mod sender;
mod worker;

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::metrics::TelemetryMetrics;
use crate::span::Redaction;
use sender::Sender;
use worker::{Flush, Worker};

pub use connection::EndpointError;
pub use kept::{KeptSpan, KeptTrace, KeptTraces};
pub use queue::Spans;
pub use resource::Resource;

/// How spans are batched and where they go.
#[derive(Clone, Debug)]
pub struct ExportConfig {
    /// The receiver, like `http://127.0.0.1:4318`; `/v1/traces` is appended
    /// unless a path is given. Empty: no exporter at all.
    pub endpoint: String,
    /// Further headers of every export, like an API key. Mark secret values
    /// `set_sensitive`, then they do not show in `Debug`.
    pub headers: http::HeaderMap,
    /// Certificates in PEM that an https receiver must chain to. `None`: the
    /// operating system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Spans that may wait. Default 2048.
    pub queue_spans_max: usize,
    /// Spans per request to the receiver. Default 512.
    pub batch_spans_max: usize,
    /// How long a span waits at most for its batch to fill. Default 5 s.
    pub delay: Duration,
    /// How long one batch may take, its retries included. Default 10 s.
    pub timeout: Duration,
    /// Which values of queries leave the process. Default: none.
    pub redaction: Redaction,
}

/// Owns the exporting thread. Keep it until the process ends, then call
/// [`Exporter::shutdown`].
#[derive(Debug)]
pub struct Exporter {
    spans: Spans,
    kept: KeptTraces,
    flushes: mpsc::UnboundedSender<Flush>,
    stop: watch::Sender<Option<Instant>>,
    /// Gives, when the thread ends, how many spans it could not send at the end.
    ended: Mutex<Receiver<u64>>,
}

/// Spans that were not sent in the time given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The receiver was too slow.
    #[error("telemetry was not sent within {0:?}: the receiver is slow or hangs")]
    DeadlinePassed(Duration),
    /// So many spans were given up at shutdown.
    #[error("{0} spans were given up at shutdown: the receiver did not take them")]
    GivenUp(u64),
}

/// Why exporting cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The operating system gave no thread or no event queue.
    #[error("the telemetry thread did not start")]
    Thread(#[source] std::io::Error),
}

// === impl Exporter ===

impl Exporter {
    /// Starts the thread. `Ok(None)` when the endpoint is empty: then there is
    /// nothing to pay for. The receiver need not be up.
    ///
    /// # Errors
    /// [`StartError`] when the endpoint is no http or https URL, or the thread
    /// cannot start.
    pub fn start(
        config: ExportConfig,
        resource: &Resource,
        metrics: &TelemetryMetrics,
    ) -> Result<Option<Self>, StartError> {
        if config.endpoint.is_empty() {
            return Ok(None);
        }
        let endpoint = connection::Endpoint::parse(&config.endpoint)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (spans, receiver) =
            queue::bounded(config.queue_spans_max, config.batch_spans_max, metrics.clone());
        let sender = Sender::new(endpoint, &config)?;
        let (flushes, flush_receiver) = mpsc::unbounded_channel();
        let (stop, is_stopping) = watch::channel(None);
        let (end, ended) = sync_channel(1);
        let worker = Worker::new(&config, sender, resource, receiver, is_stopping, metrics);
        let kept = worker.kept();
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || {
                let unsent = runtime.block_on(worker.run(flush_receiver));
                // Name resolution may hang in a thread that cannot be stopped.
                runtime.shutdown_background();
                // Nobody listens when the exporter was dropped without shutdown.
                let _ = end.send(unsent);
            })
            .map_err(StartError::Thread)?;
        Ok(Some(Self { spans, kept, flushes, stop, ended: Mutex::new(ended) }))
    }

    /// The queue's entrance; clone it freely.
    #[must_use]
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// The newest traces that were kept. They are there once they are about to be sent: after
    /// `delay` at most, unless the receiver hangs.
    #[must_use]
    pub fn kept(&self) -> &KeptTraces {
        &self.kept
    }

    /// Sends what waits now, and waits for it. Blocks the calling thread for at
    /// most `within`. A batch that the receiver refuses counts as dropped, not
    /// as waiting.
    ///
    /// # Errors
    /// [`Unsent::DeadlinePassed`]; sending goes on all the same.
    pub fn flush(&self, within: Duration) -> Result<(), Unsent> {
        let (done, is_done) = sync_channel(1);
        // A thread that has ended has nothing left to send.
        if self.flushes.send(Flush { done }).is_err() {
            return Ok(());
        }
        match is_done.recv_timeout(within) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(Unsent::DeadlinePassed(within)),
        }
    }

    /// Sends what waits, without retries, and ends the thread. Blocks the
    /// calling thread for at most `within`; what is left then is counted as
    /// dropped. A second call finds nothing to do.
    ///
    /// # Errors
    /// [`Unsent`] when something was left.
    pub fn shutdown(&self, within: Duration) -> Result<(), Unsent> {
        self.spans.close();
        // The thread gives up a little earlier, so that it can still count.
        self.stop.send_replace(Some(Instant::now() + within * 9 / 10));
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(within) {
            Ok(0) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Ok(unsent) => Err(Unsent::GivenUp(unsent)),
            Err(RecvTimeoutError::Timeout) => Err(Unsent::DeadlinePassed(within)),
        }
    }
}

// === impl ExportConfig ===

impl ExportConfig {
    /// The defaults, for this receiver.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            headers: http::HeaderMap::new(),
            ca_pem: None,
            queue_spans_max: 2048,
            batch_spans_max: 512,
            delay: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            redaction: Redaction::default(),
        }
    }
}

/// A queue that takes nothing.
#[cfg(test)]
pub(crate) fn queue_for_tests(spans_max: usize) -> Spans {
    open_queue_for_tests(spans_max, &TelemetryMetrics::new()).0
}

/// A queue that takes so many spans, for as long as its other end is held.
#[cfg(test)]
pub(crate) fn open_queue_for_tests(
    spans_max: usize,
    metrics: &TelemetryMetrics,
) -> (Spans, impl Sized + use<>) {
    queue::bounded(spans_max, spans_max, metrics.clone())
}

#[cfg(test)]
mod tests;
