//! A candidate gets at most so many copies a second. Where more are to be had, whole subjects are
//! left out, by hash, so that sessions stay whole.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Over what copies are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// Keeps the hash apart from other uses of the subject's.
const SEED: u64 = 0x7468_696e_6e65_7273;

/// Copies of limited routes to one candidate.
#[derive(Debug, Default)]
pub(crate) struct Rate(Mutex<Option<Window>>);

#[derive(Debug)]
struct Window {
    start: Instant,
    offered: u32,
    admitted: u32,
    /// Copies a second that the window before was offered.
    offered_before: f64,
}

// === impl Rate ===

impl Rate {
    /// Whether one more copy of this subject goes to the candidate; at most `max` in each second,
    /// counted from the first. A subject that is left out at some rate is left out at higher ones.
    pub(super) fn admits(&self, now: Instant, subject: u64, max: u32) -> bool {
        let mut window = self.0.lock();
        let window = window.get_or_insert_with(|| Window::starting(now, 0.0));
        let elapsed = now.saturating_duration_since(window.start);
        if elapsed >= WINDOW {
            *window = Window::starting(now, f64::from(window.offered) / elapsed.as_secs_f64());
        }
        window.offered += 1;
        let share = f64::from(max) / window.offered_before.max(f64::from(max)).max(1.0);
        let admits = hash_unit(subject) < share && window.admitted < max;
        window.admitted += u32::from(admits);
        admits
    }
}

// === impl Window ===

impl Window {
    fn starting(start: Instant, offered_before: f64) -> Window {
        Window { start, offered: 0, admitted: 0, offered_before }
    }
}

/// The subject's place in `0..1`, spread evenly.
fn hash_unit(subject: u64) -> f64 {
    let hash = xxh3_64_with_seed(&subject.to_le_bytes(), SEED);
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
