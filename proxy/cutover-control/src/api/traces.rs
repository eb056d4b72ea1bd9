//! Traces that were kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The newest traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TracesAnswer {
    /// When this was asked, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether traces are recorded: `false` where no receiver is configured.
    pub recording: bool,
    /// The newest first; those of the last seconds come a little later.
    pub traces: Vec<TraceRow>,
}

/// One trace, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceAnswer {
    /// What it is about.
    pub trace: TraceRow,
    /// Its spans, each behind the one above it.
    pub spans: Vec<SpanRow>,
    /// Later spans were left out.
    pub cut: bool,
}

/// One trace in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceRow {
    /// 32 hex digits.
    pub trace_id: String,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its first span's name: `GET /api/v1/devices/{id}`.
    pub name: String,
    /// It is of a copy; else of a user's request.
    pub copy: bool,
    /// The route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The side that was chosen; of a copy: that got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// What came of it: a status and what failed; of a copy the verdict.
    pub outcome: String,
    /// It failed, or differed.
    pub bad: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Why it was kept: `error`, `slow`, `ratio` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Traces that it names: a request that of its copy, and the reverse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<String>,
}

/// One span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpanRow {
    /// 16 hex digits.
    pub span_id: String,
    /// The span above it, perhaps of another process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How many spans of this trace are above it.
    pub depth: usize,
    /// Its name.
    pub name: String,
    /// `server`, `client` or `internal`.
    pub kind: String,
    /// When it began, in milliseconds since the trace did.
    pub start_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// It failed.
    pub error: bool,
    /// Key and value, in the order of the span.
    pub attributes: Vec<(String, String)>,
}

// === impl SpanRow ===

impl SpanRow {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}
