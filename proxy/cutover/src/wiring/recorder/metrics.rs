//! What tells whether findings are kept.

use cutover_store::FaultKind;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Reasons that are no fault of the store's.
const REASONS: [&str; 4] = ["no_room", "superseded", "too_long", "unreadable"];

/// Handles of the metrics; cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::wiring) struct RecorderMetrics {
    dropped: Family<Reason, Counter>,
    up: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

// === impl RecorderMetrics ===

impl RecorderMetrics {
    /// Registers them; every series begins at zero.
    pub(in crate::wiring) fn register(registry: &mut Registry) -> RecorderMetrics {
        let metrics = RecorderMetrics { dropped: Family::default(), up: Gauge::default() };
        for reason in FaultKind::ALL.map(FaultKind::code).into_iter().chain(REASONS) {
            metrics.dropped(reason, 0);
        }
        registry.register(
            "cutover_recorder_dropped",
            "Findings about routes, and samples, that were given up instead of being kept",
            metrics.dropped.clone(),
        );
        registry.register(
            "cutover_recorder_up",
            "1 while the store takes what comparing sides finds out",
            metrics.up.clone(),
        );
        metrics
    }

    pub(super) fn dropped(&self, reason: &'static str, count: u64) {
        self.dropped.get_or_create(&Reason { reason }).inc_by(count);
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.up.set(i64::from(is_up));
    }
}
