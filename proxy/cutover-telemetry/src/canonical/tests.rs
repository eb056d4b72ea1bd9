use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::context::{Flags, SpanId};
use crate::logs::LogGuard;
use crate::metrics::TelemetryMetrics;

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn context() -> TraceContext {
    TraceContext {
        trace_id: TraceId::new(0xabc).unwrap(),
        span_id: SpanId::new(0xdef).unwrap(),
        flags: Flags::from_bits(3),
        state: None,
    }
}

fn line(trace: &TraceContext) -> CanonicalLine<'_> {
    CanonicalLine {
        trace,
        method: &Method::GET,
        route: Some("device-read"),
        phase: "canary",
        side: "new",
        reason: "split",
        generation: 42,
        upstream: Some("registry"),
        attempts: 1,
        status: Some(StatusCode::OK),
        outcome: "ok",
        failure: None,
        duration: Duration::from_micros(12_345),
        upstream_duration: Duration::from_micros(11_500),
        bytes_in: 0,
        bytes_out: 1024,
    }
}

/// What one line looks like.
fn written(format: LogFormat, line: &CanonicalLine<'_>, is_error: bool) -> String {
    let output = Output::default();
    let guard = LogGuard::start(output.clone(), &TelemetryMetrics::new()).unwrap();
    let log = CanonicalLog::new(guard.writer().clone(), format, 1.0).unwrap();
    log.emit(line, is_error);
    assert!(guard.flush(Duration::from_secs(10)));
    let bytes = output.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_line_is_one_json_object_with_flat_keys() {
    let trace = context();
    let text = written(LogFormat::Json, &line(&trace), false);
    assert_eq!(text.matches('\n').count(), 1);
    let mut object: Value = serde_json::from_str(&text).unwrap();
    let timestamp = object["timestamp"].take();
    assert_eq!(timestamp.as_str().unwrap().len(), 24);
    assert_eq!(
        object,
        json!({
            "timestamp": null,
            "severity": "INFO",
            "target": "cutover::request",
            "message": "GET device-read answered 200 by registry in 12.345 ms",
            "http.request.method": "GET",
            "cutover.route.id": "device-read",
            "cutover.phase": "canary",
            "cutover.side": "new",
            "cutover.decision.reason": "split",
            "cutover.config.generation": 42,
            "upstream": "registry",
            "attempts": 1,
            "http.response.status_code": 200,
            "outcome": "ok",
            "duration_ms": 12.345,
            "upstream_duration_ms": 11.5,
            "bytes_in": 0,
            "bytes_out": 1024,
            "trace_id": "00000000000000000000000000000abc",
            "span_id": "0000000000000def",
            "trace_flags": "03",
        })
    );
}

#[test]
fn a_failure_is_a_warning_and_says_what_failed() {
    let trace = context();
    let failed = CanonicalLine {
        route: None,
        upstream: None,
        status: None,
        outcome: "timeout",
        failure: Some("timeout"),
        ..line(&trace)
    };
    let object: Value = serde_json::from_str(&written(LogFormat::Json, &failed, true)).unwrap();
    assert_eq!(object["severity"], "WARN");
    assert_eq!(object["cutover.route.id"], "_unmatched");
    assert_eq!(object["error.type"], "timeout");
    assert_eq!(object["message"], "GET _unmatched not answered after 12.345 ms");
    assert!(object.get("http.response.status_code").is_none());
}

#[test]
fn the_readable_form_is_one_line_too() {
    let trace = context();
    let text = written(LogFormat::Text, &line(&trace), false);
    assert!(
        text.contains("  INFO cutover::request: GET device-read answered 200 by registry"),
        "{text}"
    );
    assert!(text.contains(" cutover.side=\"new\""), "{text}");
    assert!(text.ends_with("trace_flags=\"03\"\n"), "{text}");
}

#[test]
fn errors_always_others_by_ratio() {
    let guard = LogGuard::start(Output::default(), &TelemetryMetrics::new()).unwrap();
    let log = CanonicalLog::new(guard.writer().clone(), LogFormat::Json, 0.01).unwrap();
    let roots = (0..100_000).map(|_| TraceContext::new_root(false).trace_id);
    let wanted = roots.filter(|id| log.wants(*id, false)).count();
    // 1,000 expected, standard deviation 31; six of them.
    assert!((810..=1190).contains(&wanted), "{wanted}");
    let none = CanonicalLog::new(guard.writer().clone(), LogFormat::Json, 0.0).unwrap();
    let id = TraceContext::new_root(true).trace_id;
    assert!(none.wants(id, true) && !none.wants(id, false));
}
