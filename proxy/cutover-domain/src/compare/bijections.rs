//! Which value of legacy a candidate gave which other value: the memory of `renamed` rules.

use std::collections::{HashMap, VecDeque};

use xxhash_rust::xxh3::xxh3_64;

/// Most pairs that a space of [`Bijections::default`] remembers; some 1.5 MiB.
pub const PAIRS_MAX: usize = 16_384;

/// One-to-one mappings of a route, one for each space that its `renamed` rules name. Kept by the
/// caller from request to request and thrown away when the rules or the candidate change.
///
/// It holds hashes (xxh3, 64 bit), never a value. A full space forgets its oldest pair.
#[derive(Clone, Debug)]
pub struct Bijections {
    pairs_max: usize,
    spaces: HashMap<Box<str>, Space>,
}

#[derive(Clone, Debug, Default)]
struct Space {
    to_candidate: HashMap<u64, u64>,
    to_live: HashMap<u64, u64>,
    /// Hashes of legacy's values, oldest first.
    learnt: VecDeque<u64>,
}

// === impl Bijections ===

impl Default for Bijections {
    fn default() -> Bijections {
        Bijections::new(PAIRS_MAX)
    }
}

impl Bijections {
    /// Empty, with room for `pairs_max` pairs in each space (at least one).
    pub fn new(pairs_max: usize) -> Bijections {
        Bijections { pairs_max: pairs_max.max(1), spaces: HashMap::new() }
    }

    /// Pairs that all spaces hold together.
    pub fn len(&self) -> usize {
        self.spaces.values().map(|space| space.learnt.len()).sum()
    }

    /// Whether nothing was learnt yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `live` may be `candidate` in `space`; a pair of two new values is learnt.
    pub(super) fn agree(&mut self, space: &str, live: &str, candidate: &str) -> bool {
        if !self.spaces.contains_key(space) {
            self.spaces.insert(space.into(), Space::default());
        }
        let pairs_max = self.pairs_max;
        let (live, candidate) = (xxh3_64(live.as_bytes()), xxh3_64(candidate.as_bytes()));
        self.spaces.get_mut(space).is_some_and(|space| space.agree(live, candidate, pairs_max))
    }
}

impl Space {
    fn agree(&mut self, live: u64, candidate: u64, pairs_max: usize) -> bool {
        match (self.to_candidate.get(&live), self.to_live.get(&candidate)) {
            (Some(known), _) => *known == candidate,
            (None, Some(_)) => false,
            (None, None) => {
                self.learn(live, candidate, pairs_max);
                true
            }
        }
    }

    fn learn(&mut self, live: u64, candidate: u64, pairs_max: usize) {
        if self.learnt.len() >= pairs_max
            && let Some(oldest) = self.learnt.pop_front()
            && let Some(renamed) = self.to_candidate.remove(&oldest)
        {
            self.to_live.remove(&renamed);
        }
        self.learnt.push_back(live);
        self.to_candidate.insert(live, candidate);
        self.to_live.insert(candidate, live);
    }
}

#[cfg(test)]
mod tests;
