//! Going on from what was kept of a route.

use std::error::Error;

use cutover_domain::parity::Snapshot;
use cutover_shadow::{
    Accounting, Mark, ShadowHandle, StoredCluster,
    kept::{self, KeptError},
};
use cutover_store::{KeptCluster, KeptRoute};

use super::{RecorderMetrics, changes::Marks, rows::stored_cluster};

/// Takes in what was kept of a route; what cannot be used is told and counted.
pub(super) fn restore(
    shadow: &ShadowHandle,
    route: &str,
    kept: KeptRoute,
    metrics: &RecorderMetrics,
) -> Marks {
    let KeptRoute { document, clusters, other, .. } = kept;
    let holds = match read(route, document.as_deref(), metrics) {
        Some(parity) => resume(shadow, route, parity),
        None => document.is_none(),
    };
    let samples = restore_samples(shadow, route, (clusters, other), holds, metrics);
    // What is not counted yet needs no writing.
    let written = (holds && samples.is_some()).then(Accounting::default);
    Marks { written, samples: samples.unwrap_or_default(), ..Marks::default() }
}

fn read(route: &str, document: Option<&str>, metrics: &RecorderMetrics) -> Option<Snapshot> {
    match kept::from_text(document?) {
        Ok(parity) => Some(parity),
        Err(error) => {
            tell_unreadable(route, &error);
            metrics.dropped("unreadable", 1);
            None
        }
    }
}

fn resume(shadow: &ShadowHandle, route: &str, parity: Snapshot) -> bool {
    let holds = shadow.resume(route, parity);
    if !holds {
        tracing::warn!(
            cutover.route.id = route,
            "what was known of route `{route}` came after comparisons had begun: it is history"
        );
    }
    holds
}

/// Takes in clusters and samples, counts only if those of parity hold, too. Up to where the store
/// has what is known now; `None`: it has something else.
fn restore_samples(
    shadow: &ShadowHandle,
    route: &str,
    (clusters, other): (Vec<KeptCluster>, u64),
    holds: bool,
    metrics: &RecorderMetrics,
) -> Option<Mark> {
    if clusters.is_empty() && other == 0 {
        return Some(Mark::default());
    }
    let given = clusters.len();
    let named: Vec<(StoredCluster, u64)> =
        clusters.into_iter().filter_map(stored_cluster).collect();
    let nameless = (given - named.len()) as u64 + named.iter().map(|(_, n)| n).sum::<u64>();
    let counts = |(cluster, _): (StoredCluster, u64)| StoredCluster {
        count: if holds { cluster.count } else { 0 },
        ..cluster
    };
    let clusters = named.into_iter().map(counts).collect();
    let restored = shadow.restore_samples(route, clusters, if holds { other } else { 0 });
    let left_out = restored.left_out as u64 + nameless;
    metrics.dropped("unreadable", left_out);
    if left_out > 0 {
        tracing::warn!(
            cutover.route.id = route,
            samples = left_out,
            "some samples of route `{route}` cannot be used, or there is no room for them"
        );
    }
    (holds && left_out == 0).then_some(restored.mark)
}

fn tell_unreadable(route: &str, error: &KeptError) {
    let cause = error.source().map(|cause| format!(": {cause}"));
    tracing::warn!(
        cutover.route.id = route,
        "what was kept of route `{route}` cannot be used, so its parity begins anew: {error}{}",
        cause.unwrap_or_default()
    );
}
