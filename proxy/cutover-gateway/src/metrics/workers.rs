//! How busy the data plane's threads are, as their event loops tell it.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::{Registry, Unit},
};
use tokio::runtime::{Handle, RuntimeMetrics};

/// The event loops of the data plane, each a thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workers(Arc<Mutex<Vec<RuntimeMetrics>>>);

// === impl Workers ===

impl Workers {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The event loop that asks is one of them from now on.
    pub(crate) fn join(&self) {
        self.0.lock().push(Handle::current().metrics());
    }
}

impl Collector for Workers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let help = "Time that a thread of the data plane was at work, not waiting for work";
        let mut metric = encoder.encode_descriptor(
            "cutover_worker_busy",
            help,
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?;
        for (number, runtime) in self.0.lock().iter().enumerate() {
            let busy = runtime.worker_total_busy_duration(0).as_secs_f64();
            let labels = [("worker", number)];
            ConstCounter::new(busy).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
