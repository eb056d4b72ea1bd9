//! Asking upstreams: attempts, fallback, retries, and the answer that comes of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_domain::{OnFailure, Side, WriteClass};
use cutover_telemetry::span::ClientSpan;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
    request::Parts, uri::PathAndQuery,
};
use hyper::body::Incoming;

use super::{
    Unanswerable,
    answer::Answer,
    exchange::Exchange,
    headers::{self, Hop},
    tunnel,
};
use crate::{
    live::Patience,
    upstream::{self, AttemptError, BodyFault, Continue, Delivery, Lease, Outgoing, Upstream},
};

/// How long a body waits for an upstream's `100 Continue` (RFC 9110 §10.1.1).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// Attempts over kept connections that turned out closed, before a new one is insisted on.
const STALE_MAX: u32 = 3;
/// Pauses between attempts at a new side that owns the entity.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(25), Duration::from_millis(100)];

/// A request on its way to upstreams.
pub(super) struct Relay {
    pub(super) exchange: Box<Exchange>,
    pub(super) parts: Parts,
    pub(super) hop: Hop,
    /// The host that the client asked for.
    pub(super) authority: Option<String>,
    /// Position of the upstream to ask.
    pub(super) upstream: usize,
}

/// What became of an attempt.
#[expect(clippy::large_enum_variant, reason = "lives for a moment on the stack of one request")]
enum Attempted {
    Answered(Response<Incoming>, Lease),
    Failed(AttemptError),
    /// New answered 502, 503 or 504.
    Unavailable(StatusCode),
}

/// What follows on an attempt that failed.
enum Next {
    /// The same upstream again, after a pause.
    Again(Duration),
    /// Legacy, once.
    Legacy,
    /// This is the answer.
    GiveUp,
}

// === impl Relay ===

impl Relay {
    /// Asks until there is an answer or nothing left to try.
    pub(super) async fn run(mut self) -> Result<Response<Answer>, Unanswerable> {
        // Held apart, so that the snapshot outlives the exchange's moves.
        let live = Arc::clone(&self.exchange.live);
        let tunnel = self.may_tunnel().then(|| tunnel::downstream(&mut self.parts));
        let mut stale = 0;
        let mut retries = RETRY_PAUSES.iter();
        loop {
            let upstream = &live.upstreams[self.upstream];
            let patience = self.exchange.live_route().patience(upstream);
            let failed = match self.attempt(upstream, &patience).await {
                Attempted::Answered(response, lease) => {
                    return self.answer(response, lease, &patience, tunnel).await;
                }
                failed => failed,
            };
            match self.next(&failed, &mut stale, &mut retries) {
                Next::Again(pause) => tokio::time::sleep(pause).await,
                Next::Legacy => {
                    let route = self.exchange.route.expect("only a route has a fallback");
                    self.exchange.is_fallback = true;
                    self.upstream = live.table.routes[route].legacy;
                }
                Next::GiveUp => {
                    self.settle_interim().await;
                    return self.give_up(&failed);
                }
            }
        }
    }

    async fn attempt(&mut self, upstream: &Arc<Upstream>, patience: &Patience) -> Attempted {
        let start = Instant::now();
        self.exchange.attempts.push(ClientSpan {
            span_id: self.exchange.trace.context().span_id,
            start,
            end: start,
            upstream: Arc::clone(&upstream.label),
            side: self.side_asked().as_str(),
            version: None,
            peer: None,
            status: None,
            failure: None,
            resend_count: u32::try_from(self.exchange.attempts.len()).unwrap_or(u32::MAX),
        });
        let asked = self.ask(upstream, patience).await;
        let attempt = self.exchange.attempts.last_mut().expect("pushed above");
        match asked {
            Ok((response, lease)) => {
                attempt.version = Some(lease.version);
                attempt.peer = Some(lease.peer);
                attempt.status = Some(response.status());
                if self.is_unavailable(response.status()) {
                    self.exchange.attempt_ended(Instant::now());
                    return Attempted::Unavailable(response.status());
                }
                Attempted::Answered(response, lease)
            }
            Err(error) => {
                attempt.failure = Some(error.code());
                attempt.end = Instant::now();
                tracing::debug!(
                    upstream = &*upstream.label.name,
                    code = error.code(),
                    error = &error as &dyn std::error::Error,
                    "attempt failed"
                );
                Attempted::Failed(error)
            }
        }
    }

    async fn ask(
        &mut self,
        upstream: &Arc<Upstream>,
        patience: &Patience,
    ) -> Result<(Response<Incoming>, Lease), AttemptError> {
        let ready = upstream::reserve(upstream, self.is_idempotent(), patience.connect).await?;
        let again = self.exchange.on_failure != OnFailure::PassOn || ready.may_be_stale();
        let request = self.request(upstream, ready.is_http2(), again);
        let upload = self.exchange.upload.clone();
        ready.send(upstream, request, patience.first_byte, upload.as_ref()).await
    }

