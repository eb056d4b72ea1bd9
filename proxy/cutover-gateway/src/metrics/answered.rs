//! How long good answers took: fine enough for gates to tell both sides apart.

use std::{
    array,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use cutover_domain::gate::latency::{BUCKETS, bucket_of};

/// Good answers of one side of a route.
#[derive(Debug, Default)]
pub(super) struct Answered {
    slow: AtomicU64,
    /// Made at first use: most routes are never in `canary`.
    buckets: OnceLock<Box<[AtomicU64; BUCKETS]>>,
}

// === impl Answered ===

impl Answered {
    /// Counts a good answer that took `duration`, or a client who went after it; `judged`: gates compare it with the other side.
    /// Slow is what [`Durations`](super::Durations) counts above the same threshold, to the
    /// nanosecond.
    pub(super) fn note(&self, duration: Duration, in_time_nanos: u64, judged: bool) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if nanos > in_time_nanos {
            self.slow.fetch_add(1, Relaxed);
        }
        if judged {
            let micros = nanos / 1_000;
            let empty = || Box::new(array::from_fn(|_| AtomicU64::new(0)));
            self.buckets.get_or_init(empty)[bucket_of(micros)].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn slow(&self) -> u64 {
        self.slow.load(Relaxed)
    }

    /// By bucket; empty: none was noted.
    pub(super) fn counts(&self) -> Arc<[u64]> {
        let buckets = self.buckets.get().map(|buckets| &buckets[..]).unwrap_or_default();
        buckets.iter().map(|bucket| bucket.load(Relaxed)).collect()
    }
}
