//! The metrics that telemetry keeps about itself.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

crate::closed_label! {
    /// What kind of telemetry.
    pub enum Signal {
        /// Spans.
        Traces => "traces",
        /// Lines.
        Logs => "logs",
    }
}

crate::closed_label! {
    /// Why telemetry was dropped.
    pub enum DropReason {
        /// It came faster than it could be sent.
        QueueFull => "queue_full",
        /// A rule that keeps more than the ratio does had kept as many as it may.
        RateCap => "rate_cap",
        /// No connection to the receiver, or it broke, until retries ended.
        Unreachable => "unreachable",
        /// The receiver did not answer in time.
        Timeout => "timeout",
        /// The receiver asked for patience (429, 502, 503, 504) until retries ended.
        Overloaded => "overloaded",
        /// The receiver answered with another error status.
        Refused => "refused",
        /// The receiver took the request and refused some of its spans.
        Rejected => "rejected",
        /// The receiver said 200 and what followed is no OTLP answer.
        BadAnswer => "bad_answer",
        /// The process ended first.
        Shutdown => "shutdown",
    }
}

/// Counts of what telemetry itself did. Clones share the same counts.
#[derive(Clone, Debug)]
pub struct TelemetryMetrics {
    dropped: Family<Dropped, Counter>,
    /// Those of `dropped`, found without a lock: in an outage every request counts here.
    drops: Arc<Drops>,
    exported: Family<Exported, Counter>,
    queue_length: Gauge<i64, AtomicI64>,
}

/// By signal and reason; `None`: that cannot be.
type Drops = [[Option<Counter>; DropReason::ALL.len()]; Signal::ALL.len()];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Dropped {
    signal: Signal,
    reason: DropReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Exported {
    signal: Signal,
}

// === impl TelemetryMetrics ===

impl TelemetryMetrics {
    /// All counts at zero, every series present from the start.
    #[must_use]
    pub fn new() -> Self {
        let dropped = Family::default();
        let metrics = Self {
            drops: Arc::new(drops(&dropped)),
            dropped,
            exported: Family::default(),
            queue_length: Gauge::default(),
        };
        metrics.exported(Signal::Traces, 0);
        metrics.exported(Signal::Logs, 0);
        metrics
    }

    /// Adds these metrics to the registry that `/metrics` shows.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "cutover_telemetry_dropped",
            "Spans or log lines that were not delivered, by reason",
            self.dropped.clone(),
        );
        registry.register(
            "cutover_telemetry_exported",
            "Spans acknowledged by the receiver, log lines written",
            self.exported.clone(),
        );
        registry.register(
            "cutover_telemetry_queue_length",
            "Spans waiting to be sent",
            self.queue_length.clone(),
        );
    }

    /// How many were dropped for this reason since the start.
    #[must_use]
    pub fn dropped_total(&self, signal: Signal, reason: DropReason) -> u64 {
        self.drops(signal, reason).map_or(0, Counter::get)
    }

    /// How many were delivered since the start.
    #[must_use]
    pub fn exported_total(&self, signal: Signal) -> u64 {
        self.exported.get_or_create(&Exported { signal }).get()
    }

    /// How many spans wait now.
    #[must_use]
    pub fn queue_length(&self) -> i64 {
        self.queue_length.get()
    }

    pub(crate) fn dropped(&self, signal: Signal, reason: DropReason, count: u64) {
        if let Some(drops) = self.drops(signal, reason) {
            drops.inc_by(count);
        }
    }

    fn drops(&self, signal: Signal, reason: DropReason) -> Option<&Counter> {
        self.drops[signal as usize][reason as usize].as_ref()
    }

    pub(crate) fn exported(&self, signal: Signal, count: u64) {
        self.exported.get_or_create(&Exported { signal }).inc_by(count);
    }

    /// The queue's own gauge, so that its length is counted once.
    pub(crate) fn queue_gauge(&self) -> &Gauge<i64, AtomicI64> {
        &self.queue_length
    }
}

impl Default for TelemetryMetrics {
    fn default() -> Self {
        Self::new()
    }
}

fn drops(family: &Family<Dropped, Counter>) -> Drops {
    let mut drops = Drops::default();
    for (signal, reasons) in [
        (Signal::Traces, DropReason::ALL),
        (Signal::Logs, &[DropReason::QueueFull, DropReason::Unreachable]),
    ] {
        for reason in reasons {
            let counter = family.get_or_create_owned(&Dropped { signal, reason: *reason });
            drops[signal as usize][*reason as usize] = Some(counter);
        }
    }
    drops
}

/// Registers `cutover_build_info`: always 1, the version in its label.
pub fn register_build_info(registry: &mut Registry, version: &str) {
    let labels = vec![("version", version.to_owned())];
    registry.register("cutover_build", "What runs here", Info::new(labels));
}
