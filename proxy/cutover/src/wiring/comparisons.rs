//! What compares sides, as the control plane asks about it.

mod judged;

use std::collections::BTreeMap;

use cutover_control::{
    Accounting, Answer, Cluster, Comparisons, Evidence, NotJudged, Rejudged, Sample, SampleName,
    Seen, Suggestion,
    api::{ClusterName, NotReplayableRow, ReplayAnswer, RequestRow},
};
use cutover_domain::{
    compare::Rules,
    exchange::Dropped,
    parity::{Counters, Parity},
};
use cutover_shadow::{ClusterKey, ListedSample, NotReplayable, Replay, SampleId, ShadowHandle};

/// How candidates answer.
pub(super) struct Compared(pub(super) ShadowHandle);

/// The outlook is reckoned by the control plane, for the target that it is asked about.
const NO_TARGET: f64 = 0.5;

impl Comparisons for Compared {
    fn counters(&self, route: &str) -> Option<Counters> {
        self.0.counters(route)
    }

    fn seen(&self, route: &str) -> Option<Seen> {
        let report = self.0.report(route, NO_TARGET)?;
        let suggestions = self.0.suggestions(route).into_iter();
        Some(Seen {
            accounting: accounting(&report.accounting),
            parity: Parity::restore(self.0.snapshot(route)?),
            clusters: report.mismatches.clusters.iter().map(cluster).collect(),
            suggestions: suggestions
                .map(|found| Suggestion { rule: found.rule, why: found.why })
                .collect(),
        })
    }

    fn evidence(&self, route: &str, target: f64, now: u64) -> Option<Evidence> {
        let (report, build) = self.0.evidence(route, target, now)?;
        Some(Evidence { report, build: build.map(Into::into) })
    }

    fn samples(&self, route: &str, path: Option<&str>) -> Vec<SampleName> {
        let clusters = self.0.clusters(route).map(|known| known.clusters).unwrap_or_default();
        let asked = clusters
            .iter()
            .filter(|cluster| path.is_none_or(|path| cluster.key.path.as_str() == path));
        // A request may be the sample of more than one cluster.
        let listed = asked.flat_map(|cluster| &cluster.samples);
        let listed: BTreeMap<_, _> = listed.map(|sample| (sample.rank(), sample)).collect();
        listed.into_values().map(name).collect()
    }

    fn sample(&self, route: &str, id: &str) -> Option<Sample> {
        let id: SampleId = id.parse().ok()?;
        let sample = self.0.sample(route, id).ok()??;
        let clusters = self.0.clusters(route)?.clusters;
        let in_it = |cluster: &&cutover_shadow::Cluster| {
            cluster.samples.iter().any(|listed| listed.head.id == id)
        };
        let of_it = clusters.iter().filter(in_it);
        let mut listed = clusters.iter().flat_map(|cluster| &cluster.samples);
        Some(Sample {
            name: name(listed.find(|listed| listed.head.id == id)?),
            clusters: of_it.map(|cluster| cluster_name(&cluster.key)).collect(),
            request: sample.request.replay().map(request).map_err(not_replayable),
            document: serde_json::from_str(&sample.to_document()).ok()?,
        })
    }

    fn rejudge(&self, route: &str, rules: &Rules, now: u64) -> Rejudged {
        let Some(found) = self.0.rejudge(route, rules, now) else { return Rejudged::default() };
        let noise = self.0.snapshot(route).map(|parity| parity.noise).unwrap_or_default();
        judged::rejudged(&found, &noise)
    }

    fn judge_answer(
        &self,
        route: &str,
        sample: &str,
        answer: &Answer,
        rules: &Rules,
        now: u64,
    ) -> Result<ReplayAnswer, NotJudged> {
        let id: SampleId = sample.parse().map_err(|_| NotJudged::NoSample)?;
        let answer = judged::raw(answer);
        judged::answer(sample, self.0.judge_answer(route, id, &answer, rules, now))
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

fn name(ListedSample { head, is_older }: &ListedSample) -> SampleName {
    SampleName {
        is_older: *is_older,
        id: head.id.to_string(),
        at_ms: head.at_ms,
        live_trace: head.live_trace,
        copy_trace: head.copy_trace,
        shape: head.shape.to_string(),
    }
}

fn cluster_name(key: &ClusterKey) -> ClusterName {
    ClusterName {
        path: key.path.to_string(),
        kind: key.kind.to_string(),
        values: key.values.to_string(),
    }
}

fn request(replay: Replay) -> RequestRow {
    let Replay { method, target, headers, headers_left_out, body } = replay;
    RequestRow { method: method.into(), target, headers, headers_left_out, body }
}

fn not_replayable(why: NotReplayable) -> NotReplayableRow {
    NotReplayableRow { code: why.as_str().to_owned(), why: why.to_string() }
}
