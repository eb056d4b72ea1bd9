//! Subjects served lately, by linear counting (Whang et al., TODS 15(2), 1990): each sets one bit
//! of a map, and the share of bits left unset tells how many there were.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Bits of one map, a power of two.
const BITS: u64 = 4_096;
const WORDS: usize = (BITS / 64) as usize;
/// One subject in so many is in the coarse map, too.
const COARSE: u64 = 64;
/// Beyond so many bits set, the fine map is too full to tell.
const FULL: u64 = BITS * 15 / 16;
/// Periods that are looked at, the present one included.
const PERIODS: u64 = 4;
const PERIOD_SECONDS: u64 = 20;

/// Subjects of the last 60 to 80 seconds. A subject that was seen before in its period costs two
/// reads.
#[derive(Debug, Default)]
pub(super) struct Active([Slot; PERIODS as usize]);

/// One period.
#[derive(Debug)]
struct Slot {
    /// Counted from 1; 0: none yet.
    period: AtomicU64,
    fine: Map,
    coarse: Map,
}

#[derive(Debug)]
struct Map([AtomicU64; WORDS]);

// === impl Active ===

impl Active {
    /// `subject` was served, `at` after the beginning.
    pub(super) fn note(&self, subject: u64, at: Duration) {
        let period = period(at);
        let slot = &self.0[(period % PERIODS) as usize];
        slot.begin(period);
        slot.fine.set(subject % BITS);
        let rest = subject / BITS;
        if rest.is_multiple_of(COARSE) {
            slot.coarse.set(rest / COARSE % BITS);
        }
    }

    /// About how many different subjects there were.
    pub(super) fn estimate(&self, at: Duration) -> u64 {
        let now = period(at);
        let slots = || self.0.iter().filter(|slot| slot.is_within(now));
        let fine = ones(slots().map(|slot| &slot.fine));
        match fine <= FULL {
            true => linear(fine),
            false => COARSE * linear(ones(slots().map(|slot| &slot.coarse))),
        }
    }

    /// Forgets everyone.
    pub(super) fn clear(&self) {
        for slot in &self.0 {
            slot.period.store(0, Relaxed);
        }
    }
}

fn period(at: Duration) -> u64 {
    1 + at.as_secs() / PERIOD_SECONDS
}

/// Bits set in any of `maps`.
fn ones<'a>(maps: impl Iterator<Item = &'a Map> + Clone) -> u64 {
    let word = |at: usize| maps.clone().fold(0, |word, map| word | map.0[at].load(Relaxed));
    (0..WORDS).map(|at| u64::from(word(at).count_ones())).sum()
}

fn linear(ones: u64) -> u64 {
    let zeros = BITS.saturating_sub(ones).max(1);
    let bits = BITS as f64;
    (bits * (bits / zeros as f64).ln()).round() as u64
}

// === impl Slot ===

impl Default for Slot {
    fn default() -> Slot {
        Slot { period: AtomicU64::new(0), fine: Map::default(), coarse: Map::default() }
    }
}

impl Slot {
    fn begin(&self, period: u64) {
        let before = self.period.load(Relaxed);
        if before != period
            && self.period.compare_exchange(before, period, Relaxed, Relaxed).is_ok()
        {
            self.fine.clear();
            self.coarse.clear();
        }
    }

    fn is_within(&self, now: u64) -> bool {
        let period = self.period.load(Relaxed);
        period > 0 && period <= now && now - period < PERIODS
    }
}

// === impl Map ===

impl Default for Map {
    fn default() -> Map {
        Map(array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Map {
    fn set(&self, bit: u64) {
        let (word, mask) = (&self.0[(bit / 64) as usize], 1 << (bit % 64));
        if word.load(Relaxed) & mask == 0 {
            word.fetch_or(mask, Relaxed);
        }
    }

    fn clear(&self) {
        self.0.iter().for_each(|word| word.store(0, Relaxed));
    }
}
