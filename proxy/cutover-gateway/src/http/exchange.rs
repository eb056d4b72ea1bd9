//! The facts of one request, gathered while it runs and told once when it has ended.

mod spans;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_domain::{Decision, OnFailure, Phase, Reason, Side};
use cutover_telemetry::{
    RequestTrace, canonical::CanonicalLine, context::TraceContext, span::ClientSpan,
};
use http::{Method, StatusCode, Version, request::Parts, response};
use smallvec::SmallVec;

use self::spans::Details;
pub(super) use self::spans::Traced;
use super::{
    connection::Connection,
    copying::{Copying, Ready},
    streams::Stream,
};
use crate::{
    guard::Answering,
    journeys::Taking,
    live::{LiveRoute, LiveTable},
    metrics::{Outcome, Served},
    upstream::Upload,
};

/// One request from its head to the last byte of its answer. Told of even if it is dropped before
/// that: then the client has left.
pub(crate) struct Exchange {
    pub(crate) connection: Arc<Connection>,
    pub(crate) live: Arc<LiveTable>,
    pub(crate) trace: RequestTrace,
    pub(crate) start: Instant,
    pub(crate) method: Method,
    pub(crate) version: Version,
    /// Position of the route; `None`: none matched.
    pub(crate) route: Option<usize>,
    pub(crate) side: Side,
    pub(crate) reason: Reason,
    pub(crate) on_failure: OnFailure,
    /// Hash of whom the decision sticks to; `None` where new has no cohort.
    pub(crate) subject: Option<u64>,
    pub(crate) attempts: SmallVec<[ClientSpan; 1]>,
    /// The answer's status, once its head is on its way.
    pub(crate) status: Option<StatusCode>,
    /// What failed on our side or the upstream's, if anything did.
    pub(crate) failure: Option<&'static str>,
    pub(crate) is_timeout: bool,
    /// An upstream said that it records the trace.
    pub(crate) is_recorded_upstream: bool,
    /// No upstream was asked.
    pub(crate) is_rejected: bool,
    /// Legacy answered for new.
    pub(crate) is_fallback: bool,
    pub(crate) upload: Option<Upload>,
    /// Its copy for the other side, if there is to be one.
    pub(crate) copying: Option<Box<Copying>>,
    /// Its part in journeys, until its answer begins.
    pub(crate) journeys: Option<Box<Taking>>,
    pub(crate) bytes_out: u64,
    /// Tells the guard when the answer has ended.
    _answering: Option<Answering>,
    /// Its HTTP/2 stream.
    pub(crate) stream: Option<Stream>,
    /// `None`: nothing is ever recorded.
    details: Option<Details>,
    is_closed: bool,
}

/// How an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its last byte was handed over.
    Complete,
    /// The upstream broke off.
    BrokenOff,
    /// The upstream fell silent.
    Timeout,
    /// The client left before the end.
    ClientGone,
}

// === impl Exchange ===

impl Exchange {
    /// Opens an exchange for a request head. It has no route yet.
    pub(crate) fn open(connection: &Arc<Connection>, parts: &Parts) -> Box<Exchange> {
        let start = Instant::now();
        let live = connection.shared.live.load_full();
        let trace = connection.shared.tracer.begin(&parts.headers, Some(connection.peer.ip()));
        let is_recording = connection.shared.tracer.is_recording();
        let details = is_recording.then(|| Details::of(parts));
        Box::new(Exchange {
            stream: connection.streams.as_ref().map(|streams| streams.open(start)),
            _answering: connection.guard.as_ref().map(|guard| guard.answering()),
            connection: Arc::clone(connection),
            live,
            trace,
            start,
            method: parts.method.clone(),
            version: parts.version,
            route: None,
            side: Side::Legacy,
            reason: Reason::Phase,
            on_failure: OnFailure::PassOn,
            subject: None,
            attempts: SmallVec::new(),
            status: None,
            failure: None,
            is_timeout: false,
            is_recorded_upstream: false,
            is_rejected: false,
            is_fallback: false,
            upload: None,
            copying: None,
            journeys: None,
            bytes_out: 0,
            details,
            is_closed: false,
        })
    }

    /// Takes over what was decided.
    pub(crate) fn decided(&mut self, route: usize, decision: &Decision<'_>) {
        self.route = Some(route);
        self.side = decision.side;
        self.reason = decision.reason;
        self.on_failure = decision.on_failure;
        if decision.reason == Reason::NoSubject {
            self.live_route().metrics.no_subject.inc();
        }
    }

    pub(crate) fn live_route(&self) -> &LiveRoute {
        self.live.route(self.route)
    }

    /// The route's phase; what matches no route is legacy's.
    pub(crate) fn phase(&self) -> Phase {
        self.route.map_or(Phase::Legacy, |route| self.live.table.routes[route].state.phase)
    }

