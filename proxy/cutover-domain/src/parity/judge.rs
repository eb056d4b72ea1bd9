//! The verdict on one request: which of its differences the candidate has to answer for.

use std::collections::BTreeMap;

use super::{NoiseProfile, PathEvidence, Place};
use crate::compare::{Difference, Incomparable, Kinds};

/// What became of one compared request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The candidate answered as legacy did, after rules.
    Match,
    /// It differed at one path at least where noise does not explain it.
    Mismatch,
    /// It differed, but only where legacy differs from itself.
    Noisy,
    /// The answers could not be compared.
    Incomparable(Incomparable),
}

/// What one difference says, by path: all differences at one path have the same class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Candidate and legacy agree; at most legacy's second answer differs.
    Agrees,
    /// The candidate differs, and so does legacy's second answer.
    Noise,
    /// The candidate differs by kinds that the profile knows as noise here; whether legacy would
    /// have is unknown, or it did not.
    Known,
    /// The candidate differs and legacy does not, or was not asked and is not known to.
    Suspect,
}

/// The differences of one request at one place, taken together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folded {
    candidate: Kinds,
    reference: Kinds,
    /// For some difference here there was no second legacy answer.
    unasked: bool,
}

/// Differences by place; a place is entered into `paths` if it is new and there is room. Gives as
/// well the place of each difference, in their order. Unless `paired`, what differences say of a
/// second legacy answer is not read.
pub(super) fn fold(
    differences: &[Difference],
    paired: bool,
    paths: &mut BTreeMap<Place, PathEvidence>,
) -> (Vec<Place>, BTreeMap<Place, Folded>) {
    let mut folded: BTreeMap<Place, Folded> = BTreeMap::new();
    let mut places = Vec::with_capacity(differences.len());
    for difference in differences {
        let place = Place::At(difference.path.clone()).within(paths);
        folded.entry(place.clone()).or_default().add(difference, paired);
        places.push(place);
    }
    (places, folded)
}

// === impl Verdict ===

impl Verdict {
    /// The verdict that these classes make together.
    pub(super) fn of(classes: impl Iterator<Item = Class>) -> Verdict {
        match classes.max() {
            None | Some(Class::Agrees) => Verdict::Match,
            Some(Class::Noise | Class::Known) => Verdict::Noisy,
            Some(Class::Suspect) => Verdict::Mismatch,
        }
    }

    /// The name used in metrics, traces and by the API; an incomparable's reason comes apart.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Match => "match",
            Verdict::Mismatch => "mismatch",
            Verdict::Noisy => "noisy",
            Verdict::Incomparable(_) => "incomparable",
        }
    }
}

// === impl Class ===

impl Class {
    /// The name used by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Agrees => "agrees",
            Class::Noise => "noise",
            Class::Known => "known",
            Class::Suspect => "suspect",
        }
    }
}

// === impl Folded ===

impl Folded {
    fn add(&mut self, difference: &Difference, paired: bool) {
        let kind = Kinds::of(&[difference.kind]);
        if difference.candidate {
            self.candidate = self.candidate.or(kind);
        }
        match difference.reference.filter(|_| paired) {
            Some(true) => self.reference = self.reference.or(kind),
            Some(false) => {}
            None => self.unasked = true,
        }
    }

    /// The kinds by which legacy differed from itself.
    pub(super) fn noise(&self) -> Kinds {
        self.reference
    }

    pub(super) fn class(&self, place: &Place, noise: &NoiseProfile) -> Class {
        let candidate = !self.candidate.is_empty();
        let legacy = !self.reference.is_empty();
        match (candidate, legacy) {
            (false, _) => Class::Agrees,
            (true, true) => Class::Noise,
            (true, false) if self.candidate.iter().all(|kind| noise.knows(place, kind)) => {
                Class::Known
            }
            (true, false) => Class::Suspect,
        }
    }

    /// Counts this request at its place; true if that made the path a regression.
    pub(super) fn count(&self, at: &mut PathEvidence, pairs: u64, threshold: f64) -> bool {
        let candidate = !self.candidate.is_empty();
        let legacy = !self.reference.is_empty();
        match (candidate, legacy) {
            (true, true) => at.both += 1,
            (false, true) => at.only_reference += 1,
            (true, false) if self.unasked => at.unpaired += 1,
            (true, false) => return at.count_only_candidate(pairs, threshold),
            (false, false) => {}
        }
        false
    }
}

#[cfg(test)]
mod tests;
