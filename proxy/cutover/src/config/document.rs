//! What the files may contain: the serialisable twin of every configuration.
//!
//! The JSON Schema comes from these types, and their comments are its descriptions. Values are
//! only shaped here; whether a template, a host or a file is any good is judged in `convert`.

mod gates;
mod group;
mod journey;
mod listener;
mod process;
mod route;
mod shadow;
mod telemetry;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use gates::{Approval, Day, Gate, GateSettings, Gates, Schedule};
pub use group::{Attributes, Cohort, Group, Sync};
pub use journey::{Journey, JourneyEnd, RouteIds};
pub use listener::{
    ClientAuth, Http2Mode, Limits, Listener, ListenerTimeouts, ListenerTls, Protocol,
};
pub use process::{
    Admin, AdminTls, Algorithm, Forwarded, Jwt, Server, ServerLimits, ServerTimeouts, Store,
};
pub use route::{
    HeaderValue, Latency, Match, OneOrMany, Phase, Route, Slo, Timeouts, Upstream, UpstreamTls,
    Writes,
};
pub use shadow::{Credentials, Noise, Rule, Shadow, Tolerate};
pub use telemetry::{Log, LogFormat, LogLevel, Telemetry, Trace, Trust};

/// The process file, `cutover.toml`: where to listen, where to keep state, what to tell, and
/// which team files to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessFile {
    /// Team files to read: paths or patterns (`*`, `?`) relative to this file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// OpenSLO files with objectives that are no route's own: paths or patterns relative to this
    /// file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slos: Vec<String>,
    /// Name of the upstream that serves whatever matches no route: the monolith.
    pub default: String,
    /// The process as a whole.
    #[serde(default)]
    pub server: Server,
    /// Where revisions are recorded.
    #[serde(default)]
    pub store: Store,
    /// The admin API, console and metrics.
    #[serde(default)]
    pub admin: Admin,
    /// Traces, metrics and logs.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// How all routes are judged.
    #[serde(default)]
    pub gates: GateSettings,
    /// How bearer tokens that name subjects are verified. Without it no `jwt:` source works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    /// Addresses to listen on. At least one.
    #[serde(default)]
    pub listener: Vec<Listener>,
    /// Servers that requests are sent to, by name.
    #[serde(default)]
    pub upstream: BTreeMap<String, Upstream>,
    /// Routes that move together, by id.
    #[serde(default)]
    pub group: BTreeMap<String, Group>,
    /// The routes, in any order: rank, not order, decides.
    #[serde(default)]
    pub route: Vec<Route>,
    /// What users are promised across requests, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub journey: BTreeMap<String, Journey>,
}

/// A team's file: its routes, their groups, and the services they move to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamFile {
    /// Servers that requests are sent to, by name.
    #[serde(default)]
    pub upstream: BTreeMap<String, Upstream>,
    /// Routes that move together, by id.
    #[serde(default)]
    pub group: BTreeMap<String, Group>,
    /// The routes, in any order: rank, not order, decides.
    #[serde(default)]
    pub route: Vec<Route>,
    /// What users are promised across requests, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub journey: BTreeMap<String, Journey>,
}
