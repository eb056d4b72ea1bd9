//! Who said what: legacy is what the candidate is held against, whichever of them served.

use cutover_domain::{
    Exchange, Side, WriteClass, compare::Incomparable, exchange::ResponseCopy, parity::Shape,
};
use http::{Method, StatusCode, header};

use super::Asked;
use crate::{
    lane::{Fault, Reply},
    parse::Raw,
};

/// Longest name of a query parameter, or version of a client, that a shape shows.
const WORD_BYTES_MAX: usize = 40;

/// The answers to one request, by role.
pub(super) struct Roles<'a> {
    pub(super) legacy: Result<Raw<'a>, Incomparable>,
    pub(super) candidate: Result<Raw<'a>, Fault>,
    pub(super) reference: Option<Raw<'a>>,
}

// === impl Roles ===

impl<'a> Roles<'a> {
    pub(super) fn of(asked: &'a Asked) -> Roles<'a> {
        let live = asked.exchange.response.as_ref().ok_or(Incomparable::LiveFailed);
        let copy = asked.reply.as_ref().map_err(|fault| *fault);
        let reference = asked.reference.as_ref().map(of_reply);
        match asked.exchange.candidate {
            Side::New => {
                Roles { legacy: live.map(of_response), candidate: copy.map(of_reply), reference }
            }
            // The copy went back to legacy: what was served is the candidate's. Legacy failing to
            // answer the copy says nothing about it.
            Side::Legacy => {
                let live = live.map(of_response);
                let legacy = copy.map(of_reply).map_err(|_| Incomparable::LiveFailed);
                match live {
                    Ok(live) => Roles { legacy, candidate: Ok(live), reference },
                    Err(why) => {
                        Roles { legacy: Err(why), candidate: Err(Fault::Reset), reference: None }
                    }
                }
            }
        }
    }

    /// Legacy's.
    pub(super) fn status(&self) -> Option<StatusCode> {
        self.legacy.as_ref().ok().map(|raw| raw.status)
    }

    /// Candidate − legacy, where both answered. The second legacy call is measured as the copy
    /// is; the live request's duration has its client in it and stands in only on routes that
    /// never have a second call.
    pub(super) fn latency_micros(&self, asked: &Asked) -> Option<i64> {
        let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).ok();
        let copy = micros(asked.reply.as_ref().ok()?.duration)?;
        self.candidate.as_ref().ok()?;
        let live = micros(asked.exchange.duration)?;
        match (asked.exchange.candidate, &asked.reference) {
            (Side::New, Some(reference)) => Some(copy - micros(reference.duration)?),
            (Side::New, None) if !has_references(&asked.exchange) => Some(copy - live),
            (Side::New, None) => None,
            (Side::Legacy, _) => Some(live - copy),
        }
    }
}

/// Whether legacy is ever asked a second time: never what might change something.
pub(super) fn has_references(exchange: &Exchange) -> bool {
    exchange.table.routes[exchange.route].spec.write_class() == WriteClass::Safe
}

fn of_response(response: &ResponseCopy) -> Raw<'_> {
    let ResponseCopy { status, headers, body, trailers } = response;
    Raw { status: *status, headers, body, trailers }
}

fn of_reply(reply: &Reply) -> Raw<'_> {
    let Reply { status, headers, body, trailers, .. } = reply;
    Raw { status: *status, headers, body, trailers }
}

/// The shape of the request: names, never values.
pub(super) fn shape(exchange: &Exchange, legacy: Option<StatusCode>) -> Shape {
    let request = &exchange.request;
    let template = exchange.table.routes[exchange.route].spec.endpoint.path.to_string();
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let status = legacy.map_or(0, |status| status.as_u16());
    let names = query.split('&').filter(|pair| !pair.is_empty()).map(parameter);
    Shape::new(method(&request.method), &template, names, status, agent.and_then(client))
}

/// A method that clients do not choose freely.
fn method(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.as_str() } else { "_OTHER" }
}

/// The parameter's name. One without a value may be a value.
fn parameter(pair: &str) -> &str {
    match pair.split_once('=') {
        Some((name, _)) if is_word(name) => name,
        _ => "_other",
    }
}

/// Name and version of the client: the first product of its `User-Agent` (RFC 9110 §10.1.5).
fn client(agent: &str) -> Option<&str> {
    let product = agent.split([' ', '(']).next()?;
    let (name, version) = product.split_once('/')?;
    (is_word(name) && is_word(version)).then_some(product)
}

fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]$".contains(&byte);
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
