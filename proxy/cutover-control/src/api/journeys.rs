//! What became of promises across requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every journey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneysAnswer {
    /// The time of this answer, in milliseconds since 1970.
    pub at_ms: u64,
    /// Every declared journey, by name.
    pub journeys: Vec<JourneyRow>,
}

/// One journey. Counts are those since the process started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyRow {
    /// Its name.
    pub name: String,
    /// The routes whose accepted changes begin it.
    pub starts: Vec<String>,
    /// The routes whose reads end it.
    pub ends: Vec<String>,
    /// What both have in common: `path:id`, `answer:etag`.
    pub correlate: Vec<String>,
    /// How soon readers are to be shown a change, in milliseconds.
    pub within_ms: u64,
    /// When a change that was not shown is given up, in milliseconds.
    pub lost_ms: u64,
    /// Share that is to keep the promise, 0 to 1.
    pub target: f64,
    /// Changes that legacy accepted.
    pub legacy: JourneySideRow,
    /// Changes that new accepted.
    pub new: JourneySideRow,
    /// Requests that could not be followed, by reason; absent: all could.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
}

/// What became of the changes that one side accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneySideRow {
    /// Shown in time.
    pub good: u64,
    /// Shown, but not in time.
    pub late: u64,
    /// Looked for, and not shown.
    pub lost: u64,
    /// Nobody looked when it counted: no part of `kept`.
    pub unseen: u64,
    /// Under way.
    pub open: u64,
    /// Share of good ones among good, late and lost ones, 0 to 1; absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<f64>,
    /// Median of the time until a change was first shown, in milliseconds; absent: none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// Its 95th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
}
