//! The spans of a request, and whether they are kept.

use std::time::Instant;

use cutover_domain::Phase;
use cutover_telemetry::{
    HeldRequest,
    sampling::{self, Keep},
    span::{self, ServerSpan},
};
use http::{HeaderValue, Uri, header, request::Parts};

use super::{Exchange, Ready};
use crate::metrics::Outcome;

/// What only spans need. Whether there are any shows when the request has gone on long since, so
/// these are there for each; they are shares of what hyper has read, not copies.
pub(super) struct Details {
    uri: Uri,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    idempotency_key: bool,
}

/// What became of a request's spans.
pub(in crate::http) enum Traced {
    /// They are on their way to the receiver.
    Recorded,
    /// Its copy may yet speak for them.
    Held(HeldRequest),
    /// They are gone.
    No,
}

// === impl Exchange ===

impl Exchange {
    /// Records the spans if they are kept. If it has a copy, that may be decided later.
    pub(super) fn trace(&self, outcome: Outcome, end: Instant, copy: Option<&Ready>) -> Traced {
        let tracer = &self.connection.shared.tracer;
        let kept = self.keep(outcome, end);
        let Some(details) = self.details.as_ref().filter(|_| kept.is_yes() || copy.is_some())
        else {
            return Traced::No;
        };
        let server = self.server_span(details, outcome, end, copy);
        let attempts = self.attempts.iter().cloned();
        match kept {
            Keep::Yes(reason) => match tracer.record(&self.trace, reason, &server, attempts) {
                true => Traced::Recorded,
                false => Traced::No,
            },
            Keep::No => tracer
                .hold(&self.trace, sampling::Reason::Mismatch, &server, attempts)
                .map_or(Traced::No, Traced::Held),
        }
    }

    fn keep(&self, outcome: Outcome, end: Instant) -> Keep {
        let failure = match outcome {
            Outcome::Error => Some(sampling::Reason::Error),
            Outcome::Timeout => Some(sampling::Reason::Timeout),
            Outcome::Fallback => Some(sampling::Reason::Fallback),
            Outcome::Ok | Outcome::ClientError | Outcome::Rejected => None,
        };
        let ended = sampling::Outcome {
            end,
            duration: end.duration_since(self.start),
            failure,
            is_recorded_upstream: self.is_recorded_upstream,
            side: self.side as usize,
        };
        let (tracer, route) = (&self.connection.shared.tracer, self.live_route());
        tracer.keep(&self.trace, &ended, &route.sampling, 1 + self.attempts.len())
    }

    fn server_span<'s>(
        &'s self,
        details: &'s Details,
        outcome: Outcome,
        end: Instant,
        copy: Option<&Ready>,
    ) -> ServerSpan<'s> {
        let state = self.route.map(|route| &self.live.table.routes[route].state);
        let canary = state.filter(|state| state.phase == Phase::Canary);
        let failed = matches!(outcome, Outcome::Error | Outcome::Timeout);
        ServerSpan {
            start: self.start,
            end,
            method: &self.method,
            route: self.route.map(|_| &self.live_route().label),
            scheme: self.connection.scheme,
            target: details.uri.path_and_query().map_or("/", |target| target.as_str()),
            authority: details.authority(),
            version: self.version,
            client_address: Some(self.connection.peer.ip()),
            peer: Some(self.connection.peer),
            user_agent: details.user_agent.as_ref(),
            status: self.status,
            failure: self.failure.filter(|_| failed),
            decision: span::Decision {
                phase: self.phase().as_str(),
                side: self.side.as_str(),
                reason: self.reason.as_str(),
                split_percent: canary.map(|state| state.percent.as_f64()),
                generation: self.live.table.revision,
                fallback: self.is_fallback,
                idempotency_key: details.idempotency_key,
                shadow_trace: copy.and_then(Ready::trace_id),
                ..span::Decision::default()
            },
        }
    }
}

// === impl Details ===

impl Details {
    pub(super) fn of(parts: &Parts) -> Details {
        Details {
            uri: parts.uri.clone(),
            host: parts.headers.get(header::HOST).cloned(),
            user_agent: parts.headers.get(header::USER_AGENT).cloned(),
            idempotency_key: parts.headers.contains_key("idempotency-key"),
        }
    }

    fn authority(&self) -> Option<&str> {
        match self.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => self.host.as_ref()?.to_str().ok(),
        }
    }
}
