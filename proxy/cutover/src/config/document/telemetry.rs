//! `[telemetry]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traces, metrics and logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// OTLP receiver (http/protobuf), like `http://127.0.0.1:4318`. Empty: none.
    pub otlp: String,
    /// Headers of every export, like an API key; values are references, `file:PATH` or
    /// `env:NAME`.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub otlp_headers: std::collections::BTreeMap<String, String>,
    /// PEM authorities that an https receiver must chain to. Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_ca: Option<std::path::PathBuf>,
    /// Share of traces begun here that are recorded, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// Deployment environment, like `production`; names the process in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whose trace context is continued.
    pub trace: Trace,
    /// Log lines.
    pub log: Log,
    /// Query keys whose values traces may show; all others are replaced by `REDACTED`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_query: Vec<String>,
}

/// Whose trace context is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trace {
    /// Who may make us continue their traces.
    pub trust: Trust,
    /// Networks trusted with `trust = "cidr"`, like `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<String>,
    /// Answer with `traceresponse` and `Server-Timing`.
    pub respond: bool,
}

/// Who may make us continue their traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Nobody; right on the open Internet.
    #[default]
    Never,
    /// Peers in `cidrs`.
    Cidr,
    /// Everybody; right behind an edge of one's own.
    Always,
}

/// Log lines, on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Form of a line.
    pub format: LogFormat,
    /// The least that is logged.
    pub level: LogLevel,
    /// Share of requests without error that leave a canonical line, 0 to 1; errors always do.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub canonical_ratio: f64,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people at a terminal.
    Text,
}

/// The least that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// And what may fail soon.
    Warn,
    /// And what changed.
    #[default]
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

// === impl Telemetry ===

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            otlp: String::new(),
            otlp_headers: Default::default(),
            otlp_ca: None,
            sample_ratio: 0.05,
            environment: None,
            trace: Trace::default(),
            log: Log::default(),
            keep_query: Vec::new(),
        }
    }
}

// === impl Log ===

impl Default for Log {
    fn default() -> Log {
        Log { format: LogFormat::default(), level: LogLevel::default(), canonical_ratio: 0.01 }
    }
}

// === impl LogLevel ===

impl LogLevel {
    /// The level's name.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}
