//! What compares sides, as the control plane asks about it.

use std::time::{SystemTime, UNIX_EPOCH};

use cutover_control::{Accounting, Cluster, Comparisons, SampleName, Seen};
use cutover_domain::{
    exchange::Dropped,
    parity::{Counters, Parity},
};
use cutover_shadow::ShadowHandle;

/// How candidates answer.
pub(super) struct Compared(pub(super) ShadowHandle);

/// The outlook is reckoned by the control plane, for the target that it is asked about.
const NO_TARGET: f64 = 0.5;

impl Comparisons for Compared {
    fn counters(&self, route: &str) -> Option<Counters> {
        Some(self.0.snapshot(route)?.counters)
    }

    fn seen(&self, route: &str) -> Option<Seen> {
        let report = self.0.report(route, NO_TARGET)?;
        let parity = Parity::restore(self.0.snapshot(route)?);
        Some(Seen {
            accounting: accounting(&report.accounting),
            parity,
            clusters: report.clusters.iter().map(cluster).collect(),
            suggestions: Vec::new(),
        })
    }
}

fn accounting(counted: &cutover_shadow::Accounting) -> Accounting {
    let dropped = Dropped::ALL.into_iter().map(|reason| (reason, counted.dropped(reason)));
    Accounting {
        eligible: counted.eligible,
        matches: counted.matches,
        mismatches: counted.mismatches,
        noisy: counted.noisy,
        incomparable: counted.incomparable,
        dropped: dropped.collect(),
    }
}

fn cluster(cluster: &cutover_shadow::Cluster) -> Cluster {
    Cluster {
        path: cluster.path.clone(),
        kind: cluster.kind,
        values: cluster.values.clone(),
        count: cluster.count,
        samples: cluster.samples.iter().map(|sample| name(sample)).collect(),
    }
}

fn name(sample: &cutover_shadow::Sample) -> SampleName {
    SampleName {
        id: format!("{:016x}", sample.live_trace.span_id),
        at_ms: milliseconds(sample.at),
        live_trace: sample.live_trace,
        copy_trace: sample.copy_trace,
        shape: sample.shape.to_string(),
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
