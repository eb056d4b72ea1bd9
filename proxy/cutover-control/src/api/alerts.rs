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

/// What was done about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertOutcome {
    /// Its route went back to its safe phase.
    RolledBack,
    /// Its route was there already.
    NothingToDo,
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
    pub const ALL: [AlertOutcome; 9] = [
        AlertOutcome::RolledBack,
        AlertOutcome::NothingToDo,
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
            AlertOutcome::SeenBefore => "seen_before",
            AlertOutcome::Over => "over",
            AlertOutcome::NoPage => "no_page",
            AlertOutcome::NoRoute => "no_route",
            AlertOutcome::UnknownRoute => "unknown_route",
            AlertOutcome::NotAsked => "not_asked",
            AlertOutcome::LegacyFails => "legacy_fails",
        }
    }
}