    /// The answer of a side is about to leave.
    pub(crate) fn answered(&mut self, answer: &response::Parts) {
        self.status = Some(answer.status);
        if let Some(journeys) = self.journeys.take() {
            let sightings = &self.connection.shared.journeys;
            journeys.answered(answer.status, &answer.headers, sightings);
        }
    }

    /// The latest attempt has ended, with an answer or without.
    pub(crate) fn attempt_ended(&mut self, end: Instant) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.end = end;
        }
    }

    /// Tells metrics, traces and the log, and the guard that the answer has ended.
    pub(crate) fn close(mut self: Box<Self>, ending: Ending) {
        self.tell(ending);
    }

    fn tell(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        let end = Instant::now();
        if let (Some(stream), Some(_)) = (&mut self.stream, self.status) {
            stream.answered();
        }
        let is_under_way = self.attempts.last().is_some_and(|attempt| attempt.end == attempt.start);
        if self.status.is_some() || is_under_way {
            self.attempt_ended(end);
        }
        match ending {
            Ending::BrokenOff => self.failure = Some("broken_off"),
            Ending::Timeout => (self.failure, self.is_timeout) = (Some("timeout"), true),
            Ending::Complete | Ending::ClientGone => {}
        }
        if let Some(journeys) = self.journeys.take() {
            journeys.unanswered(self.status, &self.connection.shared.journeys);
        }
        let outcome = self.outcome(ending);
        // Nobody served what we refused.
        let copying = self.copying.take().filter(|_| !self.is_rejected);
        let copy = copying.and_then(|copying| copying.end(self, ending == Ending::Complete));
        let traced = self.trace(outcome, end, copy.as_ref());
        let recorded = matches!(traced, Traced::Recorded).then_some(self.trace.context());
        self.measure(outcome, end, recorded);
        self.log(outcome, end);
        if let Some(copy) = copy {
            copy.hand_over(traced);
        }
    }

    fn outcome(&self, ending: Ending) -> Outcome {
        let status = self.status.map_or(0, |status| status.as_u16());
        if self.is_rejected {
            Outcome::Rejected
        } else if self.is_fallback {
            Outcome::Fallback
        } else if self.is_timeout {
            Outcome::Timeout
        } else if ending == Ending::BrokenOff || status >= 500 {
            Outcome::Error
        } else if ending == Ending::ClientGone || status >= 400 || status == 0 {
            Outcome::ClientError
        } else {
            Outcome::Ok
        }
    }

    fn measure(&self, outcome: Outcome, end: Instant, traced: Option<&TraceContext>) {
        // A tester chose the side, so it says nothing about what users get.
        if self.reason == Reason::Override {
            return;
        }
        let LiveRoute { metrics, durations, .. } = self.live_route();
        for attempt in &self.attempts {
            let side = if attempt.side == Side::New.as_str() { Side::New } else { Side::Legacy };
            let duration = attempt.end.duration_since(attempt.start);
            metrics.attempted(side, &self.method, attempt.status, &attempt.upstream, duration);
        }
        let duration = end.duration_since(self.start);
        let served = Served {
            side: self.side,
            phase: self.phase(),
            outcome,
            method: &self.method,
            status: self.status,
            version: self.version,
            scheme: self.connection.scheme,
            subject: self.subject,
            end,
            duration,
            overhead: duration.saturating_sub(self.upstream_duration()),
            traced,
        };
        metrics.served(durations, &served);
    }

    fn log(&self, outcome: Outcome, end: Instant) {
        let is_error = matches!(
            outcome,
            Outcome::Error | Outcome::Timeout | Outcome::Fallback | Outcome::Rejected
        );
        let canonical = &self.connection.shared.canonical;
        if !canonical.wants(self.trace.context().trace_id, is_error) {
            return;
        }
        let answered_by = self.attempts.last().filter(|attempt| attempt.failure.is_none());
        let line = CanonicalLine {
            trace: self.trace.context(),
            method: &self.method,
            route: self.route.map(|_| &*self.live_route().label.id),
            phase: self.phase().as_str(),
            side: self.side.as_str(),
            reason: self.reason.as_str(),
            generation: self.live.table.revision,
            upstream: answered_by.map(|attempt| &*attempt.upstream.name),
            attempts: u32::try_from(self.attempts.len()).unwrap_or(u32::MAX),
            status: self.status,
            outcome: outcome.as_str(),
            failure: self.failure,
            duration: end.duration_since(self.start),
            upstream_duration: self.upstream_duration(),
            bytes_in: self.upload.as_ref().map_or(0, Upload::read_bytes),
            bytes_out: self.bytes_out,
        };
        canonical.emit(&line, is_error);
    }

    fn upstream_duration(&self) -> Duration {
        self.attempts.iter().map(|attempt| attempt.end.duration_since(attempt.start)).sum()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.tell(Ending::ClientGone);
    }
}
