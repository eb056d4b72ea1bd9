//! What one side served over each window: rings of coarse buckets.

use super::{BUDGET_MS, RULES, Tally};

/// Buckets of a window: what it covers is up to a twenty-fourth short of its length.
const BUCKETS: usize = 24;
/// The last moments, in which both sides are compared before anyone is blamed. They are as long
/// as that whatever the scale.
pub(crate) const MOMENT_MS: u64 = 10_000;
pub(crate) const MINUTE_MS: u64 = 60_000;

/// Requests of one side over the windows of [`RULES`], the budget's 30 days, and the last moments.
/// About 6 KiB.
#[derive(Clone, Debug)]
pub struct Meter {
    scale: f64,
    since_ms: u64,
    now_ms: u64,
    windows: Vec<(u64, Ring)>,
}

#[derive(Clone, Debug)]
struct Ring {
    width_ms: u64,
    /// Number of the newest bucket, counted from the epoch.
    newest: u64,
    buckets: [Tally; BUCKETS],
}

// === impl Meter ===

impl Meter {
    /// Has seen nothing since `now_ms`. Windows are shorter than their names by `scale`.
    pub fn new(scale: f64, now_ms: u64) -> Meter {
        let scaled = |length| (length, Ring::new(length as f64 / scale, now_ms));
        let moments =
            [MOMENT_MS, MINUTE_MS].map(|length| (length, Ring::new(length as f64, now_ms)));
        let windows = moments.into_iter().chain(Meter::lengths().into_iter().map(scaled)).collect();
        Meter { scale, since_ms: now_ms, now_ms, windows }
    }

    /// The names of the windows that objectives are judged over: their lengths in ms without the
    /// scale, rising, the budget's last.
    pub fn lengths() -> Vec<u64> {
        let rules = RULES.iter().flat_map(|rule| [rule.short_ms, rule.long_ms]);
        let mut lengths: Vec<u64> = rules.chain([BUDGET_MS]).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }

    /// Forgets everything: what comes from `now_ms` on is about others.
    pub fn restart(&mut self, now_ms: u64) {
        *self = Meter::new(self.scale, now_ms);
    }

    /// Adds what was served since the last time, as of `now_ms`, which does not fall.
    pub fn add(&mut self, served: &Tally, now_ms: u64) {
        self.now_ms = now_ms;
        for (_, ring) in &mut self.windows {
            ring.add(served, now_ms);
        }
    }

    /// What was served over the window of this name: one of [`RULES`]' or of 30 days.
    pub fn tally(&self, length_ms: u64) -> Tally {
        let ring = self.windows.iter().find(|(length, _)| *length == length_ms);
        ring.map_or(Tally::default(), |(_, ring)| ring.sum())
    }

    /// How much of the window of this name has been seen, `0..=1`.
    pub fn filled(&self, length_ms: u64) -> f64 {
        let seen_ms = (self.now_ms - self.since_ms) as f64;
        (seen_ms * self.scale / length_ms as f64).min(1.0)
    }

    /// When it began, in ms since the Unix epoch.
    pub fn since_ms(&self) -> u64 {
        self.since_ms
    }

    /// How long the window of this name really is, in ms.
    pub fn scaled_ms(&self, length_ms: u64) -> u64 {
        (length_ms as f64 / self.scale) as u64
    }
}

// === impl Ring ===

impl Ring {
    fn new(length_ms: f64, now_ms: u64) -> Ring {
        let width_ms = ((length_ms / BUCKETS as f64) as u64).max(1);
        Ring { width_ms, newest: now_ms / width_ms, buckets: [Tally::default(); BUCKETS] }
    }

    fn add(&mut self, served: &Tally, now_ms: u64) {
        let newest = now_ms / self.width_ms;
        // All that was passed over is empty; more than all buckets are all of them.
        let passed = newest.saturating_sub(self.newest).min(BUCKETS as u64);
        for bucket in 0..passed {
            *self.at(newest - bucket) = Tally::default();
        }
        self.newest = newest;
        self.at(newest).add(served);
    }

    fn sum(&self) -> Tally {
        self.buckets.iter().fold(Tally::default(), |mut sum, bucket| {
            sum.add(bucket);
            sum
        })
    }

    fn at(&mut self, number: u64) -> &mut Tally {
        &mut self.buckets[(number % BUCKETS as u64) as usize]
    }
}

#[cfg(test)]
mod tests;
