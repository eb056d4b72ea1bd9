//! What a gate, a person or a dashboard reads of a route's parity.

use super::{
    Counters, Coverage, Inconclusive, LatencyPercentiles, Outlook, Parity, PathEvidence, Place,
    UNTESTABLE_ABOVE, outlook, threshold,
};

/// Parity of a route at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When counters began, in seconds since the Unix epoch.
    pub since: u64,
    /// Requests since then.
    pub counters: Counters,
    /// Requests with a second legacy answer since the last reset.
    pub pairs: u64,
    /// Version of the noise profile.
    pub noise_version: u64,
    /// Matches / (matches + mismatches), `0..=1`; `None` before the first of them. For people:
    /// gates read `bound`.
    pub parity: Option<f64>,
    /// Its one-sided 95 % lower bound, `0..=1`; 0 without a match.
    pub bound: f64,
    /// What the target still needs.
    pub outlook: Outlook,
    /// Paths at which anything differed since the last reset.
    pub paths: usize,
    /// ln of the evidence that makes one of them a regression.
    pub threshold: f64,
    /// Paths at which the candidate regressed, of most evidence first. Any blocks.
    pub regressions: Vec<PathReport>,
    /// Paths too noisy to be tested. Any blocks until a rule makes it less noisy.
    pub untestable: Vec<PathReport>,
    /// How much of what the route is asked was compared.
    pub coverage: Coverage,
    /// Candidate − legacy; `None` before both answered once.
    pub latency: Option<LatencyPercentiles>,
    /// `Some`: too much could not be judged for the bound to mean anything.
    pub inconclusive: Option<Inconclusive>,
}

/// One path at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct PathReport {
    /// The path.
    pub place: Place,
    /// What was counted there since the last reset.
    pub counted: PathEvidence,
    /// ln of the evidence of a regression.
    pub ln_evidence: f64,
    /// Share of recent pairs in which legacy differed from itself here, `0..=1`; `None` with too
    /// few pairs.
    pub noise_rate: Option<f64>,
    /// What follows from that.
    pub standing: Standing,
}

/// What the evidence at a path comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The candidate is worse than legacy's noise.
    Regression,
    /// Legacy differs from itself too often for anything to be said.
    Untestable,
    /// Neither.
    Open,
}

// === impl Parity ===

impl Parity {
    /// The report at `now` (seconds since the Unix epoch), with the outlook for a bound of `target`.
    pub fn report(&self, target: f64, now: u64) -> Report {
        let state = &self.state;
        let Counters { matches, mismatches, .. } = state.counters;
        let regressions = self.paths().into_iter().filter(PathReport::is_regression).collect();
        let untestable = state.noise.untestable().map(|(place, _)| self.path(place)).collect();
        Report {
            since: state.since,
            counters: state.counters.clone(),
            pairs: state.pairs,
            noise_version: state.noise.version,
            parity: state.counters.parity(),
            bound: state.counters.bound(),
            outlook: outlook(matches, mismatches, target, state.pace.per_second(now)),
            paths: state.paths.len(),
            threshold: threshold(state.paths.len()),
            regressions,
            untestable,
            coverage: state.shapes.coverage(now),
            latency: state.latency.percentiles(),
            inconclusive: state.counters.inconclusive(),
        }
    }

    /// Every path at which anything differed since the last reset, of most evidence first.
    pub fn paths(&self) -> Vec<PathReport> {
        let mut paths: Vec<_> = self.state.paths.keys().map(|place| self.path(place)).collect();
        paths.sort_by(|a, b| b.ln_evidence.total_cmp(&a.ln_evidence));
        paths
    }

    /// One path; all zero if nothing differed there.
    pub fn path(&self, place: &Place) -> PathReport {
        let counted = self.state.paths.get(place).copied().unwrap_or_default();
        let noise_rate = self.state.noise.rate(place);
        let standing = if counted.regressed_after.is_some() {
            Standing::Regression
        } else if noise_rate.is_some_and(|rate| rate > UNTESTABLE_ABOVE) {
            Standing::Untestable
        } else {
            Standing::Open
        };
        let ln_evidence = counted.ln_evidence();
        PathReport { place: place.clone(), counted, ln_evidence, noise_rate, standing }
    }
}

// === impl PathReport ===

impl PathReport {
    /// How many pairs more the candidate differed alone than legacy's second answer did: the
    /// differences that noise does not explain. Below 0: the candidate is steadier than legacy.
    pub fn excess(&self) -> i64 {
        self.counted.only_candidate.cast_signed() - self.counted.only_reference.cast_signed()
    }

    fn is_regression(&self) -> bool {
        self.standing == Standing::Regression
    }
}

#[cfg(test)]
mod tests;
