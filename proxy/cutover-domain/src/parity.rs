//! Whether a candidate answers as legacy does, and how sure that is.
//!
//! Each compared request gets a [`Verdict`]. What the verdicts say together is the parity of the
//! route, of which gates read the exact lower bound ([`lower_bound`]); what they say path by path
//! is the evidence of a regression ([`evidence()`]), which may be looked at after every request.
//! Both rest on a second answer of legacy to some of the requests: a difference that legacy also
//! has with itself is noise, and no one's fault.
//!
//! Refused here:
//! - forgiving a candidate for what only candidates do: the [`NoiseProfile`] learns from legacy
//!   alone;
//! - a point estimate as a gate: 10 of 10 is 100 %, and proves 74 %;
//! - unbounded tables: paths and shapes beyond a cap are counted together, and there nothing is
//!   forgiven.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    cohort::{BUCKETS, Percent},
    compare::{Difference, Incomparable},
    exchange::Dropped,
};

mod bound;
mod counters;
mod evidence;
mod judge;
mod latency;
mod noise;
mod place;
mod report;
mod reset;
mod resume;
mod shape;

pub use bound::{BOUND_ERROR, Outlook, lower_bound, needed, outlook, upper_bound};
pub use counters::{Counters, Inconclusive, Pace, UNJUDGED_MAX};
pub use evidence::{EVIDENCE_MIN, EVIDENCE_PER_PATH, PathEvidence, evidence, threshold};
pub use judge::{Class, Verdict};
pub use latency::{LatencyPercentiles, PairedLatency};
pub use noise::{KNOWN_AT, NoiseProfile, PathNoise, RATE_PAIRS_MIN, UNTESTABLE_ABOVE};
pub use place::{PATHS_MAX, Place};
pub use report::{PathReport, Report, Standing};
pub use reset::{Basis, Cause, Epoch, HISTORY_MAX};
pub use shape::{Coverage, SEEN_SECONDS, SHAPES_MAX, Shape, ShapeSeen, Shapes};

/// Pairs since the last reset up to which every compared request gets a second legacy call.
pub const PAIRS_FULL: u64 = 500;

/// The parity of one route with one candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parity {
    state: Snapshot,
}

/// All that parity knows of a route, as plain data for a store to keep. Bounded: about 4,000
/// paths, 1,000 shapes, 1,800 latency buckets and 16 epochs at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What is compared with what, and how.
    pub basis: Basis,
    /// When `counters` began, in seconds since the Unix epoch.
    pub since: u64,
    /// Requests since then.
    pub counters: Counters,
    /// Requests with a second legacy answer since the last reset.
    pub pairs: u64,
    /// Evidence by path since the last reset, of paths at which anything differed. At most
    /// [`PATHS_MAX`] and [`Place::Other`].
    pub paths: BTreeMap<Place, PathEvidence>,
    /// What legacy disagrees with itself about.
    pub noise: NoiseProfile,
    /// Shapes of the route's requests.
    pub shapes: Shapes,
    /// Candidate − legacy since the last reset.
    pub latency: PairedLatency,
    /// Comparisons a day.
    pub pace: Pace,
    /// Counters of earlier times, oldest first. At most [`HISTORY_MAX`].
    pub history: VecDeque<Epoch>,
}

/// One compared request.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// What differed, after rules; or why that cannot be said.
    pub compared: Result<&'a [Difference], Incomparable>,
    /// Whether there was a second legacy answer, and the comparison had it.
    pub paired: bool,
    /// The request's shape.
    pub shape: &'a Shape,
    /// Candidate's − legacy's time to the end of the answer, in µs; `None` unless both answered.
    pub latency_micros: Option<i64>,
    /// Seconds since the Unix epoch.
    pub now: u64,
}

/// What one request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The class of each difference, in the order of the differences.
    pub classes: Vec<Class>,
    /// Paths that became a regression by this request.
    pub regressed: Vec<Place>,
    /// `Some`: by this request noise became known. The profile has this version from now on, and
    /// counters began anew.
    pub learnt: Option<u64>,
}

