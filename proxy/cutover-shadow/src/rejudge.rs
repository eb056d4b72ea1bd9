//! Stored mismatches judged again: by other rules, or against another answer.
//!
//! What is stored has no values, so some of it cannot be decided. That is said, with what the
//! route would have to keep for it to be decided the next time.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use cutover_domain::{
    compare::{
        Bijections, Difference, Incomparable, Judged, Kind, Limits, Path, Rules, Terms,
        compare_stand_ins,
    },
    exchange::{Copied, Kept},
    parity::Class,
};
use http::{HeaderMap, StatusCode};

use crate::{
    parse::{Raw, parse},
    redaction::{Outline, Rebuild, Redactor, reduce_to_common},
    samples::{BadSample, ClusterKey, Sample, SampleHead, SampleId, Stored},
};

/// What the mismatches of a route would be by other rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejudged {
    /// Every cluster, by path and kind.
    pub clusters: Vec<RejudgedCluster>,
}

/// What a cluster would be by other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejudgedCluster {
    /// What its mismatches have in common.
    pub key: ClusterKey,
    /// Mismatches, of which only the samples are judged again.
    pub count: u64,
    /// What follows from its samples: it stays if one does, and is gone if all are.
    pub outcome: Outcome,
    /// Its samples, oldest first.
    pub samples: Vec<RejudgedSample>,
}

/// What a sample would be by other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejudgedSample {
    /// What it is known by.
    pub head: SampleHead,
    /// Whether the difference of its cluster is still there.
    pub outcome: Outcome,
    /// All differences, also those of other clusters, and new ones.
    pub differences: Vec<JudgedDifference>,
}

/// A difference by the rules it was judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedDifference {
    /// Where.
    pub path: Path,
    /// How.
    pub kind: Kind,
    /// How the values look: `integer→text`.
    pub values: Box<str>,
    /// If not, it could be settled by values that are redacted.
    pub is_certain: bool,
    /// [`Class::Suspect`], or [`Class::Noise`] where legacy's second answer differs too, or
    /// [`Class::Known`] where legacy is known to differ from itself.
    pub class: Class,
}

/// What becomes of a mismatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is one by the new rules too.
    Stays,
    /// It is none.
    Gone,
    /// What is stored does not tell.
    Undecidable {
        /// Why not.
        why: Doubt,
        /// What in `shadow.keep` would let later samples tell; empty: nothing would.
        keep: Vec<Box<str>>,
    },
}

/// Why what is stored does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// A rule looks at a value that is redacted.
    Redacted,
    /// The answers were too large to be stored whole.
    Cut,
    /// The document cannot be read.
    Unreadable,
    /// There is no sample.
    NoSample,
}

/// One answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body, in the content coding that the fields name.
    pub body: Bytes,
    /// Fields after the body.
    pub trailers: HeaderMap,
}

/// What an answer to a stored request is, held against legacy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedAnswer {
    /// Every difference; with none, or none but noise, it matches.
    pub differences: Vec<JudgedDifference>,
    /// Legacy's answer was too large to be stored whole: only a part was compared.
    pub is_cut: bool,
}

/// Why an answer cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeAnswerError {
    /// No copies were ever taken for the route.
    #[error("no copies were taken for this route")]
    Route,
    /// There is no such sample, or no more.
    #[error("there is no sample `{0}`: it may have made room for others")]
    Sample(SampleId),
    /// The sample cannot be read.
    #[error("the sample cannot be read")]
    Document(#[from] BadSample),
    /// The key of redaction was lost since.
    #[error(
        "the sample was redacted with another key, so nothing can be compared with it: take newer samples"
    )]
    OtherKey,
    /// The answer cannot be compared.
    #[error("the answer cannot be compared")]
    Incomparable(#[from] Incomparable),
}

/// What samples are judged by.
pub(crate) struct Rejudge<'r> {
    pub(crate) rules: &'r Rules,
    pub(crate) limits: &'r Limits,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) redactor: &'r Redactor,
}

/// A sample that was judged.
struct Judgement {
    differences: Vec<JudgedDifference>,
    is_cut: bool,
}

// === impl Rejudge ===

