//! A histogram without a lock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric, family::MetricConstructor},
};

/// Counts durations into fixed buckets; one atomic addition for the bucket, one for the sum.
///
/// `prometheus-client`'s own histogram takes a mutex for each observation, and cannot be read
/// back; the admin API needs to. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AtomicHistogram {
    /// In seconds, rising; shared with every other histogram of the family.
    bounds: Arc<[f64]>,
    /// One more than bounds: the last counts what is above them all.
    counts: Arc<[AtomicU64]>,
    sum_nanos: Arc<AtomicU64>,
}

/// Makes the histograms of a family, all with the same bounds. Cheap to clone; clones share one
/// state.
#[derive(Clone, Debug)]
pub(super) struct Buckets(Arc<Mutex<Arc<[f64]>>>);

// === impl Buckets ===

impl Buckets {
    /// With these bounds in seconds, rising.
    pub(super) fn new(bounds: &[f64]) -> Buckets {
        Buckets(Arc::new(Mutex::new(bounds.into())))
    }

    /// What is made from now on has these bounds; false: what was made before had them, too.
    pub(super) fn end_at(&self, bounds: &[f64]) -> bool {
        let mut current = self.0.lock();
        let is_other = **current != *bounds;
        if is_other {
            *current = bounds.into();
        }
        is_other
    }
}

impl MetricConstructor<AtomicHistogram> for Buckets {
    fn new_metric(&self) -> AtomicHistogram {
        AtomicHistogram::new(Arc::clone(&self.0.lock()))
    }
}

// === impl AtomicHistogram ===

impl AtomicHistogram {
    /// `bounds` in seconds, rising.
    pub(crate) fn new(bounds: Arc<[f64]>) -> AtomicHistogram {
        AtomicHistogram {
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            bounds,
            sum_nanos: Arc::default(),
        }
    }

    /// Counts one. Gives the upper bound in seconds of the bucket that it fell into.
    pub(crate) fn observe(&self, duration: Duration) -> f64 {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.bounds.get(bucket).copied().unwrap_or(f64::INFINITY)
    }

    /// Its bounds in seconds, rising.
    pub(crate) fn bounds_seconds(&self) -> Arc<[f64]> {
        Arc::clone(&self.bounds)
    }

    /// Observations by bucket, not cumulated.
    pub(crate) fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl TypedMetric for AtomicHistogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for AtomicHistogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        let counts = self.counts();
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
        let sum = Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests;
