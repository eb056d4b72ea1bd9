//! The identity that every copy is held to.

use cutover_domain::exchange::Dropped;

/// What became of the requests of one route that were to be copied, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// They were to be copied.
    pub eligible: u64,
    /// Compared: the candidate answered as legacy.
    pub matches: u64,
    /// Compared: it did not.
    pub mismatches: u64,
    /// Compared: it did not, and nor does legacy.
    pub noisy: u64,
    /// Compared in vain.
    pub incomparable: u64,
    /// Not compared, in the order of [`Dropped::ALL`].
    pub dropped: [u64; Dropped::ALL.len()],
}

// === impl Accounting ===

impl Accounting {
    /// Requests that were compared, in vain or not.
    pub fn compared(&self) -> u64 {
        self.matches + self.mismatches + self.noisy + self.incomparable
    }

    /// Requests that were not compared, for this reason.
    pub fn dropped(&self, reason: Dropped) -> u64 {
        self.dropped[reason as usize]
    }

    /// Requests under way: neither compared nor dropped yet.
    pub fn open(&self) -> u64 {
        self.eligible - self.compared() - self.dropped.iter().sum::<u64>()
    }

    /// Whether every request has come to its end, and to one only.
    pub fn is_settled(&self) -> bool {
        self.eligible == self.compared() + self.dropped.iter().sum::<u64>()
    }
}
