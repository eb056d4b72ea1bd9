//! How answers differ, what may, and stored requests to try again.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountingRow, CopiesRow, NoiseRow, StandingName};

/// How new's answers differ from legacy's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffsAnswer {
    /// The route.
    pub route: String,
    /// The time of this answer, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether its requests are copied.
    pub copies: CopiesRow,
    /// What became of its copies; absent: there were none since the process started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounting: Option<AccountingRow>,
    /// The lower bound of its parity, 0 to 1; absent: nothing was ever compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Requests that were judged since `since_ms`: matches and mismatches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<u64>,
    /// Requests that could not be judged since `since_ms`, by reason: incomparable ones, and those
    /// that were not sent because new failed too often (`breaker`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unjudged: BTreeMap<String, u64>,
    /// When the counters of its parity began, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Mismatches that look alike, by excess over noise, then by number.
    pub clusters: Vec<ClusterRow>,
    /// How many clusters there are; `clusters` may show fewer.
    pub clusters_total: u64,
    /// What legacy disagrees with itself about, most often first; at most 100.
    pub noise: Vec<NoiseRow>,
}

/// Mismatches that look alike: same path, kind and shape of the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterRow {
    /// `status`, `header.NAME`, `body.devices[].name`.
    pub path: String,
    /// `status`, `header`, `missing`, `extra`, `type`, `value`, `order`, `length`, `text`.
    pub kind: String,
    /// What the values look like, legacy's first: `integer→text`. Never the values.
    pub values: String,
    /// Mismatches since the counters of parity began.
    pub count: u64,
    /// `count` / `judged`, 0 to 1.
    pub share: f64,
    /// How many pairs more new differed alone at this path than legacy's second answer did. Below
    /// 0: new is steadier than legacy.
    pub excess: i64,
    /// What the evidence at its path comes to.
    pub standing: StandingName,
    /// Samples that are kept, at most 20: newest first, `older` ones last.
    pub samples: Vec<SampleRef>,
    /// What would settle it; absent: nothing fits, or it looks like a mistake of new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<SuggestionRow>,
}

/// A rule that evidence speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuggestionRow {
    /// The rule.
    pub rule: RuleRow,
    /// What speaks for it.
    pub why: String,
}

/// One way in which answers may differ, with the keys that it has in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleRow {
    /// Where.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Last day on which it holds, as `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Kinds of difference that do not count; empty: all that break no client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// Differences that count only beyond this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerate: Option<ToleranceRow>,
    /// The list is a set, its elements told apart by this field; empty: the whole element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unordered_by: Option<String>,
    /// Any two values of this format agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Values may be others if they map one-to-one; rules of one name share the mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
    /// Texts are compared after these steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Vec<String>>,
    /// What is left out by default is compared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compare: bool,
}

/// How far answers may differ: one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToleranceRow {
    /// A list may have its elements in another order.
    #[serde(skip_serializing_if = "is_false")]
    pub order: bool,
    /// There may be more than legacy has.
    #[serde(skip_serializing_if = "is_false")]
    pub extra: bool,
    /// Numbers may lie this far apart; text, so that it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Moments may lie this many milliseconds apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

/// A sample by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleRef {
    /// Names it within its route.
    pub id: String,
    /// When the live request came, in milliseconds since 1970.
    pub at_ms: u64,
    /// Trace id of the live request, 32 hexadecimal digits.
    pub trace_id: String,
    /// Trace id of its copy.
    pub copy_trace_id: String,
    /// The request's shape.
    pub shape: String,
    /// It was kept before the counters of parity began: by other rules, or of another build.
    #[serde(default, skip_serializing_if = "is_false")]
    pub older: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
