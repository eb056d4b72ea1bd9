//! What a route asks of its gates.

use std::collections::BTreeSet;

use super::{Gate, Ladder, Schedule};
use crate::compare::Pattern;

/// How a route goes on, and what it must prove for that. A route that declares none is moved by
/// hand and without proof; if it has objectives, it is still taken back by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSpec {
    /// In `canary` it goes up the ladder by itself, and on to `live`. It enters `canary` by a
    /// person or the files. Default: no.
    pub automatic: bool,
    /// Gates that must pass before each step forward. Default: [`GateSpec::REQUIRED`].
    pub required: BTreeSet<Gate>,
    /// The shares that new gets one after the other.
    pub ladder: Ladder,
    /// How long each step lasts at least.
    pub dwell: Dwell,
    /// When it may go forward.
    pub schedule: Schedule,
    /// Which steps a person must agree to.
    pub approval: Approval,
    /// How long a latch that gates set stays at least, in ms. Default 1,800,000.
    pub cool_down_ms: u64,
    /// Places of answers at which a regression is a reason to go back at once.
    pub critical: Vec<Pattern>,
}

/// How long a step of the ladder lasts at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dwell {
    /// Time in which all gates pass, in ms. Default 1,800,000.
    pub ms: u64,
    /// Requests to new. Default 1,000.
    pub requests: u64,
}

/// Which automatic steps a person must agree to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// None.
    #[default]
    Never,
    /// The one to `live`.
    Live,
    /// Each.
    Each,
}

// === impl GateSpec ===

impl GateSpec {
    /// What is required if nothing else is said.
    pub const REQUIRED: [Gate; 5] =
        [Gate::Burn, Gate::Regression, Gate::Latency, Gate::Parity, Gate::Observability];

    /// Whether a step forward waits for `gate`. Schedule and approval are waited for wherever they
    /// are declared.
    pub fn requires(&self, gate: Gate) -> bool {
        match gate {
            Gate::HardStop => true,
            Gate::Schedule => self.schedule != Schedule::default(),
            Gate::Approval => self.approval != Approval::Never,
            gate => self.required.contains(&gate),
        }
    }
}

impl Default for GateSpec {
    fn default() -> GateSpec {
        GateSpec {
            automatic: false,
            required: GateSpec::REQUIRED.into(),
            ladder: Ladder::default(),
            dwell: Dwell::default(),
            schedule: Schedule::default(),
            approval: Approval::Never,
            cool_down_ms: 30 * 60_000,
            critical: Vec::new(),
        }
    }
}

// === impl Dwell ===

impl Default for Dwell {
    fn default() -> Dwell {
        Dwell { ms: 30 * 60_000, requests: 1_000 }
    }
}
