mod copy;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Code;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use prost::Message;

use super::server::split_authority;
use super::*;
use crate::context::TraceContext;
use crate::export::queue_for_tests;
use crate::sampling::{Reason, Sampler};
use crate::tracer::{RequestTrace, Tracer};
use crate::trust::Trust;
use crate::wire::Wire;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn trace(trust: Trust) -> RequestTrace {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(CALLER));
    headers.insert("tracestate", HeaderValue::from_static("ot=th:8"));
    let sampler = Sampler::new(1.0).unwrap();
    Tracer::new(trust, sampler, Some(queue_for_tests(8))).begin(&headers, None)
}

fn route() -> Arc<RouteLabel> {
    Arc::new(RouteLabel { id: "device-read".into(), template: Some("/v1/devices/{id}".into()) })
}

fn upstream() -> Arc<UpstreamLabel> {
    Arc::new(UpstreamLabel {
        name: "legacy-monolith".into(),
        scheme: Scheme::Http,
        address: "10.0.0.5".into(),
        port: 8080,
    })
}

fn server<'a>(route: Option<&'a Arc<RouteLabel>>, start: Instant) -> ServerSpan<'a> {
    ServerSpan {
        start,
        end: start + Duration::from_millis(12),
        method: &Method::GET,
        route,
        scheme: Scheme::Https,
        target: "/v1/devices/7?page=2&token=abc",
        authority: Some("api.example.com:8443"),
        version: Version::HTTP_2,
        client_address: Some("203.0.113.9".parse().unwrap()),
        peer: Some("[::ffff:192.0.2.1]:5000".parse().unwrap()),
        user_agent: None,
        status: Some(StatusCode::OK),
        failure: None,
        decision: Decision {
            phase: "canary",
            side: "new",
            reason: "split",
            cohort: Some("beta"),
            split_percent: Some(12.5),
            generation: 42,
            ..Decision::default()
        },
    }
}

fn attempt(start: Instant, status: u16, resend_count: u32) -> ClientSpan {
    ClientSpan {
        span_id: SpanId::random(),
        start,
        end: start + Duration::from_millis(5),
        upstream: upstream(),
        side: "legacy",
        version: Some(Version::HTTP_11),
        peer: Some("10.0.0.5:8080".parse().unwrap()),
        status: StatusCode::from_u16(status).ok(),
        failure: None,
        resend_count,
    }
}

fn spans(trace: &RequestTrace, server: &ServerSpan<'_>, attempts: Vec<ClientSpan>) -> Vec<Span> {
    let record = RequestRecord::new(trace, Reason::Parent, server, attempts);
    let mut wire = Wire::default();
    record.put(&mut wire, 2, Clock::read(), &Redaction::default());
    let spans = ScopeSpans::decode(&*wire.into_bytes()).unwrap().spans;
    assert_eq!(spans.len(), record.span_count());
    spans
}

