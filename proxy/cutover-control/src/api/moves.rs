//! Moving routes, and what was moved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErrorBody, PhaseName, TargetRow};

/// Moves forward. Where the route is there already, nothing happens, and that is a success.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteBody {
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// The revision that the decision is based on: the route's, or the group's highest. Without
    /// it, whatever it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// Where to; by default the next step (within `canary` that of the route's ladder, 1, 5, 25,
    /// 50, 100 % if it names none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PhaseName>,
    /// The cohort's share in percent, at most two decimals; alone it means `canary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Skip phases: role approver, recorded.
    #[serde(default)]
    pub force: bool,
}

/// Moves back. Where the route is there already, or even further back than its safe phase,
/// nothing happens, and that is a success.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// As in [`PromoteBody`]; for all routes, the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// Where to; by default the safe phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PhaseName>,
    /// With `canary`: the share in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
}

/// Puts a latch on or takes it off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatchBody {
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// As in [`PromoteBody`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// What became of a move, or of applied files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MoveAnswer {
    /// The revision that it became; the head, where there was nothing to change.
    pub revision: u64,
    /// The store has it; `false`: the store is away, it is in force here and journalled on disk.
    pub recorded: bool,
    /// What happened to which route; empty: nothing.
    pub routes: Vec<MovedRow>,
    /// Routes to which a move of many had nothing to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedRow>,
    /// Routes that new goes on serving, though a rollback of a group or of all was to take them
    /// back: those that are `retired`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<SkippedRow>,
    /// The data plane has it in force.
    pub applied: bool,
    /// With `?wait`: milliseconds from publication (the store had committed) until in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_ms: Option<f64>,
    /// With `?wait`, where the time ran out first (status 202): code `not_yet_applied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<ErrorBody>,
}

/// What happened to one route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MovedRow {
    /// The route.
    pub route: String,
    /// Where it was.
    pub from: TargetRow,
    /// Where it is; equal to `from` where only the latch, or only the file's note, changed.
    pub to: TargetRow,
    /// What happened to its latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latch: Option<LatchName>,
}

/// What happened to a latch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LatchName {
    /// It was put on, or got another cause.
    Held,
    /// It was taken off.
    Released,
}

/// A route to which nothing happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedRow {
    /// The route.
    pub route: String,
    /// Why.
    pub why: String,
}

/// What happened before, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryAnswer {
    /// The revisions.
    pub revisions: Vec<RevisionRow>,
    /// Value of `before` for the next page; absent: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionRow {
    /// Its number.
    pub revision: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who: a token's name, or `file`, `legacy-all`, `cutover`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What set it off: `file`, `operator`, `kill_switch`, `guard`, `recovery`,
    /// `alert`.
    pub trigger: String,
    /// A phase was skipped on request.
    pub forced: bool,
    /// Hash of the configuration accepted with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
    /// Routes that came into the files with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Routes that went from the files with it: the default upstream serves their requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// What it did; empty where only the configuration changed.
    pub routes: Vec<MovedRow>,
}
