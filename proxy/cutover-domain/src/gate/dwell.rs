//! How long a step has gone well.

use super::{Dwell, Dwelt};

/// Adds up the time in which everything passes. A fail begins anew. What cannot be said stops it,
/// or a route with few requests would never get on; but if that lasts longer than the dwell itself,
/// what passed before is no evidence about now, and the time begins anew, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DwellClock {
    passed_ms: u64,
    requests: u64,
    /// Since it passed last.
    waited_ms: u64,
}

/// Time since the look before, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elapsed {
    /// For which this look stands.
    pub(crate) seen_ms: u64,
    /// Before that: nobody looked.
    pub(crate) unseen_ms: u64,
}

/// What all gates that are about evidence come to at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// All of them pass.
    Passes,
    /// None fails.
    Waits,
    /// One fails.
    Fails,
}

// === impl DwellClock ===

impl DwellClock {
    /// `requests` to new have come since the look before, and `elapsed` has passed.
    pub(crate) fn look(&mut self, look: Look, elapsed: Elapsed, requests: u64, dwell: Dwell) {
        self.requests += requests;
        match look {
            Look::Passes => {
                self.wait(elapsed.unseen_ms, dwell);
                self.passed_ms += elapsed.seen_ms;
                self.waited_ms = 0;
            }
            Look::Waits => self.wait(elapsed.unseen_ms + elapsed.seen_ms, dwell),
            Look::Fails => *self = DwellClock::default(),
        }
    }

    fn wait(&mut self, ms: u64, dwell: Dwell) {
        self.waited_ms += ms;
        if self.waited_ms > dwell.ms {
            self.passed_ms = 0;
        }
    }

    pub(crate) fn dwelt(&self, dwell: Dwell) -> Dwelt {
        let DwellClock { passed_ms, requests, .. } = *self;
        Dwelt { passed_ms, needed_ms: dwell.ms, requests, needed_requests: dwell.requests }
    }
}

#[cfg(test)]
mod tests;