    /// The request for one attempt. Unless there may be another attempt, the parts move into it.
    fn request(&mut self, upstream: &Upstream, http2: bool, again: bool) -> Request<Outgoing> {
        let gate = self.parts.headers.contains_key(header::EXPECT).then(Continue::default);
        let body = match &self.exchange.upload {
            None => Outgoing::Empty,
            Some(upload) => upload.attempt(gate.clone()).expect("checked before each attempt"),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        let (headers, extensions) = if again {
            (self.parts.headers.clone(), self.parts.extensions.clone())
        } else {
            (std::mem::take(&mut self.parts.headers), std::mem::take(&mut self.parts.extensions))
        };
        *request.headers_mut() = headers;
        *request.extensions_mut() = extensions;
        self.address(&mut request, upstream, http2);
        let span_id = self.exchange.trace.attempt(request.headers_mut());
        if let Some(attempt) = self.exchange.attempts.last_mut() {
            attempt.span_id = span_id;
        }
        self.pass_interim(&mut request, gate);
        request
    }

    /// Sets target, version and the fields that depend on the hop.
    fn address(&self, request: &mut Request<Outgoing>, upstream: &Upstream, http2: bool) {
        let target = self.parts.uri.path_and_query();
        let target = target.cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let own = || format!("{}:{}", upstream.spec.host, upstream.spec.port);
        if http2 {
            let authority = self.authority.clone().unwrap_or_else(own);
            let uri = Uri::builder().scheme(upstream.label.scheme.as_str()).authority(authority);
            if let Ok(uri) = uri.path_and_query(target).build() {
                *request.uri_mut() = uri;
            }
            *request.version_mut() = Version::HTTP_2;
            request.headers_mut().remove(header::HOST);
            if self.hop.trailers {
                request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
            }
            return;
        }
        *request.uri_mut() = Uri::from(target);
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        headers::for_http1(headers, self.authority.as_deref(), self.parts.version);
        headers::ask_http1(headers, &self.hop);
        if !headers.contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(&self.authority.clone().unwrap_or_else(own))
        {
            headers.insert(header::HOST, host);
        }
    }

    /// Interim answers go to the client as they come; `100 Continue` opens the body's gate
    /// instead, at which hyper sends its own.
    fn pass_interim(&self, request: &mut Request<Outgoing>, gate: Option<Continue>) {
        if let Some(gate) = gate.clone() {
            tokio::spawn(async move {
                tokio::time::sleep(CONTINUE_WAIT).await;
                gate.open();
            });
        }
        let Some(guard) = self.exchange.connection.guard.as_ref() else {
            return;
        };
        if self.parts.version < Version::HTTP_11 {
            return;
        }
        let interim = guard.interim();
        hyper::ext::on_informational(request, move |response| {
            match (&gate, response.status()) {
                (Some(gate), StatusCode::CONTINUE) => gate.open(),
                (_, status) => {
                    // More than the queue takes is dropped: interim answers are advisory.
                    let _ = interim.push_head(status, response.headers());
                }
            }
        });
    }

    async fn answer(
        mut self,
        response: Response<Incoming>,
        lease: Lease,
        patience: &Patience,
        tunnel: Option<hyper::upgrade::OnUpgrade>,
    ) -> Result<Response<Answer>, Unanswerable> {
        self.settle_interim().await;
        let (mut parts, incoming) = response.into_parts();
        self.exchange.status = Some(parts.status);
        parts.version = Version::HTTP_11;
        if self.exchange.live.settings.trace_respond {
            self.respond_trace(&mut parts.headers);
        }
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let Some(tunnel) = tunnel else {
                return self.give_up(&Attempted::Unavailable(StatusCode::BAD_GATEWAY));
            };
            let response = Response::from_parts(parts, incoming);
            return Ok(tunnel::open(tunnel, response, lease, self.exchange));
        }
        let offered = self.offered_upgrade(&parts);
        headers::strip_response(&mut parts.headers);
        if let Some(upgrade) = offered {
            headers::set_upgrade(&mut parts.headers, upgrade);
        }
        let answer = Answer::streaming(incoming, lease, patience.idle, self.exchange);
        Ok(Response::from_parts(parts, answer))
    }

    /// What a 426 asks the client to upgrade to; it must say so (RFC 9110 §15.5.22). HTTP/2 has no
    /// such field.
    fn offered_upgrade(&self, parts: &http::response::Parts) -> Option<HeaderValue> {
        let is_offer = parts.status == StatusCode::UPGRADE_REQUIRED;
        let can_upgrade = self.exchange.version < Version::HTTP_2;
        (is_offer && can_upgrade).then(|| parts.headers.get(header::UPGRADE).cloned())?
    }

    /// Interim answers leave before the final one.
    async fn settle_interim(&self) {
        if let Some(guard) = &self.exchange.connection.guard {
            guard.interim().drained().await;
        }
    }

    fn respond_trace(&self, headers: &mut HeaderMap) {
        let context = self.exchange.trace.context();
        headers.insert("traceresponse", context.traceresponse());
        headers.append("server-timing", context.server_timing());
    }

