//! Gates: what they say of a route, what they did, and how ready a route is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TargetRow;

/// What the gates of a route say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateAnswer {
    /// The route.
    pub route: String,
    /// Its phase and share.
    pub at: TargetRow,
    /// Its last revision.
    pub revision: u64,
    /// Whether it may take the next step.
    pub verdict: GateVerdict,
    /// The same in one sentence.
    pub words: String,
    /// It goes forward by itself.
    pub automatic: bool,
    /// What was seen when it was last looked at; absent: it has neither objectives nor gates, or
    /// was not looked at yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<LookRow>,
    /// Its latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldRow>,
}

/// Whether a route may take the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// It may.
    Pass,
    /// Not yet: something is missing that time or traffic may bring.
    Waiting,
    /// No: a gate fails, or the route is held.
    Fail,
}

/// A route at one look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookRow {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Every gate.
    pub gates: Vec<GateAnswerRow>,
    /// The next step forward; absent: there is none without an approver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TargetRow>,
    /// What stands in its way; empty: nothing.
    pub obstacles: Vec<ObstacleRow>,
    /// How much of the present step is done.
    pub dwelt: DweltRow,
    /// Since when a gate has been in error, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_since_ms: Option<u64>,
    /// A gate has been in error for too long: nobody sees what the route does.
    pub blind: bool,
    /// What the gates ask for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalRow>,
    /// The candidate's build, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// What one gate says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateAnswerRow {
    /// Its name.
    pub gate: String,
    /// A step forward waits for it.
    pub required: bool,
    /// `pass`, `fail`, `inconclusive`, `error`.
    pub outcome: String,
    /// With `inconclusive`: the reason; with `error`: the source; with `fail`: the reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong, or what is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactRow>,
}

/// One thing that a gate's answer rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactRow {
    /// What it is.
    pub name: String,
    /// How much, with its unit.
    pub value: String,
    /// What it may be at most or must be at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The value as a plain number: a fraction for shares, milliseconds for times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
}

/// One thing that stands in the way of a step forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObstacleRow {
    /// `held`, `taken_back`, `gate`, `silent`, `dwell`, `blind`.
    pub code: String,
    /// Which gate, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// The same in words.
    pub why: String,
}

/// How much of a step's dwell is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DweltRow {
    /// Time in which every gate passed, in milliseconds.
    pub passed_ms: u64,
    /// How much of it is needed.
    pub needed_ms: u64,
    /// Requests to new.
    pub requests: u64,
    /// How many are needed.
    pub needed_requests: u64,
}

/// What gates ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalRow {
    /// `advance`, `freeze`, `step_back`, `safe_phase`, `release`.
    pub step: String,
    /// Where to; absent: the route stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRow>,
    /// Which gate asks; absent: none alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// Why.
    pub why: String,
}

/// A latch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldRow {
    /// Who or what held the route, and why.
    pub cause: String,
    /// The candidate's build for which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// When it was put on, in milliseconds since 1970; absent: the store cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Gates put it on.
    pub by_gates: bool,
    /// When gates latched the route, within 24 hours, in milliseconds since 1970, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollbacks_ms: Vec<u64>,
    /// Who has asked for its release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
}

/// How fast budgets burn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SloAnswer {
    /// When they were last looked at, in milliseconds since 1970; 0: not yet.
    pub at_ms: u64,
    /// Each objective of each route, for its users and for each side.
    pub objectives: Vec<SloRow>,
}

/// One objective for one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SloRow {
    /// The route.
    pub route: String,
    /// `availability` or `latency`.
    pub indicator: String,
    /// `users` (a request that legacy rescued is good), `legacy`, or `new` (it is bad).
    pub whose: String,
    /// Share of requests that is to be good, in percent.
    pub target: f64,
    /// Share of the budget of 30 days that is left, below 0 where it is overspent: by what was seen
    /// since the process started, as if all of the time had been like it.
    pub budget_left: f64,
    /// Windows, shortest first; the last is that of the budget.
    pub windows: Vec<BurnRow>,
}

/// How fast a budget burns over one window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BurnRow {
    /// Its length in milliseconds, as `[gates] windows_scale` makes it.
    pub length_ms: u64,
    /// How much of it was seen, 0 to 1.
    pub seen: f64,
    /// Requests.
    pub requests: u64,
    /// Bad ones.
    pub bad: u64,
    /// Times the budget: at 1 it lasts 30 days.
    pub burn: f64,
    /// Times the budget that are too much over this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

/// How ready a route is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadinessAnswer {
    /// The route.
    pub route: String,
    /// Every check that applies is met.
    pub ready: bool,
    /// Share of the checks that apply which are met, 0 to 1.
    pub score: f64,
    /// Each check.
    pub checks: Vec<ReadinessRow>,
}

/// One check of readiness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadinessRow {
    /// What is checked.
    pub check: String,
    /// How it stands.
    pub state: ReadinessState,
    /// What was found, or what to do.
    pub words: String,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessState {
    /// It is met.
    Met,
    /// It is not.
    Unmet,
    /// It was met, too long ago.
    Stale,
    /// It says nothing about this route.
    NotApplicable,
}

/// Decisions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditAnswer {
    /// The records.
    pub decisions: Vec<DecisionRow>,
    /// Value of `before` for the next page; absent: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// One record of the chain of decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRow {
    /// Its number.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The route.
    pub route: String,
    /// `outcome`, `step`, `stay`, `override`, `release`, `rehearsal`.
    pub kind: String,
    /// Who: a token's name, or `guard`.
    pub actor: String,
    /// All of it.
    pub document: serde_json::Value,
    /// The chain's hash up to and with it, in hexadecimal.
    pub hash: String,
}

/// Whether the chain of decisions holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyAnswer {
    /// It does.
    pub sound: bool,
    /// Records that hold: all of them, or those before the first that does not.
    pub records: u64,
    /// Hash of the last of those, in hexadecimal; worth noting elsewhere.
    pub head: String,
    /// The first record that does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<BrokenRow>,
}

/// The first record that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenRow {
    /// Its number.
    pub seq: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Asks for a rehearsal: a small cohort there and back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RehearseBody {
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// The cohort's share in percent, at most two decimals, at most 5.
    pub percent: f64,
    /// How long new serves it, in seconds: 1 to 60.
    pub seconds: u64,
}

/// How a rehearsal went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalAnswer {
    /// The route.
    pub route: String,
    /// The cohort's share in percent.
    pub percent: f64,
    /// The revision that sent it there.
    pub there: u64,
    /// The revision that brought it back.
    pub back: u64,
    /// Requests that new was chosen for meanwhile.
    pub requests: u64,
    /// Of them, those that it failed.
    pub bad: u64,
    /// From the decision to go back until the data plane had it in force, in milliseconds.
    pub effective_ms: f64,
    /// From the decision to go back until the last request on new ended, in milliseconds: requests
    /// under way may finish. Absent: none was under way, or none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request_ms: Option<f64>,
}
