//! The span of one request, in the words of the stable HTTP conventions
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).

use axum::extract::MatchedPath;
use axum::response::Response;
use http::header::USER_AGENT;
use http::{Method, Request, Version};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Status};
use opentelemetry_sdk::trace::Span;

/// Longest value that a client chooses.
const VALUE_BYTES_MAX: usize = 1024;
/// Name of a span whose method is not a known one.
const UNKNOWN_METHOD: &str = "HTTP";
/// Those of RFC 9110 and PATCH (RFC 5789).
const KNOWN_METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// A request under way; dropping it ends the span. Without a status nobody answered the request.
pub(crate) struct RequestSpan(Option<Box<Open>>);

struct Open {
    span: Span,
    method: &'static str,
}

impl RequestSpan {
    pub(super) fn new(span: Span, method: &'static str) -> RequestSpan {
        RequestSpan(Some(Box::new(Open { span, method })))
    }

    /// Does nothing, at no cost.
    pub(super) fn none() -> RequestSpan {
        RequestSpan(None)
    }

    /// Notes what was answered, and by which route. The span goes on until the body has gone.
    pub(crate) fn answered(&mut self, response: &Response) {
        let Some(Open { span, method }) = self.0.as_deref_mut() else { return };
        if let Some(route) = response.extensions().get::<MatchedPath>() {
            span.update_name(format!("{method} {}", route.as_str()));
            span.set_attribute(KeyValue::new("http.route", route.as_str().to_owned()));
        }
        let status = response.status();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        // 4xx is the client's error, not ours.
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
    }
}

/// What the head of a request says.
pub(super) fn attributes<B>(request: &Request<B>) -> Vec<KeyValue> {
    let uri = request.uri();
    let mut attributes = vec![
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", clipped(uri.path())),
        KeyValue::new("network.protocol.version", protocol_version(request.version())),
    ];
    let known_method = known_method(request.method());
    attributes.push(KeyValue::new("http.request.method", known_method.unwrap_or("_OTHER")));
    if known_method.is_none() {
        let original = clipped(request.method().as_str());
        attributes.push(KeyValue::new("http.request.method_original", original));
    }
    if let Some(query) = uri.query() {
        attributes.push(KeyValue::new("url.query", clipped(query)));
    }
    if let Some(agent) = request.headers().get(USER_AGENT) {
        let agent = String::from_utf8_lossy(agent.as_bytes());
        attributes.push(KeyValue::new("user_agent.original", clipped(&agent)));
    }
    attributes
}

/// The method for the span's name: few, whatever clients send.
pub(super) fn method_name(method: &Method) -> &'static str {
    known_method(method).unwrap_or(UNKNOWN_METHOD)
}

fn known_method(method: &Method) -> Option<&'static str> {
    KNOWN_METHODS.into_iter().find(|known| *known == method.as_str())
}

fn protocol_version(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "1.0" } else { "1.1" }
}

fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(VALUE_BYTES_MAX)].to_owned()
}