/// `key=value` of every attribute, sorted.
fn attributes(attributes: &[KeyValue]) -> Vec<String> {
    let mut lines: Vec<_> = attributes
        .iter()
        .map(|attribute| {
            let value = attribute.value.as_ref().and_then(|any| any.value.as_ref());
            match value.unwrap() {
                Value::StringValue(text) => format!("{}={text}", attribute.key),
                Value::IntValue(number) => format!("{}={number}", attribute.key),
                Value::BoolValue(is_set) => format!("{}={is_set}", attribute.key),
                Value::DoubleValue(number) => format!("{}={number:?}", attribute.key),
                Value::ArrayValue(list) => format!("{}={}", attribute.key, texts(&list.values)),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    lines.sort();
    lines
}

fn texts(values: &[AnyValue]) -> String {
    let text = |any: &AnyValue| match any.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    values.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn has(span: &Span, line: &str) -> bool {
    attributes(&span.attributes).iter().any(|have| have == line)
}

fn key(span: &Span, key: &str) -> bool {
    span.attributes.iter().any(|attribute| attribute.key == key)
}

#[test]
fn a_server_span_follows_the_conventions() {
    let (trace, route) = (trace(Trust::Always), route());
    let spans = spans(&trace, &server(Some(&route), Instant::now()), vec![]);
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(span.name, "GET /v1/devices/{id}");
    assert_eq!(span.kind, SpanKind::Server as i32);
    assert_eq!(span.status, None);
    assert_eq!(
        attributes(&span.attributes),
        [
            "client.address=203.0.113.9",
            "cutover.cohort=beta",
            "cutover.config.generation=42",
            "cutover.decision.reason=split",
            "cutover.phase=canary",
            "cutover.route.id=device-read",
            "cutover.sampling.reason=parent",
            "cutover.side=new",
            "cutover.split.percent=12.5",
            "http.request.method=GET",
            "http.response.status_code=200",
            "http.route=/v1/devices/{id}",
            "network.peer.address=192.0.2.1",
            "network.peer.port=5000",
            "network.protocol.version=2",
            "server.address=api.example.com",
            "server.port=8443",
            "url.path=/v1/devices/7",
            "url.query=page=REDACTED&token=REDACTED",
            "url.scheme=https",
        ]
    );
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 12_000_000);
    assert_eq!(hex(&span.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&span.parent_span_id), "b7ad6b7169203331");
    assert_eq!(span.trace_state, "ot=th:8");
    // sampled, "has is_remote", "is remote"
    assert_eq!(span.flags, 0x301);
    assert!(span.links.is_empty());
}

#[test]
fn a_client_span_per_attempt() {
    let (trace, route) = (trace(Trust::Always), route());
    let start = Instant::now();
    let attempts = vec![attempt(start, 503, 0), attempt(start, 200, 1)];
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt.span_id).collect();
    let spans = spans(&trace, &server(Some(&route), start), attempts);
    let [server, first, second] = &spans[..] else { panic!("{spans:?}") };
    for (span, id) in [(first, ids[0]), (second, ids[1])] {
        assert_eq!(span.name, "GET /v1/devices/{id}");
        assert_eq!(span.kind, SpanKind::Client as i32);
        assert_eq!(span.parent_span_id, server.span_id);
        assert_eq!(span.trace_id, server.trace_id);
        assert_eq!(hex(&span.span_id), id.to_string());
        assert_eq!(span.flags, 0x101);
    }
    assert_eq!(code(first), Some(Code::Error));
    assert!(has(first, "error.type=503"));
    assert!(!key(first, "http.request.resend_count"));
    assert_eq!(
        attributes(&second.attributes),
        [
            "cutover.side=legacy",
            "http.request.method=GET",
            "http.request.resend_count=1",
            "http.response.status_code=200",
            "network.peer.address=10.0.0.5",
            "network.peer.port=8080",
            "network.protocol.version=1.1",
            "server.address=10.0.0.5",
            "server.port=8080",
            "service.peer.name=legacy-monolith",
            "url.full=http://10.0.0.5:8080/v1/devices/7?page=REDACTED&token=REDACTED",
            "url.template=/v1/devices/{id}",
        ]
    );
}

#[test]
fn a_live_span_names_the_trace_of_its_copy() {
    let trace = trace(Trust::Always);
    let id = TraceContext::new_root(false).trace_id;
    let mut server = server(None, Instant::now());
    assert!(!key(&spans(&trace, &server, vec![])[0], "cutover.shadow.sent"));
    server.decision.shadow_trace = Some(id);
    let span = &spans(&trace, &server, vec![])[0];
    assert!(has(span, "cutover.shadow.sent=true"));
    assert!(has(span, &format!("cutover.shadow.trace_id={id}")));
}

/// §1.2: 4xx is an error to the one who asks, 5xx to both.
#[test]
fn status_rules_differ_by_kind() {
    let cases = [
        (200, false, false),
        (304, false, false),
        (404, false, true),
        (499, false, true),
        (500, true, true),
        (503, true, true),
    ];
    for (status, server_fails, client_fails) in cases {
        let (trace, start) = (trace(Trust::Always), Instant::now());
        let server =
            ServerSpan { status: StatusCode::from_u16(status).ok(), ..server(None, start) };
        let spans = spans(&trace, &server, vec![attempt(start, status, 0)]);
        for (span, fails) in [(&spans[0], server_fails), (&spans[1], client_fails)] {
            assert_eq!(code(span) == Some(Code::Error), fails, "{status}");
            assert_eq!(has(span, &format!("error.type={status}")), fails, "{status}");
            assert_eq!(key(span, "error.type"), fails, "{status}");
        }
    }
}

#[test]
fn a_failure_names_the_error_better_than_the_status() {
    let (trace, start) = (trace(Trust::Always), Instant::now());
    let server = ServerSpan {
        status: Some(StatusCode::GATEWAY_TIMEOUT),
        failure: Some("timeout"),
        ..server(None, start)
    };
    let attempt = ClientSpan {
        status: None,
        failure: Some("timeout"),
        version: None,
        peer: None,
        ..attempt(start, 200, 0)
    };
    for span in spans(&trace, &server, vec![attempt]) {
        assert_eq!(code(&span), Some(Code::Error));
        assert!(has(&span, "error.type=timeout"));
    }
}

/// Semantic conventions, "recording errors": what was handled is no error of
/// the operation.
#[test]
fn a_fallback_that_answered_is_no_error_of_the_request() {
    let (trace, start) = (trace(Trust::Always), Instant::now());
    let mut server = server(None, start);
    server.decision.fallback = true;
    let spans = spans(&trace, &server, vec![attempt(start, 502, 0), attempt(start, 200, 1)]);
    assert_eq!(spans[0].status, None);
    assert!(has(&spans[0], "cutover.fallback=true"));
    assert_eq!(code(&spans[1]), Some(Code::Error));
    assert_eq!(spans[2].status, None);
}

#[test]
fn clients_cannot_choose_span_names() {
    let method = Method::from_bytes(b"BREW").unwrap();
    let (trace, route) = (trace(Trust::Always), route());
    let unmatched = ServerSpan { method: &method, ..server(None, Instant::now()) };
    let span = &spans(&trace, &unmatched, vec![])[0];
    assert_eq!(span.name, "HTTP");
    assert!(has(span, "http.request.method=_OTHER"));
    assert!(has(span, "http.request.method_original=BREW"));
    assert!(has(span, "cutover.route.id=_unmatched"));
    assert!(!key(span, "http.route"));

    let matched = ServerSpan { route: Some(&route), ..unmatched };
    assert_eq!(spans(&trace, &matched, vec![])[0].name, "HTTP /v1/devices/{id}");
}

#[test]
fn an_untrusted_caller_is_a_link() {
    let trace = trace(Trust::Never);
    let span = &spans(&trace, &server(None, Instant::now()), vec![])[0];
    assert!(span.parent_span_id.is_empty());
    assert_ne!(hex(&span.trace_id), "0af7651916cd43dd8448eb211c80319c");
    let [link] = &span.links[..] else { panic!("{span:?}") };
    assert_eq!(hex(&link.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&link.span_id), "b7ad6b7169203331");
    assert_eq!(link.trace_state, "ot=th:8");
    // sampled and random, "has is_remote", no remote parent
    assert_eq!(span.flags, 0x103);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let target = format!("/{}ä{}", "a".repeat(1022), "b".repeat(100_000));
    let span = ServerSpan { target: &target, ..server(None, Instant::now()) };
    let span = &spans(&trace(Trust::Always), &span, vec![])[0];
    assert!(has(span, &format!("url.path=/{}", "a".repeat(1022))));
}

#[test]
fn only_kept_values_stay_in_the_query() {
    let redaction = Redaction::keeping(["page".to_owned(), "at".to_owned()]);
    for (query, expected) in [
        ("page=1&at=x%26y", "page=1&at=x%26y"),
        ("page=1&token=x%26y&b=2", "page=1&token=REDACTED&b=REDACTED"),
        ("a=", "a=REDACTED"),
        ("secret", "REDACTED"),
        ("page", "REDACTED"),
        ("%70age=1&%7=1&%zz=2", "%70age=1&%7=REDACTED&%zz=REDACTED"),
        ("Page=1", "Page=REDACTED"),
        ("page=a=b", "page=a=b"),
        ("a=b=c&&=x", "a=REDACTED&&=REDACTED"),
        ("", ""),
    ] {
        assert_eq!(redaction.redact(query), expected);
    }
    assert_eq!(Redaction::default().redact("page=1"), "page=REDACTED");
}

#[test]
fn authorities_are_split() {
    let cases = [
        ("example.com", ("example.com", 443)),
        ("example.com:8080", ("example.com", 8080)),
        ("[2001:db8::1]:8080", ("2001:db8::1", 8080)),
        ("[2001:db8::1]", ("2001:db8::1", 443)),
        ("example.com:", ("example.com", 443)),
        ("", ("", 443)),
    ];
    for (authority, expected) in cases {
        assert_eq!(split_authority(authority, Scheme::Https), expected, "{authority}");
    }
}

#[test]
fn an_ipv6_upstream_has_brackets_in_its_url() {
    let start = Instant::now();
    let attempt = ClientSpan {
        upstream: Arc::new(UpstreamLabel {
            name: "registry".into(),
            scheme: Scheme::Https,
            address: "::1".into(),
            port: 443,
        }),
        ..attempt(start, 200, 0)
    };
    let server = ServerSpan { target: "/", ..server(None, start) };
    let spans = spans(&trace(Trust::Always), &server, vec![attempt]);
    assert!(has(&spans[1], "url.full=https://[::1]/"));
}

fn code(span: &Span) -> Option<Code> {
    span.status.as_ref().and_then(|status| Code::try_from(status.code).ok())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
