//! Copying a request and its answer for the side that does not serve it.
//!
//! Copies never wait and never fail a request: what they hold is bounded, and where that does not
//! suffice the copy is given up and counted.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use cutover_domain::{
    Decision, Exchange, Group, Reason, Side, Subjects, bucket, decision,
    exchange::{
        Budget, Dropped, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, RequestCopy, ResponseCopy,
        RouteCopies, TraceIds, candidate, subject_hash,
    },
};
use http::{HeaderMap, StatusCode, header, request, response};

use super::{exchange::Exchange as Live, headers};
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
    pub(super) fn request(&mut self, parts: &request::Parts) {
        let mut headers = parts.headers.clone();
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

    /// The exchange has ended, `whole` or in the middle of its answer. Says whether its copy was
    /// handed over.
    pub(super) fn end(self, live: &Live, whole: bool) -> bool {
        let to = Arc::clone(&self.to);
        let Some(position) = live.route else {
            return false;
        };
        // Who served may not be who was to.
        let served = if live.is_fallback { Side::Legacy } else { live.side };
        let route = &live.live.table.routes[position];
        let Some(candidate) = candidate(route, served, self.subject.bucket) else {
            return false;
        };
        match self.exchange(live, whole, (position, served, candidate)) {
            Ok(exchange) => {
                to.take(exchange);
                true
            }
            Err(reason) => {
                to.give_up(reason);
                false
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
        let context = live.trace.context();
        Ok(Exchange {
            table: Arc::clone(&live.live.table),
            route,
            subject: self.subject.hash,
            served,
            candidate,
            request,
            response,
            trace: TraceIds { trace_id: context.trace_id.get(), span_id: context.span_id.get() },
            at: SystemTime::now(),
            duration: live.start.elapsed(),
            reserved,
        })
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
