//! Recent mismatches of one route, by cluster, for people to look at.
//!
//! Counts are exact; samples are bounded: by number in each cluster, by bytes over all routes, and
//! by age. A sample holds no values but those that the route's `keep` lists.

mod changes;
mod document;
mod keeper;
mod place;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    fmt,
    str::FromStr,
    sync::Arc,
};

use cutover_domain::{
    compare::{Difference, Kind, Path},
    exchange::{Reserved, TraceIds},
    parity::Shape,
};

pub(crate) use self::keeper::{Keeper, at_ms, draw};
use self::place::place;
pub use self::{
    changes::{Changes, ClusterChange, Mark, RestoredSamples, StoredCluster, StoredSample},
    document::{BadSample, VERSION as SAMPLE_VERSION},
};
use crate::redaction::{Outline, RequestOutline};

/// Most samples of one cluster.
pub const SAMPLES_MAX: usize = 20;
/// Most clusters of one route; what belongs to further ones is counted together.
pub const CLUSTERS_MAX: usize = 200;
/// Most bytes of all samples of all routes, as JSON.
pub const SAMPLES_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long samples are kept, and clusters without a further mismatch: 7 days.
pub const SAMPLES_MILLIS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// Most places of noise of which the looks are known.
const NOISE_MAX: usize = 500;

/// Names a sample within its route, also across restarts: the id of the copy's span. Written as
/// 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleId(pub u64);

/// What mismatches of one cluster have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterKey {
    /// Where.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// How the values look: `integer→text`.
    pub values: Box<str>,
}

/// Mismatches that look alike: same path, kind and shape of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// What they have in common.
    pub key: ClusterKey,
    /// Mismatches since parity's counters began. 0: none by these rules and builds; the samples
    /// are older.
    pub count: u64,
    /// When the first of them came, in milliseconds since 1970.
    pub first_ms: u64,
    /// When the last one came.
    pub last_ms: u64,
    /// The first 5 of them, and a fair choice of all others, newest first; then those that were
    /// kept before parity's counters began, while there is room. At most 20.
    pub samples: Vec<ListedSample>,
}

/// A sample as it stands in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSample {
    /// What it is known by.
    pub head: SampleHead,
    /// It was kept before parity's counters began: by other rules, or of another build.
    pub is_older: bool,
}

/// All mismatches of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    /// By path and kind; at most 200.
    pub clusters: Vec<Cluster>,
    /// Mismatches that belong to further clusters, each counted once for each of these.
    pub other: u64,
}

/// What a sample is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleHead {
    /// Its name.
    pub id: SampleId,
    /// When the live request came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The live request's trace.
    pub live_trace: TraceIds,
    /// The copy's trace.
    pub copy_trace: TraceIds,
    /// The request's shape.
    pub shape: Shape,
}

/// One mismatch, without a value of anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What it is known by.
    pub head: SampleHead,
    /// Names the key of its hashes: those of two keys say nothing about each other.
    pub key_id: u64,
    /// The request.
    pub request: RequestOutline,
    /// Legacy's answer.
    pub legacy: Outline,
    /// The candidate's; `None`: it gave none, or none that can be compared.
    pub candidate: Option<Outline>,
    /// Why it is not there: `connect`, `deadline`, `reset`, `over_cap`, `limit`, `duplicate_key` …
    pub fault: Option<Box<str>>,
    /// Legacy's answer to the same request, asked again; `None`: it was not.
    pub reference: Option<Outline>,
}

/// The clusters of one route.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    clusters: BTreeMap<ClusterKey, Clustered>,
    other: u64,
    /// How legacy differed from itself, and how often.
    noise: BTreeMap<ClusterKey, u64>,
    /// Grows with every change.
    sequence: u64,
    /// What is gone, and since which change.
    gone: VecDeque<(u64, Gone)>,
    /// Changes up to this one are not in `gone` any more.
    gone_from: u64,
}

#[derive(Debug, Default)]
struct Clustered {
    count: u64,
    /// Mismatches that samples were drawn from.
    drawn: u64,
    first_ms: u64,
    last_ms: u64,
    changed: u64,
    samples: Vec<Kept>,
}

/// A sample in its cluster, and since which change it is there.
#[derive(Debug)]
struct Kept {
    sample: Arc<Stored>,
    since: u64,
    /// It is from before parity's counters began.
    is_older: bool,
}

#[derive(Debug)]
enum Gone {
    Cluster(ClusterKey),
    Sample(ClusterKey, SampleId),
}

/// A sample as it is kept: one for all its clusters.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) head: SampleHead,
    pub(crate) document: Arc<str>,
    /// What it takes of the bytes for all samples.
    pub(crate) _reserved: Reserved,
}

// === impl Samples ===

