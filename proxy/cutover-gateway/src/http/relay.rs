//! Asking upstreams: attempt after attempt, until one gives the answer or nothing is left to try.

mod failure;
mod request;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_domain::{OnFailure, Side, WriteClass};
use cutover_telemetry::span::{ClientSpan, Scheme};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header, request::Parts};
use hyper::{
    body::{Body, Incoming},
    upgrade::OnUpgrade,
};

use self::failure::Next;
use super::{
    Unanswerable,
    answer::{Answer, Source},
    exchange::Exchange,
    headers::{self, Hop},
    tunnel,
};
use crate::{
    live::Patience,
    splice,
    upstream::{self, AttemptError, Lease, Rest, Reuse, Upstream},
};

/// Pauses between attempts at a new side that owns the entity.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(25), Duration::from_millis(100)];

/// A request on its way to upstreams.
pub(super) struct Relay {
    exchange: Box<Exchange>,
    parts: Parts,
    hop: Hop,
    /// The client's end of a connection that may be upgraded.
    tunnel: Option<OnUpgrade>,
    /// Position of the upstream to ask.
    upstream: usize,
    /// The parts went with the last attempt, so there is no other.
    is_spent: bool,
    /// A kept connection turned out closed: only a new one will do.
    insists_new: bool,
    retries: std::slice::Iter<'static, Duration>,
    /// When trying again must have led to an answer; set by the first retry.
    deadline: Option<Instant>,
}

/// What became of an attempt.
#[expect(clippy::large_enum_variant, reason = "lives for a moment on the stack of one request")]
enum Attempted {
    Answered(Response<Incoming>, Lease),
    Failed(Failed),
}

/// Why an attempt gave no answer.
enum Failed {
    Error(AttemptError),
    /// New answered 502, 503 or 504, and there is something to do about it.
    Unavailable(StatusCode),
}

// === impl Relay ===

impl Relay {
    /// A request to `upstream` first.
    pub(super) fn new(
        exchange: Box<Exchange>,
        mut parts: Parts,
        mut hop: Hop,
        upstream: usize,
    ) -> Relay {
        let tunnel = may_tunnel(&parts, &hop).then(|| tunnel::downstream(&mut parts));
        if tunnel.is_none() {
            hop.upgrade = None;
        }
        Relay {
            exchange,
            parts,
            hop,
            tunnel,
            upstream,
            is_spent: false,
            insists_new: false,
            retries: RETRY_PAUSES.iter(),
            deadline: None,
        }
    }