impl Rejudge<'_> {
    /// Judges all samples of these clusters, in the order in which the requests came.
    pub(crate) fn clusters(&self, clusters: Vec<(ClusterKey, u64, Vec<Arc<Stored>>)>) -> Rejudged {
        let mut all: Vec<&Arc<Stored>> = clusters.iter().flat_map(|(_, _, all)| all).collect();
        all.sort_by_key(|stored| (stored.head.at_ms, stored.head.id));
        let mut bijections = Bijections::default();
        let mut judgements: HashMap<SampleId, Result<Judgement, Doubt>> = HashMap::new();
        for stored in all {
            let id = stored.head.id;
            judgements.entry(id).or_insert_with(|| self.stored(stored, &mut bijections));
        }
        let cluster = |(key, count, mut samples): (ClusterKey, u64, Vec<Arc<Stored>>)| {
            samples.sort_by_key(|stored| (stored.head.at_ms, stored.head.id));
            let samples: Vec<RejudgedSample> = samples
                .iter()
                .map(|stored| rejudged(&key, stored, &judgements[&stored.head.id]))
                .collect();
            let outcome = Outcome::of(samples.iter().map(|sample| &sample.outcome));
            RejudgedCluster { key, count, outcome, samples }
        };
        Rejudged { clusters: clusters.into_iter().map(cluster).collect() }
    }

    /// Holds an answer against legacy's in a sample.
    pub(crate) fn answer(
        &self,
        sample: Sample,
        answer: &RawAnswer,
    ) -> Result<JudgedAnswer, JudgeAnswerError> {
        if sample.key_id != self.redactor.key_id() {
            return Err(JudgeAnswerError::OtherKey);
        }
        let RawAnswer { status, headers, body, trailers } = answer;
        let body = &Copied::Whole(body.clone());
        let parsed = parse(Raw { status: *status, headers, body, trailers }, self.limits)?;
        // Shown as it is: it is forgotten at once, and shows which redacted values are the same.
        let candidate = self.redactor.shown(&parsed.into_answer());
        let sample = Sample { candidate: Some(candidate), fault: None, ..sample };
        let Judgement { differences, is_cut } = self.sample(sample, &mut Bijections::default())?;
        Ok(JudgedAnswer { differences, is_cut })
    }

    fn stored(&self, stored: &Stored, bijections: &mut Bijections) -> Result<Judgement, Doubt> {
        let sample = Sample::from_document(&stored.document).map_err(|_| Doubt::Unreadable)?;
        // What was within the limits once is so without its values.
        self.sample(sample, bijections).map_err(|_| Doubt::Cut)
    }

    fn sample(
        &self,
        sample: Sample,
        bijections: &mut Bijections,
    ) -> Result<Judgement, Incomparable> {
        let Sample { legacy, candidate, fault, reference, .. } = sample;
        let has_candidate = candidate.is_some();
        let candidate = candidate.unwrap_or_else(|| legacy.clone());
        let mut outlines: Vec<Outline> =
            [Some(legacy), Some(candidate), reference].into_iter().flatten().collect();
        let is_cut = outlines.iter().any(|outline| outline.left_out > 0);
        reduce_to_common(&mut outlines);
        let mut rebuild = Rebuild::of(&outlines, self.rules, self.redactor);
        let answers: Vec<_> = outlines.iter().map(|outline| rebuild.answer(outline)).collect();
        let terms = Terms { rules: self.rules, limits: self.limits, now: self.now };
        let judged = compare_stand_ins(
            &answers[0],
            &answers[1],
            answers.get(2),
            &terms,
            rebuild.stand_ins(),
            bijections,
        )?;
        let judged = judged.into_iter().filter(|judged| judged.difference.candidate);
        let mut differences: Vec<_> = judged.map(|judged| told(judged, is_cut)).collect();
        if let Some(fault) = fault.filter(|_| !has_candidate) {
            differences.insert(0, no_answer(&fault));
        }
        Ok(Judgement { differences, is_cut })
    }
}

