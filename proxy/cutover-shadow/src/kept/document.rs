//! The serialisable twins of what parity is made of.

pub(super) mod parts;

use cutover_domain::{
    compare::Kind,
    parity::{
        Cause, Epoch, HISTORY_MAX, NoiseProfile, PATHS_MAX, Pace, PairedLatency, PathEvidence,
        PathNoise, Place, SHAPES_MAX, Shape, ShapeSeen, Shapes, Snapshot,
    },
};
use serde::{Deserialize, Serialize};

use self::parts::{BasisDoc, Count, CountersDoc, CountsDoc, named, place};
use super::{KeptError, VERSION};

/// Latency has fewer buckets; see [`PairedLatency`].
const BUCKETS_MAX: usize = 2_000;
/// Hours that a pace speaks of.
pub(super) const HOURS_MAX: usize = 24;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParityDoc {
    version: u32,
    basis: BasisDoc,
    since: Count,
    counters: CountersDoc,
    pairs: Count,
    paths: Vec<EvidenceDoc>,
    noise: NoiseDoc,
    shapes: Vec<ShapeDoc>,
    /// Bucket, differences in it.
    latency: Vec<(i16, Count)>,
    pace: PaceDoc,
    history: Vec<EpochDoc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceDoc {
    path: Box<str>,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    only_candidate: Count,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    only_reference: Count,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    both: Count,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    unpaired: Count,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regressed_after: Option<Count>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseDoc {
    version: Count,
    pairs: Count,
    recent_pairs: Count,
    paths: Vec<PathNoiseDoc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathNoiseDoc {
    path: Box<str>,
    pairs: Count,
    recent_pairs: Count,
    kinds: CountsDoc,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeDoc {
    shape: Box<str>,
    seen_at: Count,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compared_at: Option<Count>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaceDoc {
    since: Option<Count>,
    /// Hour, comparisons in it.
    hours: Vec<(Count, Count)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EpochDoc {
    basis: BasisDoc,
    since: Count,
    until: Count,
    cause: Box<str>,
    counters: CountersDoc,
    pairs: Count,
    regressions: Vec<Box<str>>,
}

// === impl ParityDoc ===

impl ParityDoc {
    pub(super) fn of(snapshot: &Snapshot) -> ParityDoc {
        let Snapshot {
            basis,
            since,
            counters,
            pairs,
            paths,
            noise,
            shapes,
            latency,
            pace,
            history,
        } = snapshot;
        let latency = latency.buckets.iter().map(|(bucket, count)| (*bucket, Count(*count)));
        ParityDoc {
            version: VERSION,
            basis: BasisDoc::of(basis),
            since: Count(*since),
            counters: CountersDoc::of(counters),
            pairs: Count(*pairs),
            paths: paths.iter().map(EvidenceDoc::of).collect(),
            noise: NoiseDoc::of(noise),
            shapes: shapes.seen.iter().map(ShapeDoc::of).collect(),
            latency: latency.collect(),
            pace: PaceDoc::of(pace),
            history: history.iter().map(EpochDoc::of).collect(),
        }
    }

    pub(super) fn into_snapshot(self) -> Result<Snapshot, KeptError> {
        let within = |what, length: usize, max: usize| match length <= max {
            true => Ok(()),
            false => Err(KeptError::Nonsense(what)),
        };
        // One more, as there is one for all others.
        within("paths", self.paths.len(), PATHS_MAX + 1)?;
        within("noisy paths", self.noise.paths.len(), PATHS_MAX + 1)?;
        within("shapes", self.shapes.len(), SHAPES_MAX + 1)?;
        within("latencies", self.latency.len(), BUCKETS_MAX)?;
        within("hours", self.pace.hours.len(), HOURS_MAX)?;
        within("earlier counters", self.history.len(), HISTORY_MAX)?;
        let buckets = self.latency.into_iter().map(|(bucket, count)| (bucket, count.0));
        Ok(Snapshot {
            basis: self.basis.into_basis(),
            since: self.since.0,
            counters: self.counters.into_counters()?,
            pairs: self.pairs.0,
            paths: self.paths.into_iter().map(EvidenceDoc::into_entry).collect(),
            noise: self.noise.into_noise()?,
            shapes: Shapes { seen: self.shapes.into_iter().map(ShapeDoc::into_entry).collect() },
            latency: PairedLatency { buckets: buckets.collect() },
            pace: self.pace.into_pace(),
            history: self
                .history
                .into_iter()
                .map(EpochDoc::into_epoch)
                .collect::<Result<_, _>>()?,
        })
    }
}

// === impl EvidenceDoc ===

impl EvidenceDoc {
    fn of((place, counted): (&Place, &PathEvidence)) -> EvidenceDoc {
        EvidenceDoc {
            path: place.as_str().into(),
            only_candidate: Count(counted.only_candidate),
            only_reference: Count(counted.only_reference),
            both: Count(counted.both),
            unpaired: Count(counted.unpaired),
            regressed_after: counted.regressed_after.map(Count),
        }
    }

    fn into_entry(self) -> (Place, PathEvidence) {
        let counted = PathEvidence {
            only_candidate: self.only_candidate.0,
            only_reference: self.only_reference.0,
            both: self.both.0,
            unpaired: self.unpaired.0,
            regressed_after: self.regressed_after.map(|pairs| pairs.0),
        };
        (place(&self.path), counted)
    }
}

// === impl NoiseDoc ===

impl NoiseDoc {
    fn of(NoiseProfile { version, pairs, recent_pairs, paths }: &NoiseProfile) -> NoiseDoc {
        NoiseDoc {
            version: Count(*version),
            pairs: Count(*pairs),
            recent_pairs: Count(*recent_pairs),
            paths: paths.iter().map(PathNoiseDoc::of).collect(),
        }
    }

    fn into_noise(self) -> Result<NoiseProfile, KeptError> {
        Ok(NoiseProfile {
            version: self.version.0,
            pairs: self.pairs.0,
            recent_pairs: self.recent_pairs.0,
            paths: self
                .paths
                .into_iter()
                .map(PathNoiseDoc::into_entry)
                .collect::<Result<_, _>>()?,
        })
    }
}

// === impl PathNoiseDoc ===

impl PathNoiseDoc {
    fn of((place, noise): (&Place, &PathNoise)) -> PathNoiseDoc {
        let kinds = noise.kinds.iter().map(|(kind, n)| (kind.as_str().into(), Count(*n)));
        PathNoiseDoc {
            path: place.as_str().into(),
            pairs: Count(noise.pairs),
            recent_pairs: Count(noise.recent_pairs),
            kinds: kinds.collect(),
        }
    }

    fn into_entry(self) -> Result<(Place, PathNoise), KeptError> {
        let kinds = named(self.kinds, "kinds", &Kind::ALL, Kind::as_str)?;
        let noise = PathNoise { pairs: self.pairs.0, recent_pairs: self.recent_pairs.0, kinds };
        Ok((place(&self.path), noise))
    }
}

// === impl ShapeDoc ===

impl ShapeDoc {
    fn of((shape, seen): (&Shape, &ShapeSeen)) -> ShapeDoc {
        ShapeDoc {
            shape: shape.as_str().into(),
            seen_at: Count(seen.seen_at),
            compared_at: seen.compared_at.map(Count),
        }
    }

    fn into_entry(self) -> (Shape, ShapeSeen) {
        let (seen_at, compared_at) = (self.seen_at.0, self.compared_at.map(|at| at.0));
        (Shape::from_text(&self.shape), ShapeSeen { seen_at, compared_at })
    }
}

// === impl PaceDoc ===

impl PaceDoc {
    fn of(Pace { since, hours }: &Pace) -> PaceDoc {
        let hours = hours.iter().map(|(hour, count)| (Count(*hour), Count(*count)));
        PaceDoc { since: since.map(Count), hours: hours.collect() }
    }

    fn into_pace(self) -> Pace {
        let hours = self.hours.into_iter().map(|(hour, count)| (hour.0, count.0));
        Pace { since: self.since.map(|since| since.0), hours: hours.collect() }
    }
}

// === impl EpochDoc ===

impl EpochDoc {
    fn of(epoch: &Epoch) -> EpochDoc {
        EpochDoc {
            basis: BasisDoc::of(&epoch.basis),
            since: Count(epoch.since),
            until: Count(epoch.until),
            cause: epoch.cause.as_str().into(),
            counters: CountersDoc::of(&epoch.counters),
            pairs: Count(epoch.pairs),
            regressions: epoch.regressions.iter().map(|place| place.as_str().into()).collect(),
        }
    }

    fn into_epoch(self) -> Result<Epoch, KeptError> {
        let cause = Cause::ALL.into_iter().find(|cause| cause.as_str() == &*self.cause);
        if self.regressions.len() > PATHS_MAX {
            return Err(KeptError::Nonsense("regressions"));
        }
        Ok(Epoch {
            basis: self.basis.into_basis(),
            since: self.since.0,
            until: self.until.0,
            cause: cause.ok_or(KeptError::Nonsense("causes"))?,
            counters: self.counters.into_counters()?,
            pairs: self.pairs.0,
            regressions: self.regressions.iter().map(|text| place(text)).collect(),
        })
    }
}
