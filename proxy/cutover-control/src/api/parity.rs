//! Whether new answers as legacy does, and how sure that is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SuggestionRow;

/// How a route's candidate answers, compared with legacy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParityAnswer {
    /// The route.
    pub route: String,
    /// The time of this answer, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether its requests are copied.
    pub copies: CopiesRow,
    /// What became of its copies; absent: there were none since the process started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounting: Option<AccountingRow>,
    /// Its parity; absent: nothing was ever compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity: Option<ParityRow>,
    /// What stands against trusting new with users, most telling first; empty: nothing does.
    pub blocks: Vec<BlockRow>,
}

/// Whether a route's requests are copied to the side that does not serve them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopiesRow {
    /// They are, or a share of them.
    pub taken: bool,
    /// Why they are not: `no_new`, `no_shadow`, `phase`, `writes`, `percent`, `off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of the requests that were to be copied, since the process started. Every one is
/// counted once: `eligible` = `compared` + all of `dropped` + `open`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountingRow {
    /// They were to be copied.
    pub eligible: u64,
    /// They were compared: the sum of the next four.
    pub compared: u64,
    /// Answered alike.
    pub matches: u64,
    /// Not answered alike.
    pub mismatches: u64,
    /// Not answered alike, but only where legacy differs from itself.
    pub noisy: u64,
    /// The answers could not be compared.
    pub incomparable: u64,
    /// Never compared, by reason: `over_cap`, `queue_full`, `rate`, `breaker`, `budget`,
    /// `shutdown`; those that did not occur are left out.
    pub dropped: BTreeMap<String, u64>,
    /// Under way.
    pub open: u64,
}

/// The parity of a route since its counters last began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParityRow {
    /// When its counters began, in milliseconds since 1970.
    pub since_ms: u64,
    /// Matches / (matches + mismatches), 0 to 1; absent before the first of them. Not to be relied
    /// on: 10 of 10 is 100 %, and proves 74 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<f64>,
    /// Its exact one-sided 95 % lower bound (Clopper-Pearson), 0 to 1. This is what gates read.
    pub bound: f64,
    /// Requests by verdict and reason.
    pub counters: CountersRow,
    /// How far `target` is.
    pub outlook: OutlookRow,
    /// Requests that legacy was asked a second time.
    pub pairs: u64,
    /// How much of what the route is asked was compared.
    pub coverage: CoverageRow,
    /// Paths at which anything differed.
    pub paths: u64,
    /// Natural logarithm of the evidence that makes one of them a regression.
    pub ln_threshold: f64,
    /// Paths at which new regressed, of most evidence first.
    pub regressions: Vec<PathRow>,
    /// Paths at which legacy differs from itself too often for anything to be said. They want a
    /// rule.
    pub untestable: Vec<PathRow>,
    /// What legacy disagrees with itself about, most often first; at most 100.
    pub noise: Vec<NoiseRow>,
    /// Time to the end of new's answer minus legacy's, request by request; absent before both
    /// answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyRow>,
    /// Too much could not be judged for the bound to mean anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inconclusive: Option<InconclusiveRow>,
    /// What the counters rest on: where it changes, they begin anew.
    pub basis: BasisRow,
    /// Earlier counters, newest first; at most 16.
    pub history: Vec<EpochRow>,
}

/// Requests by verdict, since counters began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountersRow {
    /// Answered alike, after rules.
    pub matches: u64,
    /// Not answered alike where noise does not explain it.
    pub mismatches: u64,
    /// Not answered alike, but only where legacy differs from itself.
    pub noisy: u64,
    /// Not comparable, by reason: `limit`, `duplicate_key`, `malformed`, `encoding`, `over_cap`,
    /// `client_gone`, `live_failed`.
    pub incomparable: BTreeMap<String, u64>,
    /// Never compared, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// How far a bound is from its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookRow {
    /// The bound that is wanted, 0 to 1.
    pub target: f64,
    /// Where it stands.
    pub state: OutlookName,
    /// Comparisons still needed if none of them is a mismatch: for the bound, and for the number
    /// without which a gate reads no bound. Absent: no more are, or they would not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparisons: Option<u64>,
    /// How long those take at today's rate; absent: there were none today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Where a bound stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutlookName {
    /// At the target or above.
    Reached,
    /// Neither reached nor ruled out.
    Ahead,
    /// With 95 % confidence parity is below the target: waiting does not help.
    Below,
}

