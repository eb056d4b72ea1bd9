//! Copying a request and its answer for the side that does not serve it.
//!
//! Copies never wait and never fail a request: what they hold is bounded, and where that does not
//! suffice the copy is given up and counted.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use cutover_domain::{
    Decision, Exchange, Group, Reason, Side, Subjects, bucket, decision,
    exchange::{
        Budget, Dropped, HeldSpans, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, RequestCopy,
        ResponseCopy, RouteCopies, TraceIds, candidate, subject_hash,
    },
};
use cutover_telemetry::{HeldRequest, RequestTrace, context::TraceId};
use http::{HeaderMap, StatusCode, header, request, response};

use super::{
    exchange::{Exchange as Live, Traced},
    headers,
};
use crate::{tee::BodyCopy, upstream::Upload};

/// The copy of one request, as far as it has come.
pub(crate) struct Copying {
    to: Arc<dyn RouteCopies>,
    subject: Subject,
    request: Option<RequestCopy>,
    answer: Option<(StatusCode, HeaderMap)>,
    body: BodyCopy,
    trailers: HeaderMap,
}

/// A copy that is complete, and who takes it.
pub(super) struct Ready {
    to: Arc<dyn RouteCopies>,
    exchange: Exchange,
}

/// The spans of a live request, which its copy may yet speak for.
#[derive(Debug)]
struct Held(HeldRequest);

/// Whom a copy sticks to, so that whole sessions are copied.
#[derive(Clone, Copy)]
struct Subject {
    bucket: u16,
    hash: u64,
}

// === impl Copying ===

impl Copying {
    /// Begins a copy if the request is to have one.
    pub(super) fn begin(
        live: &Live,
        position: usize,
        decision: &Decision<'_>,
        request: &impl Subjects,
        budget: &Budget,
    ) -> Option<Box<Copying>> {
        let to = live.live.route(Some(position)).copies.as_ref()?;
        let route = &live.live.table.routes[position];
        // A tester chose the side: what the other one says is not asked for.
        if decision.reason == Reason::Override {
            return None;
        }
        let subject = Subject::of(&route.group, decision, request, live);
        candidate(route, decision.side, subject.bucket)?;
        let reserved = budget.reserve(0).ok()?;
        Some(Box::new(Copying {
            to: Arc::clone(to),
            subject,
            request: None,
            answer: None,
            body: BodyCopy::new(RESPONSE_BYTES_MAX, reserved),
            trailers: HeaderMap::new(),
        }))
    }

    /// The request's head, as an upstream will be sent it.
    pub(super) fn request(&mut self, parts: &request::Parts, trace: &RequestTrace) {
        let mut headers = parts.headers.clone();
        trace.pass_baggage(&mut headers);
        if !headers.contains_key(header::HOST)
            && let Some(authority) = headers::authority(&parts.uri, &parts.headers)
            && let Ok(host) = authority.parse()
        {
            headers.insert(header::HOST, host);
        }
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let (method, target) = (parts.method.clone(), target.into());
        self.request = Some(RequestCopy { method, target, headers, body: Bytes::new() });
    }

    /// The answer's head, as the client will be sent it.
    pub(super) fn answer(&mut self, parts: &response::Parts) {
        self.answer = Some((parts.status, parts.headers.clone()));
    }

    /// A piece of the answer's body.
    pub(super) fn data(&mut self, data: &[u8]) {
        self.body.pass(data);
    }

    /// What follows the answer's body.
    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        self.trailers = trailers.clone();
    }

    /// The exchange has ended, `whole` or in the middle of its answer. `None`: there is no copy to
    /// hand over.
    pub(super) fn end(self, live: &Live, whole: bool) -> Option<Ready> {
        let to = Arc::clone(&self.to);
        let position = live.route?;
        // Who served may not be who was to.
        let served = if live.is_fallback { Side::Legacy } else { live.side };
        let route = &live.live.table.routes[position];
        let candidate = candidate(route, served, self.subject.bucket)?;
        match self.exchange(live, whole, (position, served, candidate)) {
            Ok(exchange) => Some(Ready { to, exchange }),
            Err(reason) => {
                to.give_up(reason);
                None
            }
        }
    }

    fn exchange(
        self,
        live: &Live,
        whole: bool,
        (route, served, candidate): (usize, Side, Side),
    ) -> Result<Exchange, Dropped> {
        let (answer, mut reserved) = self.body.end()?;
        let mut request = self.request.ok_or(Dropped::Budget)?;
        if let Some((body, more)) = live.upload.as_ref().and_then(Upload::take_copy).transpose()? {
            request.body = body;
            reserved.join(more);
        }
        // Nobody can be asked half of what was asked.
        let whole = whole && live.upload.as_ref().is_none_or(Upload::has_ended);
        let response = self.answer.filter(|_| whole).map(|(status, headers)| ResponseCopy {
            status,
            headers,
            body: answer,
            trailers: self.trailers,
        });
        let (context, duration) = (live.trace.context(), live.start.elapsed());
        Ok(Exchange {
            table: Arc::clone(&live.live.table),
            route,
            subject: self.subject.hash,
            served,
            candidate,
            request,
            response,
            trace: TraceIds { trace_id: context.trace_id.get(), span_id: context.span_id.get() },
            trace_flags: context.flags.bits(),
            copy_trace_id: context.linked().get(),
            is_traced: false,
            held: None,
            at: SystemTime::now() - duration,
            duration,
            reserved,
        })
    }
}

// === impl Ready ===

impl Ready {
    /// The trace that the copy will have.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        TraceId::new(self.exchange.copy_trace_id)
    }

    /// Hands the copy over; with it the live request's spans, if they are to be kept only if the
    /// answers differ. They are paid for like the copy itself.
    pub(super) fn hand_over(mut self, traced: Traced) {
        self.exchange.is_traced = matches!(traced, Traced::Recorded);
        let held = match traced {
            Traced::Held(held) => Some(held),
            Traced::Recorded | Traced::No => None,
        };
        let held = held.filter(|held| self.exchange.reserved.grow(held.bytes() as u64).is_ok());
        self.exchange.held = held.map(|held| Box::new(Held(held)) as Box<dyn HeldSpans>);
        self.to.take(self.exchange);
    }
}

// === impl Held ===

impl HeldSpans for Held {
    fn keep(self: Box<Held>) {
        self.0.keep();
    }
}

/// The copy of a request's body, for the budget to pay.
pub(super) fn body(budget: &Budget) -> Option<BodyCopy> {
    Some(BodyCopy::new(REQUEST_BYTES_MAX, budget.reserve(0).ok()?))
}

// === impl Subject ===

impl Subject {
    /// The route's own; a request without one sticks to its client's address.
    fn of(group: &Group, decision: &Decision<'_>, request: &impl Subjects, live: &Live) -> Subject {
        let of = |text: &str| Subject {
            bucket: bucket(&group.cohort.salt, text),
            hash: subject_hash(text),
        };
        match &decision.subject {
            Some(subject) => of(subject),
            None => match decision::subject(group, request) {
                Some(subject) => of(&subject),
                None => of(&live.connection.peer.ip().to_string()),
            },
        }
    }
}
