//! What a store is told of a route's clusters and samples, and gives back at the next start.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    CLUSTERS_MAX, ClusterKey, Clustered, Gone, Kept, SAMPLES_MAX, SAMPLES_MILLIS, SampleHead,
    SampleId, Samples, Stored,
};

/// Things gone that are remembered; who asks more seldom is told everything.
const GONE_MAX: usize = 10_000;

/// How far a store has come with a route. Belongs to the process; the default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// What changed since a mark. Values are whole, so writing one twice does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The mark to ask with next time, once this is written.
    pub mark: Mark,
    /// This is everything: whatever else is kept of the route is to be forgotten.
    pub whole: bool,
    /// Clusters that changed.
    pub clusters: Vec<ClusterChange>,
    /// Clusters that are gone, and their samples with them.
    pub clusters_gone: Vec<ClusterKey>,
    /// Mismatches of clusters that there was no room for.
    pub other: u64,
}

/// What changed of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterChange {
    /// What its mismatches have in common.
    pub key: ClusterKey,
    /// Mismatches since parity's counters began.
    pub count: u64,
    /// When the first one ever came, in milliseconds since 1970.
    pub first_ms: u64,
    /// When the last one came.
    pub last_ms: u64,
    /// Samples that came.
    pub samples: Vec<StoredSample>,
    /// Samples that made room for others.
    pub samples_gone: Vec<SampleId>,
}

/// A cluster as a store kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCluster {
    /// What its mismatches have in common.
    pub key: ClusterKey,
    /// Mismatches.
    pub count: u64,
    /// When the first one came, in milliseconds since 1970.
    pub first_ms: u64,
    /// When the last one came.
    pub last_ms: u64,
    /// Its samples.
    pub samples: Vec<StoredSample>,
}

/// A sample as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSample {
    /// Its name, unique within the route; a request may be the sample of more than one cluster.
    pub id: SampleId,
    /// When the live request came, in milliseconds since 1970.
    pub at_ms: u64,
    /// All of it: JSON with a version.
    pub document: Arc<str>,
}

/// How much of what a store kept is known again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoredSamples {
    /// The mark from which on changes are new to the store.
    pub mark: Mark,
    /// Samples that are known again.
    pub samples: usize,
    /// Samples that could not be read, or for which there is no room.
    pub left_out: usize,
}

// === impl Samples ===

impl Samples {
    /// What changed since `mark`.
    pub(crate) fn changes(&self, mark: Mark) -> Changes {
        let whole = mark.0 < self.gone_from || mark == Mark::default();
        let since = if whole { 0 } else { mark.0 };
        let mut samples_gone: BTreeMap<&ClusterKey, Vec<SampleId>> = BTreeMap::new();
        let mut clusters_gone = Vec::new();
        for (_, gone) in self.gone.iter().filter(|(sequence, _)| !whole && *sequence > since) {
            match gone {
                Gone::Sample(key, id) => samples_gone.entry(key).or_default().push(*id),
                // It may have come again.
                Gone::Cluster(key) if !self.clusters.contains_key(key) => {
                    clusters_gone.push(key.clone());
                }
                Gone::Cluster(_) => {}
            }
        }
        let changed = self.clusters.iter().filter(|(_, cluster)| whole || cluster.changed > since);
        let clusters = changed
            .map(|(key, cluster)| {
                let gone = samples_gone.remove(key).unwrap_or_default();
                cluster.change(key, since, gone)
            })
            .collect();
        Changes { mark: Mark(self.sequence), whole, clusters, clusters_gone, other: self.other }
    }

    /// Takes in a cluster that a store kept, with those of its samples that could be read. Parity's
    /// counters began at `since_ms`, in milliseconds since 1970.
    pub(crate) fn restore(
        &mut self,
        cluster: StoredCluster,
        samples: impl IntoIterator<Item = Arc<Stored>>,
        since_ms: u64,
    ) -> usize {
        let StoredCluster { key, count, first_ms, last_ms, .. } = cluster;
        if !self.clusters.contains_key(&key) && self.clusters.len() >= CLUSTERS_MAX {
            self.other += count;
            return 0;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let known = self.clusters.entry(key).or_default();
        if known.last_ms == 0 {
            known.first_ms = first_ms;
        }
        known.count += count;
        known.first_ms = known.first_ms.min(first_ms);
        known.last_ms = known.last_ms.max(last_ms);
        known.changed = sequence;
        let (mut restored, mut recent) = (0, 0);
        for sample in samples {
            let is_new = known.samples.iter().all(|kept| kept.sample.head.id != sample.head.id);
            if is_new && known.samples.len() < SAMPLES_MAX {
                // The store does not say. Near `since_ms` this may be wrong by the time that a
                // copy takes: counters begin with a comparison, its request came before.
                let is_older = count == 0 || sample.head.at_ms < since_ms;
                known.samples.push(Kept { sample, since: sequence, is_older });
                restored += 1;
                recent += u64::from(!is_older);
            }
        }
        known.drawn += count.max(recent);
        restored
    }

    /// Mismatches of clusters that there was no room for, as a store kept them.
    pub(crate) fn restore_other(&mut self, other: u64) -> Mark {
        self.other += other;
        // A store that was told nothing yet is not to be told everything: it gave it.
        self.sequence += 1;
        Mark(self.sequence)
    }

    /// Forgets samples and clusters older than [`SAMPLES_MILLIS`].
    pub(crate) fn prune(&mut self, now_ms: u64) {
        let before = now_ms.saturating_sub(SAMPLES_MILLIS);
        let old = self.clusters.iter().filter(|(_, cluster)| cluster.last_ms < before);
        let old: Vec<ClusterKey> = old.map(|(key, _)| key.clone()).collect();
        old.iter().for_each(|key| self.forget(key));
        let mut gone = Vec::new();
        for (key, cluster) in &mut self.clusters {
            cluster.samples.retain(|kept| {
                let stays = kept.sample.head.at_ms >= before;
                if !stays {
                    gone.push((key.clone(), kept.sample.head.id));
                }
                stays
            });
        }
        for (key, id) in gone {
            self.sequence += 1;
            if let Some(cluster) = self.clusters.get_mut(&key) {
                cluster.changed = self.sequence;
            }
            self.lose(Gone::Sample(key, id));
        }
    }

    pub(super) fn lose(&mut self, gone: Gone) {
        self.gone.push_back((self.sequence, gone));
        while self.gone.len() > GONE_MAX {
            if let Some((sequence, _)) = self.gone.pop_front() {
                self.gone_from = sequence;
            }
        }
    }
}

// === impl Clustered ===

impl Clustered {
    fn change(&self, key: &ClusterKey, since: u64, mut gone: Vec<SampleId>) -> ClusterChange {
        gone.retain(|id| self.samples.iter().all(|kept| kept.sample.head.id != *id));
        let new = self.samples.iter().filter(|kept| kept.since > since);
        ClusterChange {
            key: key.clone(),
            count: self.count,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            samples: new.map(|kept| kept.sample.for_store()).collect(),
            samples_gone: gone,
        }
    }
}

// === impl Stored ===

impl Stored {
    fn for_store(&self) -> StoredSample {
        let SampleHead { id, at_ms, .. } = self.head;
        StoredSample { id, at_ms, document: Arc::clone(&self.document) }
    }
}
