//! W3C Trace Context, level 2: reading, making and writing `traceparent` and
//! `tracestate`.
//!
//! Source: <https://www.w3.org/TR/trace-context-2/>. What is refused: several
//! `traceparent` headers, upper-case digits, all-zero ids, version `ff`, a
//! version 00 of another length. A refused `traceparent` takes its
//! `tracestate` with it.
//!
//! We add no `tracestate` entry of our own: everything a later hop needs is in
//! `traceparent`, and leaving the list alone keeps its order (and `ot=`) as the
//! sender meant it.

mod ids;
mod parse;
mod state;

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) use ids::random_u128;
pub use ids::{SpanId, TraceId};

/// The header that names trace, parent span and flags.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with the tracing systems' own entries.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The header by which we may tell the client its trace (W3C editor's draft).
pub const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Where one operation stands in one trace: what `traceparent` and
/// `tracestate` carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace. Never zero.
    pub trace_id: TraceId,
    /// The operation that sends this context. Never zero.
    pub span_id: SpanId,
    /// Sampled and random.
    pub flags: Flags,
    /// The `tracestate` to send on, at most 1024 bytes; `None`: none.
    pub state: Option<HeaderValue>,
}

/// The two trace flags of level 2. Unknown bits are dropped when read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

/// What a request's headers say about its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// No `traceparent`.
    Absent,
    /// A `traceparent` that must not be continued. Its `tracestate` is void.
    Invalid,
    /// A context to continue or to link to. Its `span_id` is the sender's.
    Valid(TraceContext),
}

/// Which headers of ours a request carries, found in one pass over all: cheaper
/// than looking up each, since most requests carry none.
pub(crate) struct Carried<'a> {
    headers: &'a HeaderMap,
    parent: Option<&'a HeaderValue>,
    has_several_parents: bool,
    /// There is a `tracestate`.
    pub(crate) has_state: bool,
    /// There is `baggage`.
    pub(crate) has_baggage: bool,
    /// There is `cutover-trace: 1`.
    pub(crate) asks_for_trace: bool,
}

/// Reads the context a request came with.
///
/// `tracestate` headers are joined in order and checked; a list that breaks the
/// grammar or has more than 32 members is dropped as a whole, the trace goes on.
pub fn extract(headers: &HeaderMap) -> Extracted {
    Carried::find(headers).extract()
}

/// Takes every trace header off a request, so that none passes by mistake.
pub fn remove(headers: &mut HeaderMap) {
    headers.remove(TRACEPARENT);
    headers.remove(TRACESTATE);
}

// === impl Carried ===

impl<'a> Carried<'a> {
    pub(crate) fn find(headers: &'a HeaderMap) -> Self {
        let mut carried = Self {
            headers,
            parent: None,
            has_several_parents: false,
            has_state: false,
            has_baggage: false,
            asks_for_trace: false,
        };
        for (name, value) in headers {
            match name.as_str() {
                "traceparent" => {
                    carried.has_several_parents = carried.parent.is_some();
                    carried.parent = Some(value);
                }
                "tracestate" => carried.has_state = true,
                "baggage" => carried.has_baggage = true,
                "cutover-trace" => carried.asks_for_trace = value == "1",
                _ => {}
            }
        }
        carried
    }

    pub(crate) fn extract(&self) -> Extracted {
        let Some(parent) = self.parent else {
            return Extracted::Absent;
        };
        if self.has_several_parents {
            return Extracted::Invalid;
        }
        let Some((trace_id, span_id, flags)) = parse::traceparent(parent.as_bytes()) else {
            return Extracted::Invalid;
        };
        let state =
            if self.has_state { state::combine(self.headers.get_all(TRACESTATE)) } else { None };
        Extracted::Valid(TraceContext { trace_id, span_id, flags, state })
    }
}

// === impl TraceContext ===

impl TraceContext {
    /// Starts a trace with ids of our own making: random flag set, no state.
    #[must_use]
    pub fn new_root(sampled: bool) -> Self {
        let (trace_id, span_id) = ids::root();
        Self { trace_id, span_id, flags: Flags::RANDOM.with_sampled(sampled), state: None }
    }

    /// Reads a `traceresponse`.
    pub(crate) fn read(value: &HeaderValue) -> Option<(TraceId, Flags)> {
        parse::traceparent(value.as_bytes()).map(|(trace_id, _, flags)| (trace_id, flags))
    }

    /// Starts the trace of this name, which is random, with a span id of our own.
    #[must_use]
    pub(crate) fn root_of(trace_id: TraceId, sampled: bool) -> Self {
        let flags = Flags::RANDOM.with_sampled(sampled);
        Self { trace_id, span_id: SpanId::random(), flags, state: None }
    }

    /// The context of a new operation below this one: same trace, flags and
    /// state, a new span id.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: SpanId::random(), ..self.clone() }
    }

    /// An id for another trace that will link to this one. If this one's id is
    /// declared random, the other has the same random bits: a sampler that goes
    /// by a ratio keeps both or neither, so links lead somewhere.
    #[must_use]
    pub fn linked(&self) -> TraceId {
        match self.flags.is_random() {
            true => self.trace_id.alike(),
            false => ids::root().0,
        }
    }

    /// Writes the context into the headers of an outgoing request, replacing
    /// whatever trace headers were there.
    pub fn inject(&self, headers: &mut HeaderMap) {
        self.inject_over(headers, true);
    }

    /// As [`Self::inject`]; without `has_state` there is no `tracestate` to
    /// replace.
    pub(crate) fn inject_over(&self, headers: &mut HeaderMap, has_state: bool) {
        headers.insert(TRACEPARENT, self.traceparent());
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        } else if has_state {
            headers.remove(TRACESTATE);
        }
    }

    /// The value of `traceparent`, version 00.
    #[must_use]
    pub fn traceparent(&self) -> HeaderValue {
        let text = parse::format(self.trace_id, self.span_id, self.flags);
        HeaderValue::from_bytes(&text).expect("hex digits and dashes are a header value")
    }

    /// The value of `traceresponse`, for a client that wants to find its trace.
    /// Same form as [`Self::traceparent`].
    #[must_use]
    pub fn traceresponse(&self) -> HeaderValue {
        self.traceparent()
    }

    /// The value of a `Server-Timing` header that shows the trace in a
    /// browser's developer tools.
    #[must_use]
    pub fn server_timing(&self) -> HeaderValue {
        let mut text = Vec::with_capacity(80);
        text.extend_from_slice(b"traceparent;desc=\"");
        text.extend_from_slice(&parse::format(self.trace_id, self.span_id, self.flags));
        text.push(b'"');
        HeaderValue::from_bytes(&text).expect("hex digits in quotes are a header value")
    }

    /// Whether spans of this trace are recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }
}

/// The `traceparent` form.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = parse::format(self.trace_id, self.span_id, self.flags);
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

// === impl Flags ===

impl Flags {
    /// No flag set.
    pub const NONE: Self = Self(0);
    /// The sender may have recorded the trace.
    pub const SAMPLED: Self = Self(0b01);
    /// At least the low 56 bits of the trace id are random.
    pub const RANDOM: Self = Self(0b10);

    /// Keeps the known bits of a flags byte.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 0b11)
    }

    /// The flags byte.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether the trace is recorded.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether the trace id is declared random.
    #[must_use]
    pub fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// The same flags with the sampled bit as given.
    #[must_use]
    pub fn with_sampled(self, sampled: bool) -> Self {
        Self(self.0 & !Self::SAMPLED.0 | u8::from(sampled))
    }
}

#[cfg(test)]
mod tests;
