//! Reading no faster than the monolith can bear.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Spreads rows evenly in time. A pause earns no credit: after it the pace is the same.
#[derive(Debug)]
pub(crate) struct Pace {
    rows_per_second: Option<NonZeroU32>,
    next: Instant,
}

impl Pace {
    /// `None` is as fast as it goes.
    pub(crate) fn new(rows_per_second: Option<NonZeroU32>) -> Pace {
        Pace { rows_per_second, next: Instant::now() }
    }

    /// Rows to read at once: at most `limit`, at most a second's worth.
    pub(crate) fn page(&self, limit: usize) -> usize {
        let second = self.rows_per_second.map_or(usize::MAX, |rate| rate.get() as usize);
        limit.min(second)
    }

    /// Waits for what `rows` rows cost.
    pub(crate) async fn take(&mut self, rows: usize) {
        let Some(rate) = self.rows_per_second else { return };
        let cost = Duration::from_secs_f64(rows as f64 / f64::from(rate.get()));
        self.next = self.next.max(Instant::now()) + cost;
        sleep_until(self.next).await;
    }
}

#[cfg(test)]
mod tests;
