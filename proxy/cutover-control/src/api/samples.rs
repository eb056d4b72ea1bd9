//! Stored mismatches: looked at, judged again, tried again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SampleRef;
use crate::loader::{ConfigFile, Diagnostic};

/// Samples of a route, newest first, `older` ones last. They hold no values but those that the
/// route's `shadow.keep` names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamplesAnswer {
    /// The route.
    pub route: String,
    /// The samples.
    pub samples: Vec<SampleRow>,
    /// How many there are; `samples` may show fewer.
    pub samples_total: u64,
}

/// One mismatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleRow {
    /// Its names.
    #[serde(flatten)]
    pub name: SampleRef,
    /// The clusters that it is kept for.
    pub clusters: Vec<ClusterName>,
    /// The request, to be sent again; absent: too much of it is redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestRow>,
    /// Why it cannot be sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_replayable: Option<NotReplayableRow>,
    /// All that is kept: request and answers as trees of the same form as what they stand for. Each
    /// value is a text: `= "active"` one that is kept, `text 12 #9f86d081884c7d65` type, length and
    /// keyed hash of one that is not, behind it the formats that it fits. It has a `version` of its
    /// own.
    pub document: serde_json::Value,
}

/// What mismatches of one cluster have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterName {
    /// Where.
    pub path: String,
    /// How.
    pub kind: String,
    /// What the values look like.
    pub values: String,
}

/// A request to send again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRow {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values of fields that are known.
    pub headers: Vec<(String, String)>,
    /// Names of fields that the request had and whose values are redacted: they may matter, as
    /// `authorization` does.
    pub headers_left_out: Vec<String>,
    /// Its body; empty: it had none.
    pub body: String,
}

/// Why a request cannot be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotReplayableRow {
    /// What of it is redacted: `method`, `path`, `query`, `body`.
    pub code: String,
    /// The same in words, with what to do.
    pub why: String,
}

/// Asks what stored mismatches would be by the rules of these files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejudgeBody {
    /// The process file first, then team files; paths relative to the process file's directory.
    pub files: Vec<ConfigFile>,
}

/// What stored mismatches would be by other rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejudgeAnswer {
    /// The route.
    pub route: String,
    /// Every cluster.
    pub clusters: Vec<RejudgedRow>,
    /// Differences of the samples that no cluster is about: by the present rules they do not count,
    /// or had no room.
    pub appears: Vec<DifferenceRow>,
    /// What is doubtful in the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
}

/// What a cluster would be by other rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RejudgedRow {
    /// The cluster.
    #[serde(flatten)]
    pub cluster: ClusterName,
    /// Mismatches; only samples of them are judged again.
    pub count: u64,
    /// What follows from its samples: it stays if one does, and is gone if all are.
    pub outcome: OutcomeName,
    /// With `undecidable`: `redacted` (a rule looks at a value that is), `cut` (the answers were too
    /// large to be kept whole), `unreadable`, `no_sample`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// With `redacted`: what in `shadow.keep` would let later samples tell; empty: nothing would.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// Samples that stay.
    pub stays: u64,
    /// Samples that are gone.
    pub gone: u64,
    /// Samples that do not tell.
    pub undecidable: u64,
}

/// What becomes of a mismatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// It is one by the other rules too.
    Stays,
    /// It is none.
    Gone,
    /// What is kept does not tell.
    Undecidable,
}

/// One way in which an answer differs from legacy's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceRow {
    /// Where.
    pub path: String,
    /// How.
    pub kind: String,
    /// What the values look like: `integer→text`.
    pub values: String,
    /// `suspect`; `noise`: legacy's second answer to this request differs too; `known`: legacy is
    /// known to differ from itself here.
    pub class: String,
    /// Absent values could not settle it; if not, they could.
    pub certain: bool,
}

/// Asks to judge an answer to the request of a sample. It is held against legacy's by the rules in
/// force, and forgotten; nothing is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// Id of the sample.
    pub sample: String,
    /// The answer.
    pub answer: AnswerBody,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// Its status, 200 to 599.
    pub status: u16,
    /// Names and values of its fields.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Its body in base 64, in the content coding that the fields name; at most 1 MiB.
    #[serde(default)]
    pub body_base64: String,
    /// Fields after the body.
    #[serde(default)]
    pub trailers: Vec<(String, String)>,
}

/// What an answer is, held against legacy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayAnswer {
    /// Id of the sample.
    pub sample: String,
    /// What it comes to.
    pub verdict: ReplayVerdict,
    /// With `incomparable`, why: `limit`, `duplicate_key`, `malformed`, `encoding`, `over_cap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Every difference, noise too.
    pub differences: Vec<DifferenceRow>,
    /// Legacy's answer was too large to be kept whole: only a part was compared.
    pub cut: bool,
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayVerdict {
    /// It differs in nothing, or only where legacy does.
    Match,
    /// It certainly differs.
    Mismatch,
    /// It differs where values that are redacted could settle it.
    Undecidable,
    /// It cannot be compared.
    Incomparable,
}
