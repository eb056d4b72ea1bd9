//! Traces of copies: which of them are kept, and what they tell.
//!
//! Nothing is built of a trace until it is known that it is kept: until then there are ids and
//! times.

use std::time::Instant;

use cutover_domain::{
    Exchange, Side, Upstream,
    compare::Difference,
    exchange::{Dropped, TraceIds},
    parity::{Class, Judgement, Verdict},
};
use cutover_telemetry::{
    context::{Flags, SpanId, TraceContext, TraceId},
    copies::{CopyTrace, CopyTracer},
    sampling::{Keep, RateCap, Reason},
    span::{ClientSpan, ComparisonSpan, CopyEnd, CopySpans, RouteLabel, Scheme, UpstreamLabel},
};

use crate::{
    judge::Asked,
    lane::{Failure, Reply},
};

/// Most traces of one route that are kept in a second for what they came to, and not by the
/// sampling ratio. A candidate that always differs tells nothing new after the first few.
const KEPT_PER_SECOND_MAX: u32 = 10;
/// Paths that a trace names.
const FIELDS_MAX: usize = 8;

/// The traces of one route's copies.
#[derive(Debug)]
pub(crate) struct Traces {
    tracer: CopyTracer,
    cap: RateCap,
}

/// The trace of one copy.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    trace: CopyTrace,
    since: Instant,
}

/// The trace of a copy that was asked about.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) trace: Trace,
    pub(crate) call: CallTrace,
    /// The second legacy call, if one was made.
    pub(crate) reference: Option<CallTrace>,
}

/// One call, and how long it took.
#[derive(Debug)]
pub(crate) struct CallTrace {
    /// What the call's `traceparent` says.
    pub(crate) context: TraceContext,
    start: Instant,
    end: Instant,
    failure: Option<&'static str>,
}

/// A comparison, and what it came to.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) since: Instant,
    pub(crate) differences: &'a [Difference],
    pub(crate) judgement: &'a Judgement,
    /// The candidate gave no answer that can be compared, though legacy did.
    pub(crate) failure: Option<&'static str>,
}

// === impl Traces ===

impl Traces {
    pub(crate) fn new(tracer: CopyTracer) -> Traces {
        Traces { tracer, cap: RateCap::new(KEPT_PER_SECOND_MAX, Instant::now()) }
    }

    /// Begins the trace that was chosen for a copy.
    pub(crate) fn begin(&self, exchange: &Exchange) -> Trace {
        let chosen = TraceId::new(exchange.copy_trace_id);
        let trace_id = chosen.unwrap_or_else(|| TraceContext::new_root(false).trace_id);
        Trace { trace: self.tracer.begin(trace_id), since: Instant::now() }
    }

    /// A copy was given up: the live request's span names its trace, so it says why.
    pub(crate) fn dropped(&self, trace: &Trace, exchange: &Exchange, reason: Dropped) {
        self.tell_root(trace, exchange, CopyEnd::Dropped(reason.as_str()));
    }

    /// A copy came to a verdict without a comparison. The trace, if it can be looked up.
    pub(crate) fn unjudged(
        &self,
        trace: &Trace,
        exchange: &Exchange,
        verdict: Verdict,
    ) -> Option<TraceId> {
        self.tell_root(trace, exchange, end(verdict))
    }

    /// A copy came to a verdict. The trace, if it can be looked up: always where the candidate
    /// differs or fails or the live request's can be, unless that happens all the time.
    pub(crate) fn judged(&self, asked: &Asked, judged: &Judged<'_>) -> Option<TraceId> {
        let Traced { trace, reference, .. } = &asked.traced;
        let verdict = judged.judgement.verdict;
        let rule = match judged.failure {
            Some(_) => Some(Reason::CandidateFailed),
            None => (verdict == Verdict::Mismatch).then_some(Reason::Mismatch),
        };
        let span_count = 3 + usize::from(reference.is_some());
        let kept = self.keep(trace, &asked.exchange, rule, span_count);
        let Keep::Yes(reason) = kept else { return None };
        self.tracer.record(&trace.trace, reason, spans(asked, judged));
        Some(trace.trace.trace_id())
    }

    fn tell_root(&self, trace: &Trace, exchange: &Exchange, end: CopyEnd) -> Option<TraceId> {
        let Keep::Yes(reason) = self.keep(trace, exchange, None, 1) else { return None };
        self.tracer.record(&trace.trace, reason, root(trace, exchange, end));
        Some(trace.trace.trace_id())
    }

    /// Whether a copy's spans are kept. They are where the live request's are, which name them: the
    /// data plane keeps those within a cap of its own.
    fn keep(
        &self,
        trace: &Trace,
        exchange: &Exchange,
        rule: Option<Reason>,
        span_count: usize,
    ) -> Keep {
        match (trace.trace.head(), exchange.is_traced) {
            (Keep::No, true) => Keep::Yes(rule.unwrap_or(Reason::Live)),
            _ => self.tracer.keep(&trace.trace, rule, &self.cap, span_count),
        }
    }
}

// === impl Traced ===