impl Samples {
    /// Counts a mismatch, and keeps a sample if its turn has come; only then it is made. `draw` is
    /// a fair number, another for each request.
    pub(crate) fn take(
        &mut self,
        key: ClusterKey,
        at_ms: u64,
        draw: u64,
        sample: impl FnOnce() -> Option<Arc<Stored>>,
    ) {
        if !self.has_room_for(&key) {
            self.other += 1;
            return;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let cluster = self.clusters.entry(key.clone()).or_default();
        cluster.see(at_ms, sequence);
        let Some(place) = place(cluster.drawn, cluster.recent(), draw) else { return };
        let Some(sample) = sample() else { return };
        if cluster.samples.iter().any(|kept| kept.sample.head.id == sample.head.id) {
            return;
        }
        let kept = Kept { sample, since: sequence, is_older: false };
        if let Some(before) = cluster.put(place, kept) {
            self.lose(Gone::Sample(key, before));
        }
    }

    /// Takes note of how legacy differed from itself.
    pub(crate) fn see_noise(&mut self, key: ClusterKey) {
        let is_full = self.noise.len() >= NOISE_MAX;
        if let Some(count) = self.noise.get_mut(&key) {
            *count += 1;
        } else if !is_full {
            self.noise.insert(key, 1);
        }
    }

    /// How legacy differed from itself, and how often.
    pub(crate) fn noise(&self) -> impl Iterator<Item = (&ClusterKey, u64)> {
        self.noise.iter().map(|(key, count)| (key, *count))
    }

    /// Counters begin anew; samples stay, as older ones, until newer take their room.
    pub(crate) fn begin_anew(&mut self) {
        self.sequence += 1;
        self.other = 0;
        for cluster in self.clusters.values_mut().filter(|cluster| cluster.count > 0) {
            (cluster.count, cluster.drawn) = (0, 0);
            cluster.changed = self.sequence;
            cluster.samples.iter_mut().for_each(|kept| kept.is_older = true);
        }
    }

    /// Legacy or the rules are others, and what differs with them.
    pub(crate) fn forget_noise(&mut self) {
        self.noise.clear();
    }

    /// All clusters, by path and kind.
    pub(crate) fn clusters(&self) -> Clusters {
        let cluster = |(key, clustered): (&ClusterKey, &Clustered)| {
            let mut samples: Vec<_> = clustered.samples.iter().map(Kept::listed).collect();
            samples.sort_by_key(ListedSample::rank);
            Cluster {
                key: key.clone(),
                count: clustered.count,
                first_ms: clustered.first_ms,
                last_ms: clustered.last_ms,
                samples,
            }
        };
        Clusters { clusters: self.clusters.iter().map(cluster).collect(), other: self.other }
    }

    /// One sample.
    pub(crate) fn sample(&self, id: SampleId) -> Option<Arc<Stored>> {
        let mut all = self.clusters.values().flat_map(|cluster| &cluster.samples);
        all.find(|kept| kept.sample.head.id == id).map(|kept| Arc::clone(&kept.sample))
    }

    /// Each cluster with its samples.
    pub(crate) fn stored(&self) -> Vec<(ClusterKey, u64, Vec<Arc<Stored>>)> {
        let stored = |cluster: &Clustered| {
            cluster.samples.iter().map(|kept| Arc::clone(&kept.sample)).collect()
        };
        let clusters = self.clusters.iter();
        clusters.map(|(key, cluster)| (key.clone(), cluster.count, stored(cluster))).collect()
    }

    /// Whether a cluster is known, or another may be. A cluster without a mismatch by today's
    /// rules and builds makes room.
    fn has_room_for(&mut self, key: &ClusterKey) -> bool {
        if self.clusters.contains_key(key) || self.clusters.len() < CLUSTERS_MAX {
            return true;
        }
        let idle = self.clusters.iter().filter(|(_, cluster)| cluster.count == 0);
        let oldest = idle.min_by_key(|(_, cluster)| cluster.last_ms).map(|(key, _)| key.clone());
        oldest.is_some_and(|oldest| {
            self.forget(&oldest);
            true
        })
    }

    fn forget(&mut self, key: &ClusterKey) {
        if self.clusters.remove(key).is_some() {
            self.sequence += 1;
            self.lose(Gone::Cluster(key.clone()));
        }
    }
}

// === impl ClusterKey ===

impl ClusterKey {
    pub(crate) fn of(difference: &Difference) -> ClusterKey {
        let Difference { path, kind, shape, .. } = difference;
        ClusterKey { path: path.clone(), kind: *kind, values: shape.clone() }
    }
}

// === impl Clustered ===

impl Clustered {
    fn see(&mut self, at_ms: u64, sequence: u64) {
        if self.last_ms == 0 {
            self.first_ms = at_ms;
        }
        self.count += 1;
        self.drawn += 1;
        self.first_ms = self.first_ms.min(at_ms);
        self.last_ms = self.last_ms.max(at_ms);
        self.changed = sequence;
    }

    /// Samples of the present counters.
    fn recent(&self) -> usize {
        self.samples.iter().filter(|kept| !kept.is_older).count()
    }

    /// Keeps a sample in the place of another of the present counters, or behind them all; there
    /// the oldest of the older ones makes room. Gives what had to go.
    fn put(&mut self, place: usize, kept: Kept) -> Option<SampleId> {
        // Without older ones the places are those of `self.samples`.
        if place < self.recent() {
            let known = self.samples.get_mut(place)?;
            return Some(std::mem::replace(known, kept).sample.head.id);
        }
        let older = self.samples.iter().enumerate().filter(|(_, kept)| kept.is_older);
        let oldest = older.min_by_key(|(_, kept)| kept.sample.head.at_ms).map(|(at, _)| at);
        let full = self.samples.len() >= SAMPLES_MAX;
        let gone = oldest.filter(|_| full).map(|at| self.samples.remove(at).sample.head.id);
        self.samples.push(kept);
        gone
    }
}

// === impl Kept ===

impl Kept {
    fn listed(&self) -> ListedSample {
        ListedSample { head: self.sample.head.clone(), is_older: self.is_older }
    }
}

// === impl ListedSample ===

impl ListedSample {
    /// Orders samples: those of the present counters before older ones, each newest first.
    pub fn rank(&self) -> (bool, Reverse<(u64, SampleId)>) {
        (self.is_older, Reverse((self.head.at_ms, self.head.id)))
    }
}

// === impl SampleId ===

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SampleId {
    type Err = BadSample;

    fn from_str(text: &str) -> Result<SampleId, BadSample> {
        let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        id.map(SampleId).ok_or_else(|| BadSample::Id(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
