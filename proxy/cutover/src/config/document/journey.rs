//! `[journey.NAME]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What users are promised across requests: a change that was accepted is shown to its readers in
/// time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// Where it begins: accepted requests that change something, by any method but GET, HEAD,
    /// OPTIONS and TRACE. Every route that changes the state belongs here: what changes past them
    /// looks lost.
    pub start: JourneyEnd,
    /// Where it ends: GET and HEAD requests that show what was changed.
    pub end: JourneyEnd,
    /// What start and end have in common. What names the entity: `path:NAME` (a parameter of both
    /// routes' templates), `header:NAME` (of the request); what names its state: `answer:NAME`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(path|header|answer):.+$")))]
    pub correlate: Vec<String>,
    /// How soon readers are to be shown it, in milliseconds.
    #[schemars(range(min = 1, max = 600_000))]
    pub within_ms: u32,
    /// When it is given up, in milliseconds; more than `within_ms`.
    #[serde(default = "lost_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    pub lost_ms: u32,
    /// Share of journeys that are to keep the promise, in percent, below 100.
    pub target: f64,
}

/// The routes at one end of a journey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JourneyEnd {
    /// Id of the route, or ids of several.
    pub route: RouteIds,
}

/// One route or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RouteIds {
    /// One.
    One(String),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<String>),
}

fn lost_ms() -> u32 {
    30_000
}

// === impl RouteIds ===

impl RouteIds {
    /// Every id.
    pub fn as_slice(&self) -> &[String] {
        match self {
            RouteIds::One(id) => std::slice::from_ref(id),
            RouteIds::Many(ids) => ids,
        }
    }
}
