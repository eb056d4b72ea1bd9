//! The shadow's clusters and samples as the store's rows, and back.

use cutover_domain::compare::{Kind, Path};
use cutover_shadow::{ClusterChange, ClusterKey, SampleId, StoredCluster, StoredSample};
use cutover_store::{ClusterRow, KeptCluster, RouteChange, SampleRow};

/// Bytes of a change, as far as they count.
pub(super) fn bytes_of(change: &RouteChange) -> u64 {
    let document = change.document.as_ref().map_or(0, String::len);
    let clusters = change.clusters.iter();
    let samples = clusters.flat_map(|cluster| &cluster.samples).map(|sample| sample.document.len());
    (document + samples.sum::<usize>()) as u64
}

/// A cluster by its names alone.
pub(super) fn names(key: &ClusterKey) -> ClusterRow {
    let ClusterKey { path, kind, values } = key;
    ClusterRow {
        path: path.to_string(),
        kind: kind.to_string(),
        looks: values.to_string(),
        ..ClusterRow::default()
    }
}

/// What changed of a cluster.
pub(super) fn cluster_change(change: ClusterChange) -> cutover_store::ClusterChange {
    let ClusterChange { key, count, first_ms, last_ms, samples, samples_gone } = change;
    let sample = |StoredSample { id, at_ms, document }| {
        let id = SampleId::to_string(&id);
        SampleRow { id, at_ms, document }
    };
    cutover_store::ClusterChange {
        row: ClusterRow { count, first_ms, last_ms, ..names(&key) },
        samples: samples.into_iter().map(sample).collect(),
        samples_gone: samples_gone.iter().map(SampleId::to_string).collect(),
    }
}

/// A cluster as it was kept, and how many of its samples have no name of ours. `None`: it has
/// none itself.
pub(super) fn stored_cluster(kept: KeptCluster) -> Option<(StoredCluster, u64)> {
    let KeptCluster { row, samples } = kept;
    let kind: Kind = row.kind.parse().ok()?;
    let key = ClusterKey { path: Path::from_canonical(&row.path), kind, values: row.looks.into() };
    let given = samples.len();
    let sample = |SampleRow { id, at_ms, document }: SampleRow| {
        Some(StoredSample { id: id.parse().ok()?, at_ms, document })
    };
    let samples: Vec<_> = samples.into_iter().filter_map(sample).collect();
    let nameless = (given - samples.len()) as u64;
    let (count, first_ms, last_ms) = (row.count, row.first_ms, row.last_ms);
    Some((StoredCluster { key, count, first_ms, last_ms, samples }, nameless))
}
