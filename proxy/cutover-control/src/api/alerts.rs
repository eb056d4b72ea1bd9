//! Alerts that Alertmanager delivers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alertmanager's webhook, version 4, as far as it matters here; the rest is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertsBody {
    /// `4`.
    pub version: String,
    /// At most 1,000.
    pub alerts: Vec<AlertBody>,
}

/// One alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertBody {
    /// `firing` or `resolved`.
    pub status: String,
    /// `alertname`, `severity`, `cutover_route`, `cutover_side` and others.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What people read.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    pub starts_at: String,
    /// What tells it from others.
    pub fingerprint: String,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertsAnswer {
    /// What became of each alert, in their order.
    pub alerts: Vec<AlertRow>,
}

/// What became of one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRow {
    /// Which.
    pub fingerprint: String,
    /// The route that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What was done.
    pub outcome: AlertOutcome,
}

/// Alerts that were delivered lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceivedAnswer {
    /// When this was asked, in milliseconds since 1970.
    pub at_ms: u64,
    /// The newest 200 that this process was given, those last heard of first.
    pub alerts: Vec<ReceivedRow>,
}

/// One alert that was delivered, perhaps again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceivedRow {
    /// What tells it from others, as Alertmanager says it.
    pub fingerprint: String,
    /// When it began, as Alertmanager says it.
    pub starts_at: String,
    /// `alertname`; empty: it has none.
    pub name: String,
    /// `page` or `ticket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The route that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The side that it names: `legacy`, `new` or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Its other labels; the first 20.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it says, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// It fires, as far as is known.
    pub firing: bool,
    /// When it was delivered first, in milliseconds since 1970.
    pub first_ms: u64,
    /// When it was delivered last, in milliseconds since 1970.
    pub last_ms: u64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// What was done about it. `None`: its route could not be taken back yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AlertOutcome>,
    /// The runbook for it, if this version has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

/// What was done about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertOutcome {
    /// Its route went back to its safe phase.
    RolledBack,
    /// Its route was there already.
    NothingToDo,
    /// Its route is retired: legacy's data is out of date, and there is no way back.
    Retired,
    /// It acted before.
    SeenBefore,
    /// It does not fire any more.
    Over,
    /// Its severity is not `page`.
    NoPage,
    /// It names no route.
    NoRoute,
    /// It names a route that is not declared.
    UnknownRoute,
    /// Its route does not let pages roll it back.
    NotAsked,
    /// It is legacy that fails.
    LegacyFails,
}

// === impl AlertBody ===

impl AlertBody {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

// === impl AlertOutcome ===

impl AlertOutcome {
    /// Every outcome.
    pub const ALL: [AlertOutcome; 10] = [
        AlertOutcome::RolledBack,
        AlertOutcome::NothingToDo,
        AlertOutcome::Retired,
        AlertOutcome::SeenBefore,
        AlertOutcome::Over,
        AlertOutcome::NoPage,
        AlertOutcome::NoRoute,
        AlertOutcome::UnknownRoute,
        AlertOutcome::NotAsked,
        AlertOutcome::LegacyFails,
    ];

    /// The name used in the API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            AlertOutcome::RolledBack => "rolled_back",
            AlertOutcome::NothingToDo => "nothing_to_do",
            AlertOutcome::Retired => "retired",
            AlertOutcome::SeenBefore => "seen_before",
            AlertOutcome::Over => "over",
            AlertOutcome::NoPage => "no_page",
            AlertOutcome::NoRoute => "no_route",
            AlertOutcome::UnknownRoute => "unknown_route",
            AlertOutcome::NotAsked => "not_asked",
            AlertOutcome::LegacyFails => "legacy_fails",
        }
    }

    /// The same for people.
    pub const fn told(self) -> &'static str {
        match self {
            AlertOutcome::RolledBack => "rolled back",
            AlertOutcome::NothingToDo => "nothing: the route was in its safe phase",
            AlertOutcome::Retired => "nothing: the route is retired, and has no way back by itself",
            AlertOutcome::SeenBefore => "nothing: it acted before",
            AlertOutcome::Over => "nothing: it was over",
            AlertOutcome::NoPage => "nothing: it is no page",
            AlertOutcome::NoRoute => "nothing: it names no route",
            AlertOutcome::UnknownRoute => "nothing: its route is not declared",
            AlertOutcome::NotAsked => "nothing: the route does not ask for it",
            AlertOutcome::LegacyFails => "nothing: it is legacy that fails",
        }
    }
}