fn told(Judged { difference, is_certain }: Judged, is_cut: bool) -> JudgedDifference {
    let Difference { path, kind, reference, shape, .. } = difference;
    // Where lists are sets, a partner may be among what was cut off.
    let may_be_cut = is_cut && matches!(kind, Kind::Missing | Kind::Extra | Kind::Order);
    let class = if reference == Some(true) { Class::Noise } else { Class::Suspect };
    JudgedDifference { path, kind, values: shape, is_certain: is_certain && !may_be_cut, class }
}

/// What no rule settles.
fn no_answer(fault: &str) -> JudgedDifference {
    JudgedDifference {
        path: Path::from_canonical("status"),
        kind: Kind::Status,
        values: format!("answer→{fault}").into(),
        is_certain: true,
        class: Class::Suspect,
    }
}

fn rejudged(
    key: &ClusterKey,
    stored: &Stored,
    judgement: &Result<Judgement, Doubt>,
) -> RejudgedSample {
    let head = stored.head.clone();
    match judgement {
        Ok(judgement) => {
            let outcome = judgement.outcome(key);
            RejudgedSample { head, outcome, differences: judgement.differences.clone() }
        }
        Err(why) => {
            let outcome = Outcome::Undecidable { why: *why, keep: Vec::new() };
            RejudgedSample { head, outcome, differences: Vec::new() }
        }
    }
}

// === impl Judgement ===

impl Judgement {
    /// What became of the difference that a cluster is about.
    fn outcome(&self, key: &ClusterKey) -> Outcome {
        let mut differences = self.differences.iter();
        let still = differences.find(|difference| {
            (&difference.path, difference.kind) == (&key.path, key.kind)
                && difference.class == Class::Suspect
        });
        let is_of_status = key.kind == Kind::Status;
        match still {
            Some(difference) if difference.is_certain => Outcome::Stays,
            Some(difference) => Outcome::Undecidable {
                why: if self.is_cut { Doubt::Cut } else { Doubt::Redacted },
                keep: keep_for(difference).into_iter().collect(),
            },
            None if self.is_cut && !is_of_status => {
                Outcome::Undecidable { why: Doubt::Cut, keep: Vec::new() }
            }
            None => Outcome::Gone,
        }
    }
}

/// What would have to be kept for a difference to be decided; `None`: it never is.
fn keep_for(difference: &JudgedDifference) -> Option<Box<str>> {
    let path = difference.path.as_str();
    let is_kept = path.parse::<Kept>().is_ok() && difference.kind != Kind::Text;
    is_kept.then(|| path.into())
}

// === impl Outcome ===

impl Outcome {
    /// What several outcomes come to.
    fn of<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> Outcome {
        let mut doubts = BTreeSet::new();
        let mut kept = BTreeSet::new();
        let mut any = false;
        for outcome in outcomes {
            any = true;
            match outcome {
                Outcome::Stays => return Outcome::Stays,
                Outcome::Gone => {}
                Outcome::Undecidable { why, keep } => {
                    doubts.insert(*why);
                    kept.extend(keep.iter().cloned());
                }
            }
        }
        match doubts.pop_first() {
            Some(why) => Outcome::Undecidable { why, keep: kept.into_iter().collect() },
            None if any => Outcome::Gone,
            None => Outcome::Undecidable { why: Doubt::NoSample, keep: Vec::new() },
        }
    }

    /// The name used by the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Stays => "stays",
            Outcome::Gone => "gone",
            Outcome::Undecidable { .. } => "undecidable",
        }
    }
}

// === impl Doubt ===

impl Doubt {
    /// The name used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Doubt::Redacted => "redacted",
            Doubt::Cut => "cut",
            Doubt::Unreadable => "unreadable",
            Doubt::NoSample => "no_sample",
        }
    }
}

// === impl JudgedAnswer ===

impl JudgedAnswer {
    /// Whether nothing speaks against the answer: it has no difference but noise.
    pub fn is_match(&self) -> bool {
        self.differences.iter().all(|difference| difference.class != Class::Suspect)
    }

    /// Whether something certainly does.
    pub fn is_mismatch(&self) -> bool {
        let suspects = self.differences.iter().filter(|found| found.class == Class::Suspect);
        suspects.into_iter().any(|difference| difference.is_certain)
    }
}

#[cfg(test)]
mod tests;
