//! So many a second and no more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Keeps what is kept by a rule of its own from flooding the receiver when
/// everything meets the rule.
#[derive(Debug)]
pub struct RateCap {
    per_second: u32,
    since: Instant,
    /// Seconds after `since` in the upper half, how many in that second in the
    /// lower.
    taken: AtomicU64,
}

// === impl RateCap ===

impl RateCap {
    /// At most `per_second` in each second, counted from `now`.
    #[must_use]
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, since: now, taken: AtomicU64::new(0) }
    }

    /// Whether there is room for one more at `now`, which is then taken. Never
    /// blocks.
    pub fn admits(&self, now: Instant) -> bool {
        self.admits_below(self.per_second, now)
    }

    /// As [`Self::admits`], of one that may have the first half of the room
    /// only, so that the rest is left to what matters more.
    pub fn admits_to_half(&self, now: Instant) -> bool {
        self.admits_below(self.per_second / 2, now)
    }

    fn admits_below(&self, limit: u32, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.since).as_secs() << 32;
        let take = |taken: u64| {
            // A thread that is a little behind takes from the newest second.
            let taken = taken.max(second);
            ((taken as u32) < limit).then_some(taken + 1)
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests;
