//! `[[route]]` and `[upstream.NAME]`.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    gates::Gates,
    shadow::{Noise, Rule, Shadow},
};

/// What a subject source looks like; names are judged in `convert`.
pub(super) const SOURCE_PATTERN: &str =
    "^(addr|cert:(cn|san)|mqtt:(client_id|username)|(jwt|cookie|header|path):.+)$";

/// The unit that moves: which requests, between which upstreams, how far it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "if" = { "properties": { "phase": { "const": "canary" } }, "required": ["phase"] },
    "then" = { "properties": { "percent": { "exclusiveMinimum": 0 } }, "required": ["percent"] },
    "else" = { "properties": { "percent": false } },
))]
pub struct Route {
    /// Unique, of `a-z`, `0-9` and `-`; used in metrics, logs and commands.
    pub id: String,
    /// Id of the group that it moves with.
    pub group: String,
    /// Which requests it is about.
    #[serde(rename = "match")]
    pub endpoint: Match,
    /// Name of the monolith's upstream. Default: the process's `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<String>,
    /// Name of the new service's upstream. Without it the route stays in `legacy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Where the route is wanted. A changed value is a new revision; an unchanged one never undoes
    /// an operator's move.
    #[serde(default)]
    pub phase: Phase,
    /// The cohort's share in `canary`, 0.01 to 100 with at most two decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    // Within `allOf`, which is for editors: `convert` judges shares, and says more. Decimals are
    // left to it: with binary fractions many a validator finds 0.07 no multiple of 0.01.
    #[schemars(extend("allOf" = [{ "minimum": 0, "maximum": 100 }]))]
    pub percent: Option<f64>,
    /// What its requests may change. Default: `safe` if every method is, else undeclared, which
    /// keeps the route in `legacy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Writes>,
    /// Time-outs that replace the upstreams' own.
    #[serde(default, skip_serializing_if = "Timeouts::is_unset")]
    pub timeouts: Timeouts,
    /// How requests are copied to the side that does not serve them, so that answers can be
    /// compared. Without it they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// How legacy's own noise is learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
    /// How answers may differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<Rule>,
    /// What its users may expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// What it must prove before new serves more of it. Without it nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
}

/// Which requests a route is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Methods. Default: any. `GET` also matches `HEAD`, unless another route names `HEAD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub methods: Vec<String>,
    /// Host without port, `*.` in front for any number of leading labels. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path template: literals, `{name}` for one segment, `{name...}` for the rest.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// Headers that must be there, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderValue>,
}

/// What a header must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HeaderValue {
    /// One of its fields has this value.
    Is(String),
    /// `true`: it is there, with any value.
    Present(bool),
}

/// One subject source or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(#[schemars(regex(pattern = SOURCE_PATTERN))] String),
    /// Several, in order.
    Many(#[schemars(inner(regex(pattern = SOURCE_PATTERN)))] Vec<String>),
}

/// How far a route has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Legacy serves everyone.
    #[default]
    Legacy,
    /// Legacy serves everyone; new receives copies.
    Shadow,
    /// New serves the cohort, legacy everyone else. Needs `percent`.
    Canary,
    /// New serves everyone; legacy stands ready.
    Live,
    /// New serves everyone; legacy is never called. No way back.
    Retired,
}

/// What a route's requests may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// Nothing: may be repeated, copied and answered by either side.
    Safe,
    /// Keyed: repeating it changes nothing more.
    Idempotent,
    /// The candidate computes the answer of a copy and rolls back.
    DryRun,
    /// The candidate's store is throw-away.
    Sandbox,
    /// Anything else: never copied, never repeated.
    Unsafe,
}

/// Time-outs of requests to an upstream, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Establishing a connection, TLS included. Default 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub connect_ms: Option<u32>,
    /// From sending the request to the first byte of the answer. Default 30000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub first_byte_ms: Option<u32>,
    /// Silence within a body. Default 30000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub idle_ms: Option<u32>,
}

/// What users may expect of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slo {
    /// Share of requests answered without server error, in percent, below 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<f64>,
    /// Share of requests answered fast enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// A page that Alertmanager delivers to `POST /api/v1/alerts` takes the route back to its safe
    /// phase. Only where legacy can serve everyone at any moment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rollback_on_page: bool,
}

/// Share of requests answered fast enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// In percent, below 100.
    pub target: f64,
    /// What counts as fast, in milliseconds; it becomes a bound of the latency histogram.
    #[schemars(range(min = 1, max = 60_000))]
    pub under_ms: u32,
}

/// A server that requests are sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `SCHEME://HOST[:PORT]`: http, https, h2c (HTTP/2 in cleartext), mqtt or mqtts.
    pub url: String,
    /// Its time-outs.
    #[serde(default, skip_serializing_if = "Timeouts::is_unset")]
    pub timeouts: Timeouts,
    /// Connections at once from this process, idle ones included.
    #[serde(default = "connections_max")]
    #[schemars(range(min = 1, max = 65_535))]
    pub connections_max: u32,
    /// Certificates, for `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<UpstreamTls>,
}

/// Certificates of a TLS upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamTls {
    /// PEM bundle of the authorities to trust. Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// PEM chain to present. Needs `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// PEM private key of `cert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Name to ask for and to verify. Default: the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

fn connections_max() -> u32 {
    1024
}

// === impl Timeouts ===

impl Timeouts {
    fn is_unset(&self) -> bool {
        *self == Timeouts::default()
    }
}
