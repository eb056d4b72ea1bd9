//! Histograms of what one side of one route answers, found without a lock.

use std::{sync::OnceLock, time::Duration};

use prometheus_client::metrics::family::Family;

use super::{AtomicHistogram, histogram::Buckets};

/// Different answers (method, status, version) that one side of one route is known by; more are
/// counted together.
const ANSWERS_MAX: usize = 64;

pub(super) type Histograms<L> = Family<L, AtomicHistogram, Buckets>;

/// Histograms found by a small number, without a lock: each slot is set once, and the slots are
/// made at first use, since most routes see few different answers and many see none.
#[derive(Debug)]
pub(super) struct Answers<L>(OnceLock<Slots<L>>);

type Slots<L> = Box<[OnceLock<Box<Slot<L>>>]>;

#[derive(Debug)]
struct Slot<L> {
    key: u32,
    labels: L,
    histogram: AtomicHistogram,
}

// === impl Answers ===

impl<L> Default for Answers<L> {
    fn default() -> Answers<L> {
        Answers(OnceLock::new())
    }
}

impl<L: Clone + Eq + std::hash::Hash> Answers<L> {
    /// Observes in the histogram of `key`, made in `family` the first time. Beyond
    /// [`ANSWERS_MAX`] keys the newest share the last slot, so memory stays bounded.
    pub(super) fn observe(
        &self,
        family: &Histograms<L>,
        key: u32,
        duration: Duration,
        labels: impl Fn() -> L,
    ) {
        let slots = self.0.get_or_init(|| (0..ANSWERS_MAX).map(|_| OnceLock::new()).collect());
        let start = (key.wrapping_mul(0x9e37_79b1) >> 16) as usize % slots.len();
        for step in 0..slots.len() {
            let slot = slots[(start + step) % slots.len()].get_or_init(|| {
                let labels = labels();
                let histogram = family.get_or_create_owned(&labels);
                Box::new(Slot { key, labels, histogram })
            });
            if slot.key == key || step + 1 == slots.len() {
                slot.histogram.observe(duration);
                return;
            }
        }
    }

    pub(super) fn forget(&self, family: &Histograms<L>) {
        for slot in self.0.get().into_iter().flatten().filter_map(OnceLock::get) {
            family.remove(&slot.labels);
        }
    }
}
