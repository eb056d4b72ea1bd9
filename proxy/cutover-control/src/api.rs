//! The JSON of the admin API, as types: served by [`crate::AdminServer`], read by the command
//! line, described by `openapi.json`. A contract: fields are added, never changed.

use cutover_domain::{Percent, Phase, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod alerts;
mod config;
mod diffs;
mod gates;
mod journeys;
mod moves;
mod parity;
mod samples;
mod status;
mod traces;

pub use alerts::*;
pub use config::*;
pub use diffs::*;
pub use gates::*;
pub use journeys::*;
pub use moves::*;
pub use parity::*;
pub use samples::*;
pub use status::*;
pub use traces::*;

use crate::{loader::Diagnostic, token::Role};

/// Value of `api_version` in every answer.
pub const API_VERSION: &str = "cutover.dev/v1";

/// Every answer is an object with `api_version` beside its own fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}")]
pub struct Versioned<T> {
    /// `cutover.dev/v1`.
    pub api_version: String,
    /// The answer itself.
    #[serde(flatten)]
    pub body: T,
}

/// Something did not happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What and why.
    pub error: ErrorBody,
}

/// What did not happen, why, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// Stable name: `cutover explain --code CODE`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// Which part of the request, the configuration or the proxy it is about.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Mistakes in configuration files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// With `stale_revision`: where the routes concerned are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub present: Vec<PresentRow>,
}

/// Where a route is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresentRow {
    /// The route.
    pub route: String,
    /// Its phase and share.
    #[serde(flatten)]
    pub at: TargetRow,
    /// Its last revision.
    pub revision: u64,
    /// Cause of its latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// How far a route has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// Legacy serves everyone; new receives nothing.
    Legacy,
    /// Legacy serves everyone; new receives copies.
    Shadow,
    /// New serves the cohort.
    Canary,
    /// New serves everyone; legacy stands ready.
    Live,
    /// Legacy is never called again.
    Retired,
}

/// A phase, with its share in `canary`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRow {
    /// The phase.
    pub phase: PhaseName,
    /// The cohort's share in percent, 0.01 to 100; only in `canary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
}

/// One side of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SideName {
    /// The monolith.
    Legacy,
    /// The service that takes over.
    New,
}

/// Asks for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// Unique; the actor of what is done with it: 1 to 64 of `a-z 0-9 - _ .`.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How long it works, in seconds: 60 to 31,622,400. Default 90 days.
    #[serde(default)]
    pub ttl_seconds: Option<u64>,
}

/// A new token. Its text is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenAnswer {
    /// Its text.
    pub token: String,
    /// The rest.
    #[serde(flatten)]
    pub row: TokenRow,
}

/// Every token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokensAnswer {
    /// By name.
    pub tokens: Vec<TokenRow>,
}

/// A token without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// What it may do; a role of a newer release is shown, and grants nothing.
    pub role: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it stops working, in milliseconds since 1970; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// It has stopped working.
    pub expired: bool,
}

/// A token is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedAnswer {
    /// Its name.
    pub removed: String,
}

/// The process is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveAnswer {
    /// Always `true`.
    pub live: bool,
}

/// Whether requests may be sent here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyAnswer {
    /// Every check holds that must.
    pub ready: bool,
    /// It serves by its last good state; nothing moves forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<ErrorBody>,
    /// Each check.
    pub checks: Vec<CheckRow>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRow {
    /// `config`, `listeners`, `store`, `table`, `state_file`, `draining`.
    pub name: String,
    /// It holds.
    pub ok: bool,
    /// Without it the proxy is not ready.
    pub required: bool,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

// === impl Versioned ===

impl<T> Versioned<T> {
    /// `body` in this version.
    pub fn new(body: T) -> Versioned<T> {
        Versioned { api_version: API_VERSION.into(), body }
    }
}

// === impl PhaseName ===

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> PhaseName {
        match phase {
            Phase::Legacy => PhaseName::Legacy,
            Phase::Shadow => PhaseName::Shadow,
            Phase::Canary => PhaseName::Canary,
            Phase::Live => PhaseName::Live,
            Phase::Retired => PhaseName::Retired,
        }
    }
}

impl From<PhaseName> for Phase {
    fn from(phase: PhaseName) -> Phase {
        match phase {
            PhaseName::Legacy => Phase::Legacy,
            PhaseName::Shadow => Phase::Shadow,
            PhaseName::Canary => Phase::Canary,
            PhaseName::Live => Phase::Live,
            PhaseName::Retired => Phase::Retired,
        }
    }
}

// === impl TargetRow ===

impl From<Target> for TargetRow {
    fn from(target: Target) -> TargetRow {
        let percent = (target.percent != Percent::ZERO).then(|| target.percent.as_f64());
        TargetRow { phase: target.phase.into(), percent }
    }
}

// === impl SideName ===

impl From<cutover_domain::Side> for SideName {
    fn from(side: cutover_domain::Side) -> SideName {
        match side {
            cutover_domain::Side::Legacy => SideName::Legacy,
            cutover_domain::Side::New => SideName::New,
        }
    }
}