impl Traced {
    /// The copy is about to be asked about.
    pub(crate) fn new(trace: &Trace) -> Traced {
        Traced { trace: trace.clone(), call: CallTrace::new(trace), reference: None }
    }

    /// The trace, and the span that the copy was sent with.
    pub(crate) fn ids(&self) -> TraceIds {
        let TraceContext { trace_id, span_id, .. } = &self.call.context;
        TraceIds { trace_id: trace_id.get(), span_id: span_id.get() }
    }
}

// === impl CallTrace ===

impl CallTrace {
    /// A call that is about to be made.
    pub(crate) fn new(trace: &Trace) -> CallTrace {
        CallTrace {
            context: trace.trace.call(),
            start: trace.since,
            end: trace.since,
            failure: None,
        }
    }

    /// Makes the call.
    pub(crate) async fn time(
        &mut self,
        call: impl Future<Output = Result<Reply, Failure>>,
    ) -> Result<Reply, Failure> {
        self.start = Instant::now();
        let reply = call.await;
        self.end = Instant::now();
        self.failure = reply.as_ref().err().map(Failure::as_str);
        reply
    }

    fn span(&self, side: Side, upstream: &Upstream, reply: Option<&Reply>) -> ClientSpan {
        ClientSpan {
            span_id: self.context.span_id,
            start: self.start,
            end: self.end,
            upstream: label(upstream).into(),
            side: side.as_str(),
            version: reply.map(|reply| reply.version),
            peer: reply.and_then(|reply| reply.peer),
            status: reply.map(|reply| reply.status),
            failure: self.failure,
            resend_count: 0,
        }
    }
}

/// All that a trace tells of a copy that was compared.
fn spans(asked: &Asked, judged: &Judged<'_>) -> CopySpans {
    let Asked { exchange, traced, .. } = asked;
    let table = &exchange.table;
    let route = &table.routes[exchange.route];
    let legacy = &table.upstreams[route.legacy];
    let upstream = match (exchange.candidate, route.new) {
        (Side::New, Some(new)) => &table.upstreams[new],
        _ => legacy,
    };
    let called = traced.call.span(exchange.candidate, upstream, asked.reply.as_ref().ok());
    let reference = traced.reference.as_ref();
    let differences = judged.differences.iter().filter(|difference| difference.candidate);
    CopySpans {
        call: Some(called),
        reference: reference.map(|call| call.span(Side::Legacy, legacy, asked.reference.as_ref())),
        comparison: Some(ComparisonSpan {
            start: judged.since,
            end: Instant::now(),
            differences: differences.count(),
            fields: fields(judged),
            failure: judged.failure,
        }),
        ..root(&traced.trace, exchange, end(judged.judgement.verdict))
    }
}

/// The root span alone.
fn root(trace: &Trace, exchange: &Exchange, end_state: CopyEnd) -> CopySpans {
    let route = &exchange.table.routes[exchange.route];
    CopySpans {
        start: trace.since,
        end: Instant::now(),
        live: live(exchange),
        method: exchange.request.method.clone(),
        route: RouteLabel {
            id: route.spec.id.as_str().into(),
            template: Some(route.spec.endpoint.path.as_str().into()),
        },
        target: exchange.request.target.clone(),
        phase: route.state.phase.as_str(),
        side: exchange.candidate.as_str(),
        generation: exchange.table.revision,
        end_state,
        call: None,
        reference: None,
        comparison: None,
    }
}

/// The live request's span, which the trace links to.
fn live(exchange: &Exchange) -> Option<TraceContext> {
    let TraceIds { trace_id, span_id } = exchange.trace;
    Some(TraceContext {
        trace_id: TraceId::new(trace_id)?,
        span_id: SpanId::new(span_id)?,
        flags: Flags::from_bits(exchange.trace_flags),
        state: None,
    })
}

fn end(verdict: Verdict) -> CopyEnd {
    let reason = match verdict {
        Verdict::Incomparable(why) => Some(why.as_str()),
        Verdict::Match | Verdict::Mismatch | Verdict::Noisy => None,
    };
    CopyEnd::Judged { verdict: verdict.as_str(), reason }
}

/// Where the candidate differs: first what it answers for, then what may be noise.
fn fields(judged: &Judged<'_>) -> Vec<Box<str>> {
    let all = || judged.differences.iter().zip(&judged.judgement.classes);
    let suspects = all().filter(|(_, class)| **class == Class::Suspect);
    let others = all().filter(|(_, class)| **class != Class::Suspect);
    let mut fields: Vec<Box<str>> = Vec::new();
    for (difference, _) in suspects.chain(others).filter(|(difference, _)| difference.candidate) {
        let path = difference.path.as_str();
        if fields.len() < FIELDS_MAX && fields.iter().all(|known| **known != *path) {
            fields.push(path.into());
        }
    }
    fields
}

fn label(upstream: &Upstream) -> UpstreamLabel {
    let is_tls = upstream.scheme == cutover_domain::Scheme::Https;
    UpstreamLabel {
        name: upstream.name.as_str().into(),
        scheme: if is_tls { Scheme::Https } else { Scheme::Http },
        address: upstream.host.as_str().into(),
        port: upstream.port,
    }
}
