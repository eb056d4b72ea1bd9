//! What waits in the queue: the owned facts of one kept request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode, Version};
use smallvec::SmallVec;

use super::parts::split_target;
use super::{ClientSpan, Decision, Redaction, RouteLabel, Scheme, ServerSpan, client, server};
use crate::context::{SpanId, TraceContext, TraceId};
use crate::sampling::Reason;
use crate::tracer::RequestTrace;
use crate::wire::Wire;

/// Longer texts are cut, so that the queue's memory is bounded.
pub(super) const TEXT_BYTES_MAX: usize = 1024;

/// A SERVER span and its CLIENT spans, not yet in OpenTelemetry's form.
#[derive(Debug)]
pub(crate) struct RequestRecord {
    pub(super) context: TraceContext,
    pub(super) parent: Option<SpanId>,
    pub(super) link: Option<Box<TraceContext>>,
    pub(super) reason: Reason,
    pub(super) start: Instant,
    pub(super) end: Instant,
    pub(super) method: Method,
    pub(super) route: Option<Arc<RouteLabel>>,
    pub(super) scheme: Scheme,
    pub(super) version: Version,
    pub(super) client_address: Option<IpAddr>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) status: Option<StatusCode>,
    pub(super) failure: Option<&'static str>,
    /// Its cohort is in `texts`.
    pub(super) decision: Decision<'static>,
    texts: Texts,
    pub(super) attempts: SmallVec<[ClientSpan; 1]>,
}

/// The borrowed texts of a request, copied into one allocation.
#[derive(Debug)]
struct Texts {
    all: Box<str>,
    /// Where each text ends; it begins where the one before ends.
    ends: [u16; 4],
    /// Which of them were there at all.
    present: [bool; 4],
}

/// One reading of both clocks, to turn the one's time into the other's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    instant: Instant,
    unix_nanos: u64,
}

// === impl RequestRecord ===

impl RequestRecord {
    pub(crate) fn new(
        trace: &RequestTrace,
        reason: Reason,
        server: &ServerSpan<'_>,
        attempts: impl IntoIterator<Item = ClientSpan>,
    ) -> Box<Self> {
        Box::new(Self {
            context: trace.context().clone(),
            parent: trace.parent(),
            link: trace.link().cloned().map(Box::new),
            reason,
            start: server.start,
            end: server.end,
            method: server.method.clone(),
            route: server.route.cloned(),
            scheme: server.scheme,
            version: server.version,
            client_address: server.client_address,
            peer: server.peer,
            status: server.status,
            failure: server.failure,
            decision: Decision { cohort: None, ..server.decision },
            texts: Texts::copied([
                Some(server.target),
                server.authority,
                server.user_agent.and_then(|value| value.to_str().ok()),
                server.decision.cohort,
            ]),
            attempts: attempts.into_iter().collect(),
        })
    }

    /// The trace of its spans.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.context.trace_id
    }

    /// The id of its route, and why it is kept.
    pub(crate) fn sort(&self) -> (Option<&str>, Reason) {
        (self.route.as_ref().map(|route| &*route.id), self.reason)
    }

    /// How many spans it becomes.
    pub(crate) fn span_count(&self) -> usize {
        1 + self.attempts.len()
    }

    /// Appends its spans as fields of this number, the SERVER span first.
    pub(crate) fn put(&self, wire: &mut Wire, field: u32, clock: Clock, redaction: &Redaction) {
        wire.nested(field, |wire| server::put(wire, self, clock, redaction));
        let request = client::Request {
            context: &self.context,
            parent: self.context.span_id,
            method: &self.method,
            template: self.template(),
            target: self.target(),
            purpose: client::Purpose::Live,
        };
        for attempt in &self.attempts {
            wire.nested(field, |wire| client::put(wire, request, attempt, clock, redaction));
        }
    }

    /// Bytes it holds, about.
    pub(crate) fn bytes(&self) -> usize {
        let attempts = if self.attempts.spilled() { self.attempts.capacity() } else { 0 };
        size_of::<Self>() + self.texts.all.len() + attempts * size_of::<ClientSpan>()
    }

    /// Path and query.
    pub(super) fn target(&self) -> (&str, Option<&str>) {
        split_target(self.texts.get(0).unwrap_or_default())
    }

    /// `http.route` and `url.template`.
    pub(super) fn template(&self) -> Option<&str> {
        self.route.as_ref().and_then(|route| route.template.as_deref())
    }

    pub(super) fn authority(&self) -> Option<&str> {
        self.texts.get(1)
    }

    pub(super) fn user_agent(&self) -> Option<&str> {
        self.texts.get(2)
    }

    pub(super) fn cohort(&self) -> Option<&str> {
        self.texts.get(3)
    }
}

// === impl Texts ===

impl Texts {
    fn copied(texts: [Option<&str>; 4]) -> Self {
        let texts = texts.map(|text| text.map(cut));
        let bytes = texts.iter().flatten().map(|text| text.len()).sum();
        let mut all = String::with_capacity(bytes);
        let ends = texts.map(|text| {
            all.push_str(text.unwrap_or_default());
            u16::try_from(all.len()).expect("four texts of at most 1024 bytes")
        });
        Self { all: all.into_boxed_str(), ends, present: texts.map(|text| text.is_some()) }
    }

    fn get(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = usize::from(start)..usize::from(self.ends[index]);
        self.present[index].then(|| &self.all[range])
    }
}

pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

// === impl Clock ===

impl Clock {
    pub(crate) fn read() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            instant: Instant::now(),
            unix_nanos: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// Nanoseconds since 1970, as the clock reading would have it.
    pub(super) fn unix_nanos(&self, at: Instant) -> u64 {
        let nanos = |duration: std::time::Duration| duration.as_nanos() as u64;
        if at <= self.instant {
            self.unix_nanos.saturating_sub(nanos(self.instant - at))
        } else {
            self.unix_nanos.saturating_add(nanos(at - self.instant))
        }
    }
}
