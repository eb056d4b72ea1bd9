//! The SERVER span of a service's request, and the way on to the next service.

use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue, Request, Response};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::context::{self, Extracted, Flags, TraceContext};
use crate::span::{Redaction, method_attribute, protocol_version};

/// Answers a request within a SERVER span, child of the caller's when the
/// request names one. Named `{METHOD} {template}`, or `{METHOD}` when no route
/// matched. Ends with the answer's head: bodies may stream for days.
///
/// `template` is the route's pattern like `/v1/devices/{id}`, never the path.
pub async fn trace_request<B, R, F>(
    template: Option<&str>,
    request: Request<B>,
    respond: impl FnOnce(Request<B>) -> F,
) -> Response<R>
where
    F: Future<Output = Response<R>>,
{
    let span = server_span(template, &request);
    let response = respond(request).instrument(span.clone()).await;
    let status = response.status();
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_attribute("error.type", status.as_str().to_owned());
        span.set_status(Status::error(""));
    }
    response
}

/// Writes the running span's context into the headers of an outgoing call.
/// Without a running span, takes any trace headers off.
pub fn inject(headers: &mut HeaderMap) {
    let context = Span::current().context();
    let span = context.span();
    match from_otel(span.span_context()) {
        Some(context) => context.inject(headers),
        None => context::remove(headers),
    }
}

fn server_span<B>(template: Option<&str>, request: &Request<B>) -> Span {
    let method = method_attribute(request.method());
    let in_name = if method == "_OTHER" { "HTTP" } else { method };
    let span = tracing::info_span!(
        "request",
        otel.name = field::Empty,
        otel.kind = "server",
        http.route = field::Empty,
    );
    match template {
        Some(template) => {
            span.record("otel.name", format!("{in_name} {template}"));
            span.record("http.route", template);
        }
        None => {
            span.record("otel.name", in_name);
        }
    }
    if let Extracted::Valid(caller) = context::extract(request.headers()) {
        let parent = Context::new().with_remote_span_context(to_otel(&caller));
        // Fails only when nothing listens to spans.
        let _ = span.set_parent(parent);
    }
    put_attributes(&span, method, request);
    span
}

fn put_attributes<B>(span: &Span, method: &'static str, request: &Request<B>) {
    span.set_attribute("http.request.method", method);
    if method == "_OTHER" {
        let original = request.method().as_str().to_owned();
        span.set_attribute("http.request.method_original", original);
    }
    let uri = request.uri();
    span.set_attribute("url.scheme", uri.scheme_str().unwrap_or("http").to_owned());
    span.set_attribute("url.path", uri.path().to_owned());
    if let Some(query) = uri.query() {
        let query = Redaction::default().redact(query);
        span.set_attribute("url.query", query);
    }
    span.set_attribute("network.protocol.version", protocol_version(request.version()));
    let host = request.headers().get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(http::uri::Authority::as_str).or(host);
    if let Some(Ok(authority)) = authority.map(http::uri::Authority::from_str) {
        span.set_attribute("server.address", authority.host().to_owned());
        if let Some(port) = authority.port_u16() {
            span.set_attribute("server.port", i64::from(port));
        }
    }
    if let Some(Ok(agent)) =
        request.headers().get(http::header::USER_AGENT).map(HeaderValue::to_str)
    {
        span.set_attribute("user_agent.original", agent.to_owned());
    }
}

fn to_otel(context: &TraceContext) -> SpanContext {
    let state = context.state.as_ref().and_then(|state| state.to_str().ok());
    SpanContext::new(
        TraceId::from(context.trace_id.get()),
        SpanId::from(context.span_id.get()),
        TraceFlags::new(context.flags.bits()),
        true,
        // The SDK is stricter in details; what it refuses is not passed on.
        TraceState::from_str(state.unwrap_or_default()).unwrap_or_default(),
    )
}

fn from_otel(span: &SpanContext) -> Option<TraceContext> {
    let state = span.trace_state().header();
    Some(TraceContext {
        trace_id: context::TraceId::new(u128::from_be_bytes(span.trace_id().to_bytes()))?,
        span_id: context::SpanId::new(u64::from_be_bytes(span.span_id().to_bytes()))?,
        flags: Flags::from_bits(span.trace_flags().to_u8()),
        state: (!state.is_empty()).then(|| HeaderValue::from_str(&state).ok()).flatten(),
    })
}
