//! Going on from what an earlier process kept, also when that comes late.

use std::collections::BTreeMap;

use super::{Cause, HISTORY_MAX, Pace, Parity, Snapshot};

impl Parity {
    /// Goes on from what an earlier process kept; true if all of it holds.
    ///
    /// That is so as long as nothing was compared here: what was dropped or seen since then is
    /// added. Afterwards verdicts were given without what was known there, so both cannot be
    /// counted together: what was kept becomes history, by [`Cause::Store`], and no count is lost.
    pub fn resume(&mut self, kept: Snapshot, now: u64) -> bool {
        let here = std::mem::replace(&mut self.state, kept);
        let is_fresh = here.counters.compared() == 0 && here.noise.pairs == 0;
        if is_fresh && here.history.is_empty() {
            self.state.counters.add(&here.counters);
            self.state.see_all(&here);
            self.adopt(&here.basis, now);
            return true;
        }
        let is_empty = self.state.counters.eligible() == 0 && self.state.noise.pairs == 0;
        if !is_empty {
            self.keep_epoch(Cause::Store, here.since);
        }
        let earlier = std::mem::replace(&mut self.state, here);
        self.state.follow(earlier);
        false
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Takes over what stays true whatever was counted since.
    fn follow(&mut self, mut earlier: Snapshot) {
        self.see_all(&earlier);
        earlier.history.append(&mut self.history);
        self.history = earlier.history;
        while self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
        self.pace.follow(&earlier.pace);
        // Versions name what verdicts went by, so no two profiles may share one.
        self.noise.version += earlier.noise.version + 1;
    }

    fn see_all(&mut self, other: &Snapshot) {
        for (shape, seen) in &other.shapes.seen {
            self.shapes.see(shape, seen.seen_at);
        }
    }
}

// === impl Pace ===

impl Pace {
    fn follow(&mut self, earlier: &Pace) {
        let mut hours: BTreeMap<u64, u64> = BTreeMap::new();
        for (hour, count) in earlier.hours.iter().chain(&self.hours) {
            *hours.entry(*hour).or_default() += count;
        }
        let excess = hours.len().saturating_sub(Pace::HOURS as usize);
        self.hours = hours.into_iter().skip(excess).collect();
        self.since = self.since.into_iter().chain(earlier.since).min();
    }
}

#[cfg(test)]
mod tests;