/// How many of the shapes of request that the route has were compared. A shape is method,
/// template, names of query parameters, class of legacy's status, version of the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageRow {
    /// `compared` / `seen`, 0 to 1; absent: none was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Shapes seen within 7 days.
    pub seen: u64,
    /// Those of them that were compared since counters began.
    pub compared: u64,
    /// Up to ten of those that were not.
    pub missing: Vec<String>,
    /// The route has more shapes than are kept: the share says nothing of the others.
    pub overflow: bool,
}

/// What was counted at one path, over requests that legacy was asked a second time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathRow {
    /// `status`, `header.NAME`, `body.devices[].name`; `_other`: paths beyond the first 2,000.
    pub path: String,
    /// What the evidence comes to.
    pub standing: StandingName,
    /// `only_new` − `only_legacy`: differences that noise does not explain. Below 0: new is
    /// steadier than legacy.
    pub excess: i64,
    /// Only new differed from legacy's first answer.
    pub only_new: u64,
    /// Only legacy's second answer did.
    pub only_legacy: u64,
    /// Both did.
    pub both: u64,
    /// New differed where legacy was asked once only: not part of the test.
    pub unpaired: u64,
    /// Natural logarithm of the evidence of a regression.
    pub ln_evidence: f64,
    /// Share of recent pairs in which legacy differed from itself, 0 to 1; absent with fewer than
    /// 30 pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_rate: Option<f64>,
    /// After how many pairs it became a regression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regressed_after: Option<u64>,
}

/// What the evidence at a path comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandingName {
    /// New is worse than legacy's noise.
    Regression,
    /// Legacy differs from itself too often for anything to be said.
    Untestable,
    /// Legacy is known to differ from itself here; new is no worse so far.
    Noise,
    /// New differs, and not often enough for a proof.
    Suspect,
}

/// What legacy disagrees with itself about at one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseRow {
    /// The path.
    pub path: String,
    /// Share of recent pairs in which it did, 0 to 1; absent with fewer than 30 pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Pairs in which it did.
    pub pairs: u64,
    /// How it differed, and in how many pairs.
    pub kinds: BTreeMap<String, u64>,
    /// Kinds seen often enough (3 times) to be forgiven to new as well.
    pub known: Vec<String>,
    /// What would settle it; absent: nothing fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<SuggestionRow>,
}

/// Differences of latency in milliseconds, candidate − legacy; below 0: new was faster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyRow {
    /// Requests.
    pub count: u64,
    /// Half of the differences are at most this.
    pub p50_ms: f64,
    /// 95 % are at most this.
    pub p95_ms: f64,
    /// 99 % are at most this.
    pub p99_ms: f64,
}

/// Too much could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InconclusiveRow {
    /// Requests that were to be copied.
    pub eligible: u64,
    /// Those of them that were incomparable, or dropped because new failed too often: more than
    /// 5 %.
    pub unjudged: u64,
}

/// What counters rest on. Texts name versions and mean nothing else; absent: unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BasisRow {
    /// Build of new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Rules by which answers are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Build of legacy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<String>,
    /// Version of the noise profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<u64>,
}

/// Counters of an earlier time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochRow {
    /// When they began, in milliseconds since 1970.
    pub since_ms: u64,
    /// When they ended.
    pub until_ms: u64,
    /// Why: `build`, `rules`, `legacy`, `profile` (something became known as noise).
    pub cause: String,
    /// What they rested on.
    pub basis: BasisRow,
    /// What they were.
    pub counters: CountersRow,
    /// The lower bound of parity at their end, 0 to 1.
    pub bound: f64,
    /// Requests that legacy was asked a second time.
    pub pairs: u64,
    /// Paths that were a regression at their end.
    pub regressions: Vec<String>,
}

/// One thing that stands against trusting new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockRow {
    /// `regression`, `untestable`, `inconclusive`, `bound`, `comparisons`, `coverage`, or
    /// `no_copies`.
    pub code: String,
    /// The same in words.
    pub why: String,
}
