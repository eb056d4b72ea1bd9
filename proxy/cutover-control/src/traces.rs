//! What control asks of whoever records traces. Implemented by wiring.

/// The newest traces that were kept.
pub trait Traces: Send + Sync + 'static {
    /// All of them, the newest first: some hundreds at most.
    fn newest(&self) -> Vec<TraceSeen>;

    /// One of them, by its 32 hex digits; `None`: it was not kept, or made room for others.
    fn find(&self, id: &str) -> Option<TraceSeen>;
}

/// One trace, as far as this process recorded it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceSeen {
    /// 32 hex digits.
    pub trace_id: String,
    /// Each behind the one above it. Not empty.
    pub spans: Vec<SpanSeen>,
    /// Later spans were left out.
    pub is_cut: bool,
}

/// One span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanSeen {
    /// 16 hex digits.
    pub span_id: String,
    /// The span above it, perhaps of another process.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// `server`, `client` or `internal`.
    pub kind: &'static str,
    /// When it began, in nanoseconds since 1970.
    pub start_nanos: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end_nanos: u64,
    /// It failed.
    pub is_error: bool,
    /// Its attributes as text.
    pub attributes: Vec<(String, String)>,
    /// Traces that it links to, and what they are to it.
    pub links: Vec<(String, String)>,
}

// === impl SpanSeen ===

impl SpanSeen {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}