    /// Asks until there is an answer or nothing left to try.
    pub(super) async fn run(mut self) -> Result<Response<Answer>, Unanswerable> {
        // Held apart, so that the snapshot outlives the exchange's moves.
        let live = Arc::clone(&self.exchange.live);
        loop {
            let upstream = &live.upstreams[self.upstream];
            let patience = self.exchange.live_route().patience(upstream).until(self.deadline);
            let failed = match self.attempt(upstream, &patience).await {
                Attempted::Answered(response, lease) => {
                    return self.answer(response, lease, &patience).await;
                }
                Attempted::Failed(failed) => failed,
            };
            match self.next(&failed, &patience) {
                Next::Again(pause) => tokio::time::sleep(pause).await,
                Next::Legacy => self.turn_to_legacy(),
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
        let is_unavailable =
            asked.as_ref().is_ok_and(|(response, _)| self.is_unavailable(response.status()));
        let attempt = self.exchange.attempts.last_mut().expect("pushed above");
        match asked {
            Ok((response, lease)) => {
                attempt.version = Some(lease.version);
                attempt.peer = Some(lease.peer);
                attempt.status = Some(response.status());
                if is_unavailable {
                    attempt.end = Instant::now();
                    return Attempted::Failed(Failed::Unavailable(response.status()));
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
                Attempted::Failed(Failed::Error(error))
            }
        }
    }

    async fn ask(
        &mut self,
        upstream: &Arc<Upstream>,
        patience: &Patience,
    ) -> Result<(Response<Incoming>, Lease), AttemptError> {
        let reuse = match (self.insists_new, self.is_idempotent()) {
            (true, _) => Reuse::Never,
            (false, true) => Reuse::Any,
            (false, false) => Reuse::Fresh,
        };
        let ready = upstream::reserve(upstream, reuse, patience.connect).await?;
        // A connection used before may be closing right now.
        let again = self.exchange.on_failure != OnFailure::PassOn || ready.is_reused();
        let request = self.request(upstream, ready.is_http2(), again)?;
        let upload = self.exchange.upload.as_ref();
        let (response, lease) = ready.send(upstream, request, patience.first_byte, upload).await?;
        let is_unasked =
            response.status() == StatusCode::SWITCHING_PROTOCOLS && self.tunnel.is_none();
        if is_unasked { Err(AttemptError::UnaskedUpgrade) } else { Ok((response, lease)) }
    }

    async fn answer(
        mut self,
        response: Response<Incoming>,
        mut lease: Lease,
        patience: &Patience,
    ) -> Result<Response<Answer>, Unanswerable> {
        self.settle_interim().await;
        let (mut parts, mut incoming) = response.into_parts();
        self.exchange.answered(&parts);
        if let Some(upload) = &self.exchange.upload {
            upload.answered();
            if !upload.has_ended() {
                lease.detach();
            }
        }
        parts.version = Version::HTTP_11;
        if self.exchange.connection.shared.tracer.is_recording() {
            self.exchange.is_recorded_upstream = self.exchange.trace.is_recorded_by(&parts.headers);
        }
        if self.exchange.live.settings.trace_respond {
            self.respond_trace(&mut parts.headers);
        }
        if let (StatusCode::SWITCHING_PROTOCOLS, Some(tunnel)) = (parts.status, self.tunnel.take())
        {
            let response = Response::from_parts(parts, incoming);
            return Ok(tunnel::open(tunnel, response, lease, self.exchange));
        }
        let offered = self.offered_upgrade(&parts);
        let rest = self.splice(&parts, &mut incoming, &mut lease);
        headers::strip_response(&mut parts.headers);
        if let Some(upgrade) = offered {
            headers::set_upgrade(&mut parts.headers, upgrade);
        } else if self.exchange.connection.presence.is_draining()
            && self.exchange.version < Version::HTTP_2
        {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(copying) = &mut self.exchange.copying {
            copying.answer(&parts);
        }
        let claims_length = parts.status == StatusCode::NOT_MODIFIED
            && self.exchange.version < Version::HTTP_2
            && parts.headers.contains_key(header::CONTENT_LENGTH);
        let source = match rest {
            Some(rest) => Source::Rest(rest),
            None => Source::Hyper(incoming, Some(lease)),
        };
        let answer = Answer::streaming(source, patience.idle, self.exchange);
        let answer = if claims_length { answer.claiming_length() } else { answer };
        Ok(Response::from_parts(parts, answer))
    }

    /// The body around hyper: where it is long and nobody reads it, it need not be copied.
    fn splice(
        &self,
        parts: &http::response::Parts,
        incoming: &mut Incoming,
        lease: &mut Lease,
    ) -> Option<Rest> {
        let length = incoming.size_hint().exact().filter(|length| *length >= splice::BYTES_MIN)?;
        let client = self.exchange.connection.guard.as_ref()?;
        if self.exchange.connection.scheme == Scheme::Https || self.exchange.copying.is_some() {
            return None;
        }
        let is_kept = lease.version == Version::HTTP_11 && !headers::says_close(&parts.headers);
        lease.splice(incoming, length, client, is_kept)
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

    fn is_idempotent(&self) -> bool {
        let class = self
            .exchange
            .route
            .map(|route| self.exchange.live.table.routes[route].spec.write_class());
        matches!(class, Some(WriteClass::Safe | WriteClass::Idempotent))
            || self.parts.method.is_idempotent()
    }

    fn side_asked(&self) -> Side {
        if self.exchange.is_fallback { Side::Legacy } else { self.exchange.side }
    }
}

/// An upgrade is passed on between HTTP/1.1 connections; `h2c` is not one that we speak.
fn may_tunnel(parts: &Parts, hop: &Hop) -> bool {
    let asks = hop.upgrade.as_ref().is_some_and(|upgrade| {
        !upgrade.as_bytes().split(|b| *b == b',').any(|p| p.trim_ascii() == b"h2c")
    });
    asks && parts.version == Version::HTTP_11 && parts.method != Method::CONNECT
}
