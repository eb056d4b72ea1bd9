//! Which routes this process is rehearsing: until it is over, only the rehearsal moves them on.

use std::{collections::BTreeSet, sync::Mutex};

use cutover_domain::gate::{Proposal, Step};

use super::Gates;
use crate::admin::locked;

/// Routes that are being rehearsed, by id.
#[derive(Debug, Default)]
pub(super) struct Rehearsing(Mutex<BTreeSet<String>>);

/// One route's turn, given back when dropped.
pub(crate) struct Turn {
    gates: Gates,
    route: String,
}

// === impl Gates ===

impl Gates {
    /// Begins to rehearse `route`; `None`: somebody does already.
    pub(crate) fn rehearse(&self, route: &str) -> Option<Turn> {
        let is_first = locked(&self.0.rehearsing.0).insert(route.to_owned());
        is_first.then(|| Turn { gates: self.clone(), route: route.to_owned() })
    }

    /// Whether a step of `route` is left to its rehearsal: the next one forward. Back is for gates
    /// at any time.
    pub(super) fn leaves(&self, route: &str, proposal: Option<&Proposal>) -> bool {
        let advances = proposal.is_some_and(|asked| matches!(asked.step, Step::Advance(_)));
        advances && self.is_rehearsing(route)
    }

    pub(super) fn is_rehearsing(&self, route: &str) -> bool {
        locked(&self.0.rehearsing.0).contains(route)
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        locked(&self.gates.0.rehearsing.0).remove(&self.route);
    }
}

#[cfg(test)]
mod tests;
