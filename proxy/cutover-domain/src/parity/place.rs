//! What differences are counted under.

use std::{collections::BTreeMap, fmt};

use crate::compare::Path;

/// Most paths kept for a route. A route on which more differ needs a rule, not a longer list.
pub const PATHS_MAX: usize = 2_000;

/// What differences are counted under: a path, or all for which there was no room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// One path.
    At(Path),
    /// Every path beyond the first [`PATHS_MAX`].
    Other,
}

// === impl Place ===

impl Place {
    /// Its text: the path's, or `_other`, which is no path.
    pub fn as_str(&self) -> &str {
        match self {
            Place::At(path) => path.as_str(),
            Place::Other => "_other",
        }
    }

    /// This place, entered into `map` if there is room for it, else [`Place::Other`].
    pub(crate) fn within<T: Default>(self, map: &mut BTreeMap<Place, T>) -> Place {
        if map.contains_key(&self) {
            return self;
        }
        let place = if map.len() < PATHS_MAX { self } else { Place::Other };
        map.entry(place.clone()).or_default();
        place
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
