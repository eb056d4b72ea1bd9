//! Stored mismatches judged again, as rows of the API.

use std::collections::{BTreeSet, HashSet};

use cutover_control::{
    Answer, NotJudged, Rejudged,
    api::{DifferenceRow, OutcomeName, RejudgedRow, ReplayAnswer, ReplayVerdict},
};
use cutover_domain::{
    compare::{Kind, Path},
    parity::{Class, NoiseProfile, Place},
};
use cutover_shadow::{
    JudgeAnswerError, JudgedAnswer, JudgedDifference, Outcome, RawAnswer, RejudgedCluster,
};

use super::cluster_name;

/// What would appear leaves out what legacy is known to differ from itself in.
pub(super) fn rejudged(found: &cutover_shadow::Rejudged, noise: &NoiseProfile) -> Rejudged {
    let clusters: HashSet<(&Path, Kind)> =
        found.clusters.iter().map(|cluster| (&cluster.key.path, cluster.key.kind)).collect();
    let is_new = |found: &&JudgedDifference| {
        found.class == Class::Suspect
            && !clusters.contains(&(&found.path, found.kind))
            && !noise.knows(&Place::At(found.path.clone()), found.kind)
    };
    let samples = found.clusters.iter().flat_map(|cluster| &cluster.samples);
    let differences = samples.flat_map(|sample| &sample.differences);
    let appears = differences.filter(is_new);
    let appears: BTreeSet<DifferenceRow> = appears.map(difference).collect();
    Rejudged {
        clusters: found.clusters.iter().map(row).collect(),
        appears: appears.into_iter().collect(),
    }
}

fn row(cluster: &RejudgedCluster) -> RejudgedRow {
    let count = |wanted: OutcomeName| {
        let outcomes = cluster.samples.iter().map(|sample| outcome(&sample.outcome));
        outcomes.filter(|outcome| *outcome == wanted).count() as u64
    };
    let (why, keep) = match &cluster.outcome {
        Outcome::Undecidable { why, keep } => {
            (Some(why.as_str().to_owned()), keep.iter().map(ToString::to_string).collect())
        }
        Outcome::Stays | Outcome::Gone => (None, Vec::new()),
    };
    RejudgedRow {
        cluster: cluster_name(&cluster.key),
        count: cluster.count,
        outcome: outcome(&cluster.outcome),
        why,
        keep,
        stays: count(OutcomeName::Stays),
        gone: count(OutcomeName::Gone),
        undecidable: count(OutcomeName::Undecidable),
    }
}

fn outcome(outcome: &Outcome) -> OutcomeName {
    match outcome {
        Outcome::Stays => OutcomeName::Stays,
        Outcome::Gone => OutcomeName::Gone,
        Outcome::Undecidable { .. } => OutcomeName::Undecidable,
    }
}

pub(super) fn raw(answer: &Answer) -> RawAnswer {
    let Answer { status, headers, body, trailers } = answer.clone();
    RawAnswer { status, headers, body, trailers }
}

pub(super) fn answer(
    sample: &str,
    judged: Result<JudgedAnswer, JudgeAnswerError>,
) -> Result<ReplayAnswer, NotJudged> {
    let of = |verdict, why, judged: Option<&JudgedAnswer>| ReplayAnswer {
        sample: sample.to_owned(),
        verdict,
        why,
        differences: judged.iter().flat_map(|judged| &judged.differences).map(difference).collect(),
        cut: judged.is_some_and(|judged| judged.is_cut),
    };
    match judged {
        Ok(judged) => Ok(of(verdict(&judged), None, Some(&judged))),
        Err(JudgeAnswerError::Incomparable(why)) => {
            Ok(of(ReplayVerdict::Incomparable, Some(why.as_str().to_owned()), None))
        }
        Err(JudgeAnswerError::Route | JudgeAnswerError::Sample(_)) => Err(NotJudged::NoSample),
        Err(JudgeAnswerError::Document(_) | JudgeAnswerError::OtherKey) => Err(NotJudged::Unusable),
    }
}

fn verdict(judged: &JudgedAnswer) -> ReplayVerdict {
    if judged.is_match() {
        ReplayVerdict::Match
    } else if judged.is_mismatch() {
        ReplayVerdict::Mismatch
    } else {
        ReplayVerdict::Undecidable
    }
}

fn difference(found: &JudgedDifference) -> DifferenceRow {
    DifferenceRow {
        path: found.path.to_string(),
        kind: found.kind.to_string(),
        values: found.values.to_string(),
        class: found.class.as_str().to_owned(),
        certain: found.is_certain,
    }
}
