//! What arrives at a receiver that works.

use std::time::Duration;

use cutover_telemetry::export::ExportConfig;
use cutover_telemetry::metrics::{Signal, TelemetryMetrics};
use http::{HeaderMap, HeaderValue};

use crate::fixture::Fixture;
use crate::sink::{Answer, Sink, attribute, hex};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn one_trace_from_the_caller_to_the_upstream() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::new(&sink.endpoint());
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(CALLER));
    headers.insert("tracestate", HeaderValue::from_static("ot=th:0,foo=1"));
    let upstream = fixture.request(&headers);
    fixture.flush();

    let spans = sink.spans();
    let [server, client] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(hex(&server.parent_span_id), "b7ad6b7169203331");
    assert_eq!(client.parent_span_id, server.span_id);
    for span in [server, client] {
        assert_eq!(hex(&span.trace_id), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.name, "GET /v1/devices/{id}");
        assert_eq!(span.trace_state, "ot=th:0,foo=1");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let sent = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", hex(&client.span_id));
    assert_eq!(upstream["traceparent"], sent);

    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap();
    let age = since_epoch - Duration::from_nanos(server.start_time_unix_nano);
    assert!(age < Duration::from_secs(60), "{age:?}");
}

#[test]
fn the_resource_and_the_conventions_are_named() {
    let sink = Sink::start(Answer::Accept);
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_static("secret"));
    let fixture = Fixture::with(ExportConfig {
        headers,
        delay: Duration::from_secs(3600),
        ..ExportConfig::new(sink.endpoint())
    });
    fixture.requests(1);
    fixture.flush();

    let [resource_spans] = &sink.shared().resource_spans()[..] else {
        panic!("one resource expected")
    };
    let resource = &resource_spans.resource.as_ref().unwrap().attributes;
    for (key, expected) in [
        ("service.name", "cutover-proxy"),
        ("service.namespace", "home"),
        ("service.version", "1.2.3"),
        ("deployment.environment.name", "test"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.distro.name", "cutover"),
    ] {
        assert_eq!(attribute(resource, key).as_deref(), Some(expected), "{key}");
    }
    for key in ["service.instance.id", "host.name", "telemetry.sdk.version"] {
        let expected = fixture.resource.get(key);
        assert!(expected.is_some(), "{key}");
        assert_eq!(attribute(resource, key).as_deref(), expected, "{key}");
    }
    let schema = "https://opentelemetry.io/schemas/1.42.0";
    assert_eq!(resource_spans.schema_url, schema);
    assert_eq!(resource_spans.scope_spans[0].schema_url, schema);

    let headers = sink.shared().headers();
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-api-key"], "secret");
    assert_eq!(headers["host"], sink.address.to_string());
}

#[test]
fn a_full_batch_leaves_by_itself() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::with(ExportConfig {
        batch_spans_max: 8,
        delay: Duration::from_secs(3600),
        ..ExportConfig::new(sink.endpoint())
    });
    fixture.requests(4);
    sink.shared().wait_for_requests(1);
    assert_eq!(sink.spans().len(), 8);
}

#[test]
fn a_lone_span_leaves_after_the_delay() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::with(ExportConfig {
        delay: Duration::from_millis(20),
        ..ExportConfig::new(sink.endpoint())
    });
    fixture.requests(1);
    sink.shared().wait_for_requests(1);
    assert_eq!(sink.spans().len(), 2);
}

#[test]
fn all_that_waits_is_sent_in_batches_over_one_connection() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::with(ExportConfig {
        batch_spans_max: 100,
        queue_spans_max: 10_000,
        delay: Duration::from_secs(3600),
        ..ExportConfig::new(sink.endpoint())
    });
    fixture.requests(500);
    fixture.flush();
    assert_eq!(sink.spans().len(), 1000);
    assert!(sink.shared().requests() >= 10);
    assert_eq!(fixture.exported(), 1000);
    assert_eq!(fixture.metrics.queue_length(), 0);
}

#[test]
fn shutdown_sends_what_waits() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::new(&sink.endpoint());
    fixture.requests(10);
    fixture.exporter.shutdown(Duration::from_secs(30)).unwrap();
    assert_eq!(sink.spans().len(), 20);
    // After the end nothing hangs, and nothing is hidden.
    fixture.requests(1);
    assert_eq!(fixture.dropped_in_all(), 2);
    fixture.exporter.shutdown(Duration::from_secs(30)).unwrap();
    fixture.exporter.flush(Duration::from_secs(30)).unwrap();
}

#[test]
fn metrics_are_shared_by_their_clones() {
    let metrics = TelemetryMetrics::new();
    assert_eq!(metrics.clone().exported_total(Signal::Traces), 0);
}
