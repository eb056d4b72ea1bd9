//! One request, from the head that the guard let pass to the answer's first byte.
//!
//! [`proxy`] reads top to bottom: take the table in force, find the route, decide the side, ask
//! the upstream, and where that fails do what the decision says.

pub(crate) mod answer;
pub(crate) mod connection;
mod copying;
mod exchange;
mod forwarded;
mod headers;
mod relay;
mod streams;
mod tunnel;

use std::{cell::OnceCell, sync::Arc, time::SystemTime};

use cutover_domain::{Reason, RequestHead, SideOverride, decide};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Body, Incoming};

use self::{
    answer::Answer,
    connection::Connection,
    copying::Copying,
    exchange::Exchange,
    headers::{authority, strip_request, without_port},
    relay::Relay,
};
use crate::{
    guard::{GuardEvents, Refusal, check_decoded},
    journeys::Taking,
    overrides,
    settings::Settings,
    subjects,
    upstream::{BodyFault, Upload},
};

/// No answer can be given; hyper closes the connection without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct Unanswerable;

/// Serves one request.
pub(crate) async fn proxy(
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Unanswerable> {
    let (mut parts, incoming) = request.into_parts();
    let mut exchange = Exchange::open(connection, &parts);
    if let Err(refused) = admit(connection, &parts) {
        return Ok(refused.answer(exchange));
    }
    let upstream = route(&mut exchange, connection, &parts);
    if !incoming.is_end_stream() {
        match upload(connection, &exchange.live.settings, incoming) {
            Ok(upload) => exchange.upload = Some(upload),
            Err(refused) => return Ok(refused.answer(exchange)),
        }
    }
    let hop = strip_request(&mut parts.headers);
    forwarded::set(&mut parts, &exchange.live.settings, connection.peer.ip(), connection.scheme);
    if hop.upgrade.is_some() {
        exchange.copying = None;
    }
    if let (Some(copying), Some(copies)) = (&mut exchange.copying, &connection.shared.copies) {
        copying.request(&parts, &exchange.trace);
        if let (Some(upload), Some(copy)) = (&exchange.upload, copying::body(copies.budget())) {
            upload.copy_to(copy);
        }
    }
    Relay::new(exchange, parts, hop, upstream).run().await
}

/// Why a request is refused, as its client is told.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

fn admit(connection: &Connection, parts: &Parts) -> Result<(), Refused> {
    // The guard saw what came by HTTP/1.
    if connection.streams.is_some() {
        let limits = connection.listener.settings().guard.limits;
        check_decoded(parts, &limits).map_err(|refusal| {
            connection.shared.metrics.refused(refusal, false);
            Refused::from(refusal)
        })?;
    }
    if parts.method == Method::CONNECT {
        return Err(Refusal::Connect.into());
    }
    // A revoked certificate ends its connections too, resumed or long open.
    if let (Some(tls), Some(identity)) = (&connection.listener.tls, &connection.identity)
        && tls.recheck(identity).is_err()
    {
        let message = "the client certificate no longer holds";
        let (status, code) = (StatusCode::FORBIDDEN, "client_certificate");
        return Err(Refused { status, code, message });
    }
    Ok(())
}

/// Takes over the body. One that says to be too long is refused before any upstream sees it.
fn upload(
    connection: &Connection,
    settings: &Settings,
    incoming: Incoming,
) -> Result<Upload, Refused> {
    let listener = connection.listener.settings();
    let bytes_max = listener.body_bytes_max.unwrap_or(u64::MAX);
    if incoming.size_hint().lower() > bytes_max {
        return Err(Refused::from(BodyFault::TooLong));
    }
    // HTTP/1 bodies have the guard's clocks.
    let timeouts = connection.streams.is_some().then_some(listener.guard.timeouts);
    Ok(Upload::new(incoming, settings.limits.replay_bytes_max, bytes_max, timeouts))
}

/// Finds the route and decides the side. Returns the position of the upstream to ask.
fn route(exchange: &mut Exchange, connection: &Connection, parts: &Parts) -> usize {
    let live = Arc::clone(&exchange.live);
    let path = parts.uri.path();
    let head = RequestHead {
        method: &parts.method,
        host: authority(&parts.uri, &parts.headers).map(without_port),
        path,
        headers: &parts.headers,
    };
    let Some(position) = live.table.find(&head) else {
        return live.default_of(connection.listener.position);
    };
    let route = &live.table.routes[position];
    let request = subjects::RequestSubjects {
        headers: &parts.headers,
        path,
        template: &route.spec.endpoint.path,
        identity: connection.identity.as_deref(),
        address: connection.peer.ip(),
        settings: &live.settings,
        claims: OnceCell::new(),
    };
    let decision = decide(route, &request, side_override(&live.settings, parts));
    exchange.decided(position, &decision);
    exchange.subject = subjects::judged(route, &decision, &request);
    if let Some(journeys) = &live.route(Some(position)).journeys {
        let of_route = (route.spec.id.as_str(), &route.spec.endpoint.path);
        let chosen = (decision.side, decision.reason == Reason::Override);
        exchange.journeys = Taking::begin(journeys, of_route, parts, exchange.start, chosen);
    }
    if let Some(copies) = &connection.shared.copies
        && let Some(copying) =
            Copying::begin(exchange, position, &decision, &request, copies.budget())
    {
        exchange.copying = Some(copying);
    }
    live.upstream_position(route, decision.side)
}

/// The side that a tester's signed override asks for.
fn side_override(settings: &Settings, parts: &Parts) -> Option<SideOverride> {
    let key = settings.override_key.as_ref()?;
    let token = match parts.headers.get(overrides::NAME) {
        Some(value) => value.to_str().ok()?,
        None if parts.headers.contains_key(header::COOKIE) => {
            subjects::cookie(&parts.headers, overrides::COOKIE)?
        }
        None => return None,
    };
    key.verify(token, SystemTime::now())
}

// === impl Refused ===

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        let status = StatusCode::from_u16(refusal.status().0).unwrap_or(StatusCode::BAD_REQUEST);
        Refused { status, code: refusal.code(), message: refusal.explain() }
    }
}

impl From<BodyFault> for Refused {
    fn from(fault: BodyFault) -> Refused {
        let (status, code, message) = match fault {
            BodyFault::TooLong => {
                let message = "the request body is longer than this listener takes";
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message)
            }
            BodyFault::Slow => {
                let message = "the request body came too slowly";
                (StatusCode::REQUEST_TIMEOUT, "body_slow", message)
            }
            BodyFault::Broken | BodyFault::Superseded => {
                (StatusCode::BAD_REQUEST, "body_framing", "the request body is not well framed")
            }
        };
        Refused { status, code, message }
    }
}

impl Refused {
    fn answer(self, mut exchange: Box<Exchange>) -> Response<Answer> {
        exchange.is_rejected = true;
        exchange.failure = Some(self.code);
        exchange.status = Some(self.status);
        let http1 = exchange.version < http::Version::HTTP_2;
        let mut response = Answer::text(self.status, self.code, self.message, Some(exchange));
        // What follows on this connection would meet the same.
        if http1 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
