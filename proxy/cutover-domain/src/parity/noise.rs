//! What legacy disagrees with itself about, learnt from nothing else.

use std::collections::BTreeMap;

use super::Place;
use crate::compare::{Kind, Kinds};

/// Observations of legacy differing from itself that make a (path, kind) known as noise.
pub const KNOWN_AT: u64 = 3;
/// Share of pairs with noise at a path above which nothing can be tested there.
pub const UNTESTABLE_ABOVE: f64 = 0.3;
/// Recent pairs without which a noise rate is no rate yet.
pub const RATE_PAIRS_MIN: u64 = 30;
/// Recent pairs at which the recent counts are halved: rates speak of the last 1,000 to 2,000.
const RECENT_PAIRS_MAX: u64 = 2_000;

/// The noise of a route: where legacy's second answer differed from its first. Plain data; no
/// answer of a candidate ever enters it, so a candidate cannot excuse itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoiseProfile {
    /// Grows whenever what is known changes, never falls: names what a verdict went by.
    pub version: u64,
    /// Requests with a second legacy answer since the profile began.
    pub pairs: u64,
    /// The recent ones among them, weighting the older by half.
    pub recent_pairs: u64,
    /// Noise by path. At most [`super::PATHS_MAX`] and [`Place::Other`], which takes in all further ones.
    pub paths: BTreeMap<Place, PathNoise>,
}

/// Noise at one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathNoise {
    /// Pairs in which legacy differed from itself here.
    pub pairs: u64,
    /// The recent ones among them, on the scale of [`NoiseProfile::recent_pairs`].
    pub recent_pairs: u64,
    /// The same by kind.
    pub kinds: BTreeMap<Kind, u64>,
}

// === impl NoiseProfile ===

impl NoiseProfile {
    /// Whether a difference of this kind at this path is known as noise. At [`Place::Other`] none
    /// is, as it stands for paths of which each may be different.
    pub fn knows(&self, place: &Place, kind: Kind) -> bool {
        *place != Place::Other && self.observations(place, kind) >= KNOWN_AT
    }

    /// How often legacy differed from itself by this kind at this path.
    pub fn observations(&self, place: &Place, kind: Kind) -> u64 {
        self.paths.get(place).and_then(|noise| noise.kinds.get(&kind)).copied().unwrap_or(0)
    }

    /// Share of recent pairs with noise at this path, `0..=1`; `None` as long as there are fewer
    /// than [`RATE_PAIRS_MIN`].
    pub fn rate(&self, place: &Place) -> Option<f64> {
        let noisy = self.paths.get(place).map_or(0, |noise| noise.recent_pairs);
        (self.recent_pairs >= RATE_PAIRS_MIN).then(|| noisy as f64 / self.recent_pairs as f64)
    }

    /// Paths too noisy to be tested, with their rates. Noise is what rules leave of it, so a path
    /// listed here has no rule, or none that fits.
    pub fn untestable(&self) -> impl Iterator<Item = (&Place, f64)> {
        let rates = self.paths.keys().filter_map(|place| Some((place, self.rate(place)?)));
        rates.filter(|(_, rate)| *rate > UNTESTABLE_ABOVE)
    }

    /// Takes in one pair: the places at which legacy differed from itself, each once, with the
    /// kinds. True if something became known.
    pub(crate) fn learn(&mut self, noise: impl Iterator<Item = (Place, Kinds)>) -> bool {
        self.pairs += 1;
        self.recent_pairs += 1;
        let mut noisy: BTreeMap<Place, Kinds> = BTreeMap::new();
        for (place, kinds) in noise {
            let place = place.within(&mut self.paths);
            let all = noisy.entry(place).or_default();
            *all = all.or(kinds);
        }
        let mut learnt = false;
        for (place, kinds) in noisy {
            let known = self.paths.entry(place.clone()).or_default().count(kinds);
            learnt |= known && place != Place::Other;
        }
        if self.recent_pairs >= RECENT_PAIRS_MAX {
            self.halve();
        }
        self.version += u64::from(learnt);
        learnt
    }

    /// Forgets everything, as another legacy or other rules make other noise.
    pub(crate) fn clear(&mut self) {
        *self = NoiseProfile { version: self.version + 1, ..NoiseProfile::default() };
    }

    fn halve(&mut self) {
        self.recent_pairs /= 2;
        for noise in self.paths.values_mut() {
            noise.recent_pairs /= 2;
        }
    }
}

// === impl PathNoise ===

impl PathNoise {
    /// Counts one pair; true if one of the kinds became known.
    fn count(&mut self, kinds: Kinds) -> bool {
        self.pairs += 1;
        self.recent_pairs += 1;
        let mut known = false;
        for kind in kinds.iter() {
            let observations = self.kinds.entry(kind).or_default();
            *observations += 1;
            known |= *observations == KNOWN_AT;
        }
        known
    }
}

#[cfg(test)]
mod tests;
