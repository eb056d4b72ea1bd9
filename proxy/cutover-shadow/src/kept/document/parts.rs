//! The parts that several twins have.

use std::collections::BTreeMap;

use cutover_domain::{
    compare::{Incomparable, Path},
    exchange::Dropped,
    parity::{Basis, Counters, Place},
};
use serde::{Deserialize, Serialize};

use crate::kept::KeptError;

/// Largest number that a document may hold: sums of such numbers never overflow.
pub(in crate::kept) const COUNT_MAX: u64 = 1 << 53;
/// Counts by the names of a closed set.
pub(super) type CountsDoc = BTreeMap<Box<str>, Count>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasisDoc {
    build: Box<str>,
    rules: Box<str>,
    legacy: Box<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountersDoc {
    matches: Count,
    mismatches: Count,
    noisy: Count,
    incomparable: CountsDoc,
    dropped: CountsDoc,
}

/// A number within [`COUNT_MAX`].
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(super) struct Count(pub(super) u64);

/// Names of a closed set back to what they name.
pub(super) fn named<T: Copy + Ord>(
    counts: CountsDoc,
    what: &'static str,
    all: &[T],
    name_of: impl Fn(T) -> &'static str,
) -> Result<BTreeMap<T, u64>, KeptError> {
    let known = |name: &str| all.iter().copied().find(|known| name_of(*known) == name);
    let entry = |(name, count): (Box<str>, Count)| Some((known(&name)?, count.0));
    let counts = counts.into_iter().map(entry).collect::<Option<_>>();
    counts.ok_or(KeptError::Nonsense(what))
}

/// A place from its text.
pub(in crate::kept) fn place(text: &str) -> Place {
    match text == Place::Other.as_str() {
        true => Place::Other,
        false => Place::At(Path::from_canonical(text)),
    }
}

// === impl BasisDoc ===

impl BasisDoc {
    pub(super) fn of(Basis { build, rules, legacy }: &Basis) -> BasisDoc {
        BasisDoc { build: build.clone(), rules: rules.clone(), legacy: legacy.clone() }
    }

    pub(super) fn into_basis(self) -> Basis {
        Basis { build: self.build, rules: self.rules, legacy: self.legacy }
    }
}

// === impl CountersDoc ===

impl CountersDoc {
    pub(super) fn of(
        Counters { matches, mismatches, noisy, incomparable, dropped }: &Counters,
    ) -> CountersDoc {
        let incomparable = incomparable.iter().map(|(why, n)| (why.as_str().into(), Count(*n)));
        let dropped = dropped.iter().map(|(why, n)| (why.as_str().into(), Count(*n)));
        CountersDoc {
            matches: Count(*matches),
            mismatches: Count(*mismatches),
            noisy: Count(*noisy),
            incomparable: incomparable.collect(),
            dropped: dropped.collect(),
        }
    }

    pub(super) fn into_counters(self) -> Result<Counters, KeptError> {
        Ok(Counters {
            matches: self.matches.0,
            mismatches: self.mismatches.0,
            noisy: self.noisy.0,
            incomparable: named(self.incomparable, "reasons", &Incomparable::ALL, |why| {
                why.as_str()
            })?,
            dropped: named(self.dropped, "reasons", &Dropped::ALL, |why| why.as_str())?,
        })
    }
}

// === impl Count ===

impl Count {
    pub(super) fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<u64> for Count {
    type Error = &'static str;

    fn try_from(count: u64) -> Result<Count, Self::Error> {
        if count <= COUNT_MAX { Ok(Count(count)) } else { Err("a number no count can reach") }
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> u64 {
        count.0
    }
}
