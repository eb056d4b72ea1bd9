//! Recent mismatches of one route, by cluster, for people to look at.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use cutover_domain::{
    compare::{Difference, Kind, Path},
    exchange::TraceIds,
    parity::Shape,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{judge::Asked, redaction::Outline};

/// Most samples of one cluster.
pub const SAMPLES_MAX: usize = 20;
/// Most clusters of one route; what belongs to further ones is counted nowhere but in parity.
pub const CLUSTERS_MAX: usize = 200;
/// Samples that are kept whatever comes after them.
const FIRST: usize = 5;

/// Mismatches that look alike: same path, kind and shape of the values.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Where.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// How the values look: `integer→text`.
    pub values: Box<str>,
    /// Mismatches since the process started.
    pub count: u64,
    /// The first 5 of them, and a fair choice of all others; at most 20.
    pub samples: Vec<Arc<Sample>>,
}

/// One mismatch, without a value of anybody's.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When the live request came.
    pub at: SystemTime,
    /// The live request's trace.
    pub live_trace: TraceIds,
    /// The copy's trace.
    pub copy_trace: TraceIds,
    /// The request's shape.
    pub shape: Shape,
    /// Legacy's answer, the candidate's if there was one, legacy's second if there was one.
    pub outlines: Vec<Outline>,
}

/// The clusters of one route.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    clusters: BTreeMap<(Path, Kind, Box<str>), Clustered>,
}

#[derive(Debug, Default)]
struct Clustered {
    count: u64,
    samples: Vec<Arc<Sample>>,
}

/// One difference that a candidate has to answer for.
pub(crate) struct Seen<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) difference: &'a Difference,
    pub(crate) shape: &'a Shape,
}

// === impl Samples ===

impl Samples {
    /// Counts it, and keeps a sample if its turn has come; only then outlines are made.
    pub(crate) fn take(&mut self, seen: &Seen<'_>, outlines: impl FnOnce() -> Vec<Outline>) {
        let Difference { path, kind, shape, .. } = seen.difference;
        let key = (path.clone(), *kind, shape.clone());
        if !self.clusters.contains_key(&key) && self.clusters.len() >= CLUSTERS_MAX {
            return;
        }
        let cluster = self.clusters.entry(key).or_default();
        cluster.count += 1;
        // A trace id is random, so its hash draws fairly, and the same each time.
        let draw = xxh3_64(&seen.asked.exchange.trace.trace_id.to_le_bytes());
        if let Some(place) = place(cluster.count, draw) {
            let sample = Arc::new(seen.sample(outlines()));
            match cluster.samples.get_mut(place) {
                Some(known) => *known = sample,
                None => cluster.samples.push(sample),
            }
        }
    }

    /// All clusters, by path and kind.
    pub(crate) fn clusters(&self) -> Vec<Cluster> {
        let cluster =
            |((path, kind, values), clustered): (&(Path, Kind, Box<str>), &Clustered)| Cluster {
                path: path.clone(),
                kind: *kind,
                values: values.clone(),
                count: clustered.count,
                samples: clustered.samples.clone(),
            };
        self.clusters.iter().map(cluster).collect()
    }
}

/// Where the `count`th of a cluster is kept, if at all: the first ones in order, then by
/// reservoir sampling (Vitter's algorithm R) in the places behind [`FIRST`].
fn place(count: u64, draw: u64) -> Option<usize> {
    let index = count - 1;
    if index < SAMPLES_MAX as u64 {
        return Some(index as usize);
    }
    let place = draw % (count - FIRST as u64);
    (place < (SAMPLES_MAX - FIRST) as u64).then_some(place as usize + FIRST)
}

// === impl Seen ===

impl Seen<'_> {
    fn sample(&self, outlines: Vec<Outline>) -> Sample {
        let exchange = &self.asked.exchange;
        Sample {
            at: exchange.at,
            live_trace: exchange.trace,
            copy_trace: self.asked.traced.ids(),
            shape: self.shape.clone(),
            outlines,
        }
    }
}

#[cfg(test)]
mod tests;