    fn next(
        &self,
        failed: &Attempted,
        stale: &mut u32,
        retries: &mut std::slice::Iter<'_, Duration>,
    ) -> Next {
        if !self.can_repeat() {
            return Next::GiveUp;
        }
        let undelivered = match failed {
            Attempted::Failed(error) => {
                let repeatable = self.is_idempotent() || error.delivery() == Delivery::No;
                if error.is_stale_connection() && repeatable && *stale < STALE_MAX {
                    *stale += 1;
                    return Next::Again(Duration::ZERO);
                }
                error.delivery() == Delivery::No
            }
            _ => false,
        };
        let mut again = || match retries.next() {
            Some(pause) => {
                self.exchange.live_route().metrics.retries.inc();
                Next::Again(*pause)
            }
            None => Next::GiveUp,
        };
        match self.exchange.on_failure {
            OnFailure::AnswerByLegacy if !self.exchange.is_fallback => Next::Legacy,
            OnFailure::RetryNew => again(),
            OnFailure::RetryNewIfUndelivered if undelivered => again(),
            _ => Next::GiveUp,
        }
    }

    /// The answer when nothing is left to try.
    fn give_up(mut self, failed: &Attempted) -> Result<Response<Answer>, Unanswerable> {
        if let Some(fault) = self.exchange.upload.as_ref().and_then(|upload| upload.fault()) {
            return self.client_fault(fault);
        }
        let (mut status, code, message) = match failed {
            Attempted::Failed(error) if error.is_timeout() => {
                self.exchange.is_timeout = true;
                (StatusCode::GATEWAY_TIMEOUT, error.code(), "the upstream did not answer in time")
            }
            Attempted::Failed(error) => {
                (StatusCode::BAD_GATEWAY, error.code(), "the upstream could not be asked")
            }
            Attempted::Unavailable(status) => {
                (*status, "upstream_unavailable", "the upstream is not available")
            }
            Attempted::Answered(..) => unreachable!("an answer is never given up"),
        };
        let owned_by_new = matches!(
            self.exchange.on_failure,
            OnFailure::RetryNew | OnFailure::RetryNewIfUndelivered
        );
        if owned_by_new {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        self.exchange.failure = Some(code);
        self.exchange.status = Some(status);
        let mut response = Answer::text(status, code, message, Some(self.exchange));
        if owned_by_new {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Ok(response)
    }

    /// The client's body failed: told if the client can still read, else the connection ends.
    fn client_fault(mut self, fault: BodyFault) -> Result<Response<Answer>, Unanswerable> {
        let refused =
            self.exchange.connection.guard.as_ref().and_then(|guard| guard.refused()).is_some();
        let (status, code, message) = match fault {
            BodyFault::TooLong => {
                let message = "the request body is longer than this listener takes";
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message)
            }
            BodyFault::Stalled => {
                let message = "the request body stood still for too long";
                (StatusCode::REQUEST_TIMEOUT, "body_stalled", message)
            }
            _ if refused => {
                (StatusCode::BAD_REQUEST, "body_framing", "the request body is not well framed")
            }
            _ => return Err(Unanswerable),
        };
        self.exchange.is_rejected = true;
        self.exchange.failure = Some(code);
        self.exchange.status = Some(status);
        let http1 = self.parts.version < Version::HTTP_2;
        let mut response = Answer::text(status, code, message, Some(self.exchange));
        if http1 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Whether what was sent can be sent again: parts not moved away, body still kept.
    fn can_repeat(&self) -> bool {
        let parts = !self.parts.headers.is_empty();
        parts && self.exchange.upload.as_ref().is_none_or(|upload| upload.can_repeat())
    }

    fn is_idempotent(&self) -> bool {
        let class = self
            .exchange
            .route
            .map(|route| self.exchange.live.table.routes[route].spec.write_class());
        matches!(class, Some(WriteClass::Safe | WriteClass::Idempotent))
            || self.parts.method.is_idempotent()
    }

    /// New's 502, 503 and 504 count as no answer, where there is something to do about it.
    fn is_unavailable(&self, status: StatusCode) -> bool {
        let gone = matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        let remedy = match self.exchange.on_failure {
            OnFailure::AnswerByLegacy => !self.exchange.is_fallback,
            OnFailure::RetryNew => true,
            OnFailure::PassOn | OnFailure::RetryNewIfUndelivered => false,
        };
        gone && remedy && self.can_repeat()
    }

    fn side_asked(&self) -> Side {
        if self.exchange.is_fallback { Side::Legacy } else { self.exchange.side }
    }

    /// An upgrade is passed on between HTTP/1.1 connections; `h2c` is not one that we speak.
    fn may_tunnel(&self) -> bool {
        let asks = self.hop.upgrade.as_ref().is_some_and(|upgrade| {
            !upgrade.as_bytes().split(|b| *b == b',').any(|p| p.trim_ascii() == b"h2c")
        });
        asks && self.parts.version == Version::HTTP_11 && self.parts.method != Method::CONNECT
    }
}
