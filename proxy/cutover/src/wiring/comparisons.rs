//! What compares sides, as the control plane asks about it.

use cutover_control::{Accounting, Cluster, Comparisons, SampleName, Seen, Suggestion};
use cutover_domain::{
    exchange::Dropped,
    parity::{Counters, Parity},
};
use cutover_shadow::{SampleHead, ShadowHandle};

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
            clusters: report.mismatches.clusters.iter().map(cluster).collect(),
            suggestions: self.0.suggestions(route).into_iter().map(suggestion).collect(),
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
        path: cluster.key.path.clone(),
        kind: cluster.key.kind,
        values: cluster.key.values.clone(),
        count: cluster.count,
        samples: cluster.samples.iter().map(name).collect(),
    }
}

fn suggestion(suggestion: cutover_shadow::Suggestion) -> Suggestion {
    Suggestion { rule: suggestion.rule, why: suggestion.why }
}

fn name(sample: &SampleHead) -> SampleName {
    SampleName {
        id: sample.id.to_string(),
        at_ms: sample.at_ms,
        live_trace: sample.live_trace,
        copy_trace: sample.copy_trace,
        shape: sample.shape.to_string(),
    }
}
