use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::time::SystemTime;

use super::connection::{Connector, Endpoint};
use super::*;
use crate::metrics::{DropReason, Signal};

fn any_span() -> SpanData {
    SpanData {
        span_context: SpanContext::empty_context(),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "any".into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

#[test]
fn a_full_queue_drops_and_counts() {
    let metrics = TelemetryMetrics::new();
    let (spans, receiver) = queue::bounded(4, 2, metrics.clone());
    for _ in 0..7 {
        spans.push_sdk(any_span());
    }
    let dropped = || metrics.dropped_total(Signal::Traces, DropReason::QueueFull);
    assert_eq!((spans.length(), dropped()), (4, 3));

    assert_eq!(receiver.take(3).len(), 3);
    assert_eq!((spans.length(), metrics.queue_length()), (1, 1));
    spans.push_sdk(any_span());
    assert_eq!((spans.length(), dropped()), (2, 3));

    spans.close();
    spans.push_sdk(any_span());
    assert_eq!(spans.length(), 2);
    assert_eq!(metrics.dropped_total(Signal::Traces, DropReason::Shutdown), 1);
}

#[test]
fn threads_that_push_together_lose_nothing_below_the_bound() {
    let metrics = TelemetryMetrics::new();
    let (spans, receiver) = queue::bounded(10_000, 512, metrics.clone());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let spans = spans.clone();
            thread::spawn(move || (0..1000).for_each(|_| spans.push_sdk(any_span())))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(receiver.take(usize::MAX).len(), 4000);
    assert_eq!(spans.length(), 0);
    assert_eq!(metrics.dropped_total(Signal::Traces, DropReason::QueueFull), 0);
}

#[test]
fn endpoints_get_their_path() {
    let cases = [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example.com/x/y", "https://otlp.example.com/x/y"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ];
    for (text, expected) in cases {
        assert_eq!(Endpoint::parse(text).unwrap().uri, expected);
    }
}

#[test]
fn unusable_endpoints_are_refused_with_the_text() {
    for text in ["127.0.0.1:4318", "grpc://x", "/v1/traces", "http://", "http://u:p@x", "h p"] {
        let error = Endpoint::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("`{text}`")), "{error}");
        assert!(error.contains("http://127.0.0.1:4318"), "{error}");
    }
    let https = Endpoint::parse("https://localhost").unwrap();
    assert!(Connector::new(&https, Some(b"no pem")).is_err());
}

#[test]
fn an_empty_endpoint_starts_nothing() {
    let resource = Resource::new("test", "1");
    let exporter = Exporter::start(ExportConfig::new(""), &resource, &TelemetryMetrics::new());
    assert!(exporter.unwrap().is_none());
}

#[test]
fn every_process_has_an_instance_id() {
    let (one, other) = (Resource::new("a", "1"), Resource::new("a", "1"));
    let id = one.get("service.instance.id").unwrap();
    assert_ne!(Some(id), other.get("service.instance.id"));
    let bytes = id.as_bytes();
    assert_eq!(id.len(), 36);
    assert_eq!(bytes[14], b'4', "version 4: {id}");
    assert!(b"89ab".contains(&bytes[19]), "RFC 9562 variant: {id}");
    assert_eq!(one.get("telemetry.sdk.language"), Some("rust"));
    assert_eq!(one.get("telemetry.distro.name"), Some("cutover"));
}
