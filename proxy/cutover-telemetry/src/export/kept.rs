//! The newest traces that were kept, for whoever looks at this process instead of a receiver.
//!
//! The exporting thread puts in what it has just encoded, so that exactly what leaves the process
//! can be seen here, and no request ever meets this lock. Memory is bounded by a count of traces
//! and by bytes. The oldest of what there is most of goes first, so that a route which always
//! differs does not drive out the one failure of another.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, span::Link};
use prost::Message;

use crate::context::{SpanId, TraceId};
use crate::sampling::Reason;

/// Traces that are kept.
const TRACES_MAX: usize = 256;
/// Bytes of all of them, encoded.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one of them; what comes later is left out.
const TRACE_BYTES_MAX: usize = 128 * 1024;
/// Of a request's own span: whose it was is nobody's business who looks for what became of it.
const PERSONAL: [&str; 4] =
    ["client.address", "network.peer.address", "network.peer.port", "user_agent.original"];
/// OTLP's `SPAN_KIND_SERVER`.
const KIND_SERVER: i32 = 2;
/// OTLP's `STATUS_CODE_ERROR`.
const CODE_ERROR: i32 = 2;

/// The newest traces that were kept. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct KeptTraces(Arc<Mutex<Ring>>);

/// One trace, as far as this process has recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTrace {
    /// What names it.
    pub trace_id: TraceId,
    /// Its spans, in the order of their recording; a request's or copy's first span before those
    /// below it.
    pub spans: Vec<KeptSpan>,
    /// There were more spans than one trace may have here.
    pub is_cut: bool,
}

/// One span, as it was exported, without who the client was.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSpan {
    /// What names it within its trace.
    pub span_id: SpanId,
    /// The span above it, perhaps of another process.
    pub parent: Option<SpanId>,
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
    /// Its attributes as text, in their order.
    pub attributes: Vec<(String, String)>,
    /// Traces that it links to, and what they are to it: `shadow_of`.
    pub links: Vec<(TraceId, String)>,
}

/// What is alike: traces of one route, kept for one reason. Two kinds that share a hash are taken
/// for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sort(u64);

#[derive(Debug, Default)]
struct Ring {
    /// The newest behind.
    traces: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    trace_id: TraceId,
    sort: Sort,
    /// Fields `spans` of `ScopeSpans`, as they are sent.
    encoded: Vec<Arc<[u8]>>,
    bytes: usize,
    is_cut: bool,
}

// === impl KeptTraces ===

impl KeptTraces {
    /// Takes spans of a trace, encoded as fields of a `ScopeSpans`.
    pub(super) fn push(&self, trace_id: TraceId, sort: Sort, encoded: &[u8]) {
        let mut ring = self.ring();
        ring.push(trace_id, sort, encoded);
    }

    /// All of them, the newest first.
    #[must_use]
    pub fn newest(&self) -> Vec<KeptTrace> {
        let entries: Vec<Entry> = self.ring().traces.iter().rev().cloned().collect();
        entries.iter().map(Entry::decoded).collect()
    }

    /// One of them; `None`: it was not kept, is not recorded yet, or made room for others.
    #[must_use]
    pub fn find(&self, trace_id: TraceId) -> Option<KeptTrace> {
        let entry = self.ring().traces.iter().find(|entry| entry.trace_id == trace_id).cloned();
        entry.as_ref().map(Entry::decoded)
    }

    /// A thread that panicked while it held the lock left whole entries behind.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Sort ===

impl Sort {
    /// Traces of a route, by its id, that were kept for a reason.
    pub(super) fn of(route: Option<&str>, reason: Reason) -> Sort {
        let mut hasher = DefaultHasher::new();
        (route, reason.as_str()).hash(&mut hasher);
        Sort(hasher.finish())
    }
}

// === impl Ring ===

impl Ring {
    fn push(&mut self, trace_id: TraceId, sort: Sort, encoded: &[u8]) {
        let known = self.traces.iter_mut().rev().find(|entry| entry.trace_id == trace_id);
        self.bytes += match known {
            Some(entry) => entry.add(encoded),
            None => {
                let mut entry =
                    Entry { trace_id, sort, encoded: Vec::new(), bytes: 0, is_cut: false };
                let bytes = entry.add(encoded);
                self.traces.push_back(entry);
                bytes
            }
        };
        while self.traces.len() > TRACES_MAX || self.bytes > BYTES_MAX {
            let Some(gone) = self.dispensable().and_then(|at| self.traces.remove(at)) else {
                break;
            };
            self.bytes -= gone.bytes;
        }
    }

    /// Where the oldest trace of the sort is that there is most of.
    fn dispensable(&self) -> Option<usize> {
        let mut counts: HashMap<Sort, usize> = HashMap::new();
        for entry in &self.traces {
            *counts.entry(entry.sort).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        self.traces.iter().position(|entry| counts[&entry.sort] == most)
    }
}

// === impl Entry ===

impl Entry {
    /// Bytes that were added.
    fn add(&mut self, encoded: &[u8]) -> usize {
        if self.bytes + encoded.len() > TRACE_BYTES_MAX {
            self.is_cut = true;
            return 0;
        }
        self.encoded.push(encoded.into());
        self.bytes += encoded.len();
        encoded.len()
    }

    fn decoded(&self) -> KeptTrace {
        // What we encoded ourselves can be read; if it could not, there would be nothing to show.
        let spans = self.encoded.iter().filter_map(|bytes| ScopeSpans::decode(&**bytes).ok());
        let spans = spans.flat_map(|scope| scope.spans).filter_map(KeptSpan::of);
        KeptTrace { trace_id: self.trace_id, spans: spans.collect(), is_cut: self.is_cut }
    }
}

// === impl KeptSpan ===

impl KeptSpan {
    fn of(span: Span) -> Option<KeptSpan> {
        let is_personal = |pair: &KeyValue| PERSONAL.contains(&pair.key.as_str());
        let shown = |pair: &KeyValue| span.kind != KIND_SERVER || !is_personal(pair);
        let attributes = span.attributes.into_iter().filter(shown);
        Some(KeptSpan {
            span_id: span_id(&span.span_id)?,
            parent: span_id(&span.parent_span_id),
            name: span.name,
            kind: match span.kind {
                KIND_SERVER => "server",
                3 => "client",
                _ => "internal",
            },
            start_nanos: span.start_time_unix_nano,
            end_nanos: span.end_time_unix_nano,
            is_error: span.status.is_some_and(|status| status.code == CODE_ERROR),
            attributes: attributes.map(|pair| (pair.key, text(pair.value))).collect(),
            links: span.links.into_iter().filter_map(link).collect(),
        })
    }
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    SpanId::new(u64::from_be_bytes(bytes.try_into().ok()?))
}

fn link(link: Link) -> Option<(TraceId, String)> {
    let trace_id = TraceId::new(u128::from_be_bytes(link.trace_id.as_slice().try_into().ok()?))?;
    let kind = link.attributes.into_iter().find(|pair| pair.key == "cutover.link.type");
    Some((trace_id, kind.map(|pair| text(pair.value)).unwrap_or_default()))
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::ArrayValue(array)) => {
            let texts: Vec<String> = array.values.into_iter().map(|it| text(Some(it))).collect();
            texts.join(", ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
