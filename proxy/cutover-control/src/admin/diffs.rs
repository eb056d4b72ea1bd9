//! How answers differ.

use std::{cmp::Reverse, sync::Arc};

use cutover_domain::parity::Place;

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    parity::{
        accounting_row, bound, copies, noise_rows, route, since_ms, standing, suggestion_row,
        unjudged,
    },
    reply::Reply,
};
use crate::{
    api::{ClusterRow, DiffsAnswer, SampleRef},
    comparisons::{Cluster, SampleName, Seen},
};

/// Clusters without `?limit`.
const CLUSTERS_DEFAULT: usize = 50;
/// Most clusters of one answer: all that are kept of a route.
const CLUSTERS_MAX: u64 = 200;

pub(super) fn diffs(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let limit = call.query.number("limit", CLUSTERS_MAX)?;
        let limit = limit.map_or(CLUSTERS_DEFAULT, |limit| usize::try_from(limit).unwrap_or(0));
        Ok(Reply::ok(diffs_answer(&admin, &call.id, call.query.get("path"), limit)?))
    })
}

/// At most `limit` clusters of a route, of this path if one is given, and what else differs.
pub(super) fn diffs_answer(
    admin: &Admin,
    id: &str,
    path: Option<&str>,
    limit: usize,
) -> Result<DiffsAnswer, Failure> {
    let view = admin.parts.controller.view();
    let copies = copies(admin, route(&view, id)?);
    let seen = admin.seen(id);
    let mut clusters = seen.as_ref().map(clusters).unwrap_or_default();
    // Samples of clusters that the present rules and builds have not shown are for `rejudge`.
    clusters.retain(|cluster| cluster.count > 0);
    if let Some(path) = path {
        clusters.retain(|cluster| cluster.path == path);
    }
    let clusters_total = clusters.len() as u64;
    clusters.truncate(limit);
    let parity = seen.as_ref().map(|seen| &seen.parity);
    let noise = seen.iter().flat_map(|seen| noise_rows(&seen.parity, &seen.suggestions));
    Ok(DiffsAnswer {
        route: id.to_owned(),
        at_ms: admin.parts.controller.now_ms(),
        copies,
        accounting: seen.as_ref().map(|seen| accounting_row(&seen.accounting)),
        bound: parity.and_then(|parity| bound(&parity.snapshot().counters)),
        judged: parity.map(|parity| parity.snapshot().counters.judged()),
        unjudged: parity.map(|parity| unjudged(&parity.snapshot().counters)).unwrap_or_default(),
        since_ms: parity.map(since_ms),
        clusters,
        clusters_total,
        noise: noise.collect(),
    })
}

/// Every cluster, by excess over noise, then by number.
fn clusters(seen: &Seen) -> Vec<ClusterRow> {
    let mut rows: Vec<ClusterRow> =
        seen.clusters.iter().map(|cluster| cluster_row(cluster, seen)).collect();
    rows.sort_by_key(|row| (Reverse(row.excess), Reverse(row.count)));
    rows
}

fn cluster_row(cluster: &Cluster, seen: &Seen) -> ClusterRow {
    let judged = seen.parity.snapshot().counters.judged();
    let path = seen.parity.path(&Place::At(cluster.path.clone()));
    ClusterRow {
        path: cluster.path.to_string(),
        kind: cluster.kind.to_string(),
        values: cluster.values.to_string(),
        count: cluster.count,
        share: cluster.count as f64 / judged.max(cluster.count).max(1) as f64,
        excess: path.excess(),
        standing: standing(&path, &seen.parity.snapshot().noise),
        samples: cluster.samples.iter().map(sample_ref).collect(),
        suggestion: suggestion_row(cluster.path.as_str(), &seen.suggestions),
    }
}

pub(super) fn sample_ref(sample: &SampleName) -> SampleRef {
    SampleRef {
        id: sample.id.clone(),
        at_ms: sample.at_ms,
        trace_id: format!("{:032x}", sample.live_trace.trace_id),
        copy_trace_id: format!("{:032x}", sample.copy_trace.trace_id),
        shape: sample.shape.clone(),
        older: sample.is_older,
    }
}
