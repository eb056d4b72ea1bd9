//! Where everything is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErrorBody, PhaseName, SideName, TargetRow};
use crate::{loader::Diagnostic, token::Role};

/// Every route, and the control plane itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    /// The head: the last revision.
    pub revision: u64,
    /// The revision in force on the data plane.
    pub applied_revision: u64,
    /// The time of this answer, in milliseconds since 1970.
    pub at_ms: u64,
    /// The file `legacy-all` is there.
    pub legacy_all: bool,
    /// Why it serves by its last good state; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<ErrorBody>,
    /// The configuration.
    pub config: ConfigRow,
    /// Every declared route, in the order of the files.
    pub routes: Vec<RouteRow>,
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigRow {
    /// Number of configurations accepted since the process started.
    pub generation: u64,
    /// Hash of its files.
    pub hash: String,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// What is doubtful in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
    /// Why the files last seen are not in force; absent: they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ErrorBody>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteRow {
    /// Its id.
    pub id: String,
    /// The group that it belongs to.
    pub group: String,
    /// The team that answers for it.
    pub owner: String,
    /// Which requests it is about: `GET,HEAD api.example.org/api/v1/devices/{id}`.
    pub matches: String,
    /// What its requests may change: `safe`, `idempotent`, `dry_run`, `sandbox`, `unsafe`.
    pub writes: String,
    /// Its phase and share, in force.
    #[serde(flatten)]
    pub at: TargetRow,
    /// Its last revision; 0: it never changed.
    pub revision: u64,
    /// Where a rollback sends it.
    pub safe_phase: PhaseName,
    /// Requests per second over the last 10 s.
    pub rps: f64,
    /// Legacy.
    pub legacy: SideRow,
    /// New; absent: no upstream is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<SideRow>,
    /// Lower bound of the share of copies that new answers as legacy does, 0 to 1, exact and
    /// one-sided at 95 %; it counts since the build of new, rules, or legacy's noise last changed.
    /// Absent: nothing was judged. `/parity` tells more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity: Option<f64>,
    /// Share of the error budget that is left, 0 to 1; absent: no objective is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Whether the next step forward would be accepted.
    pub gate: GateRow,
    /// When phase or share last changed, in milliseconds since 1970; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at_ms: Option<u64>,
    /// How long ago that was, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// Cause of its latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What the files ask for.
    pub file: TargetRow,
    /// Why the file's value waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<BlockedRow>,
}

/// One side of a route, over the last 10 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideRow {
    /// Name of its upstream.
    pub upstream: String,
    /// Requests per second.
    pub rps: f64,
    /// Fraction of its requests that it answered itself, without 5xx, 0 to 1; absent: no requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<f64>,
    /// 95th percentile of the latency in milliseconds; absent: no requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
}

/// Whether the next step forward would be accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateRow {
    /// It would.
    pub open: bool,
    /// The next step; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TargetRow>,
    /// Stable name of what stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A file's value that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedRow {
    /// What the file asks for.
    pub target: TargetRow,
    /// Stable name of what stands in the way.
    pub code: String,
    /// The same in words.
    pub why: String,
}

/// One route, with its latest revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteAnswer {
    /// The revision in force on the data plane.
    pub applied_revision: u64,
    /// The route.
    pub route: RouteRow,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoamiAnswer {
    /// Name of the token.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Which route, phase and side a request would meet, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainAnswer {
    /// The revision that this is true for.
    pub revision: u64,
    /// The route; absent: none matches, the default upstream serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its phase and share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<TargetRow>,
    /// Cause of its latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Who serves it.
    pub side: SideName,
    /// Name of the upstream that serves it.
    pub upstream: String,
    /// Why that side: `phase`, `deny`, `allow`, `attribute`, `cohort`, `outside_cohort`,
    /// `no_subject`, or `default` without a route.
    pub reason: String,
    /// When that side fails: `pass_on`, `answer_by_legacy`, `retry_new`,
    /// `retry_new_if_undelivered`.
    pub on_failure: String,
    /// Whom the decision sticks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The subject's bucket, 0 to 9,999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<u16>,
    /// Buckets below this one belong to the cohort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort_below: Option<u16>,
    /// The same in one sentence.
    pub words: String,
}