// === impl Parity ===

impl Parity {
    /// Nothing known yet.
    pub fn new(basis: Basis, now: u64) -> Parity {
        Parity { state: Snapshot { basis, since: now, ..Snapshot::default() } }
    }

    /// Continues from what was kept.
    pub fn restore(snapshot: Snapshot) -> Parity {
        Parity { state: snapshot }
    }

    /// All that is known, to be kept.
    pub fn snapshot(&self) -> &Snapshot {
        &self.state
    }

    /// Takes in one compared request. Its verdict goes by the noise known before it.
    pub fn judge(&mut self, observation: &Observation<'_>) -> Judgement {
        let Observation { compared, shape, latency_micros, now, .. } = *observation;
        if let Some(micros) = latency_micros {
            self.state.latency.record(micros);
        }
        match compared {
            Ok(differences) => {
                self.state.shapes.compare(shape, now);
                self.judge_compared(differences, observation.paired, now)
            }
            Err(reason) => {
                // A shape is what legacy answered, too: without that, nothing could ever cover it.
                if !matches!(reason, Incomparable::LiveFailed | Incomparable::ClientGone) {
                    self.state.shapes.see(shape, now);
                }
                self.state.counters.count(Verdict::Incomparable(reason));
                Judgement::of(Verdict::Incomparable(reason))
            }
        }
    }

    /// An eligible request was not compared, for a reason of ours.
    pub fn drop_one(&mut self, reason: Dropped) {
        *self.state.counters.dropped.entry(reason).or_default() += 1;
    }

    /// A request of this shape came that is not to be compared: it counts for coverage only.
    pub fn see(&mut self, shape: &Shape, now: u64) {
        self.state.shapes.see(shape, now);
    }

    /// Whether legacy is to be asked a second time: always until there are [`PAIRS_FULL`] pairs,
    /// then for a share of `sample`.
    ///
    /// `hash` is spread evenly and independent of what else is chosen by hash: one of the request,
    /// not the subject's bucket, or a sampled subject would always be asked twice and others never.
    pub fn wants_reference(&self, hash: u64, sample: Percent) -> bool {
        let bucket = (u128::from(hash) * u128::from(BUCKETS)) >> 64;
        self.state.pairs < PAIRS_FULL || bucket < u128::from(sample.basis_points())
    }

    fn judge_compared(&mut self, differences: &[Difference], paired: bool, now: u64) -> Judgement {
        let state = &mut self.state;
        state.pairs += u64::from(paired);
        let (places, folded) = judge::fold(differences, paired, &mut state.paths);
        let class_of = |place: &Place| folded[place].class(place, &state.noise);
        let classes: Vec<Class> = places.iter().map(class_of).collect();
        let verdict = Verdict::of(classes.iter().copied());
        state.counters.count(verdict);
        if matches!(verdict, Verdict::Match | Verdict::Mismatch) {
            state.pace.count(now);
        }

        let threshold = threshold(state.paths.len());
        let mut regressed = Vec::new();
        for (place, folded) in &folded {
            let evidence = state.paths.entry(place.clone()).or_default();
            if folded.count(evidence, state.pairs, threshold) {
                regressed.push(place.clone());
            }
        }

        let noise = folded.iter().filter(|(_, folded)| !folded.noise().is_empty());
        let noise = noise.map(|(place, folded)| (place.clone(), folded.noise()));
        let learnt = (paired && state.noise.learn(noise)).then_some(state.noise.version);
        if learnt.is_some() {
            self.reset(Cause::Profile, now);
        }
        Judgement { verdict, classes, regressed, learnt }
    }
}

// === impl Judgement ===

impl Judgement {
    fn of(verdict: Verdict) -> Judgement {
        Judgement { verdict, classes: Vec::new(), regressed: Vec::new(), learnt: None }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
