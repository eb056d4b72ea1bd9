//! How long a step has gone well.

use super::{Dwell, Dwelt};

/// Adds up the time in which everything passes. What cannot be said stops it, a fail begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DwellClock {
    passed_ms: u64,
    requests: u64,
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
    /// `elapsed_ms` and `requests` to new have passed since the look before.
    pub(crate) fn look(&mut self, look: Look, elapsed_ms: u64, requests: u64) {
        match look {
            Look::Passes => {
                self.passed_ms += elapsed_ms;
                self.requests += requests;
            }
            Look::Waits => self.requests += requests,
            Look::Fails => *self = DwellClock::default(),
        }
    }

    pub(crate) fn dwelt(&self, dwell: Dwell) -> Dwelt {
        let DwellClock { passed_ms, requests } = *self;
        Dwelt { passed_ms, needed_ms: dwell.ms, requests, needed_requests: dwell.requests }
    }
}

#[cfg(test)]
mod tests;
