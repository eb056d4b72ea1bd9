use expect_test::expect;
use serde_json::json;

use super::*;

fn answer() -> TraceAnswer {
    let span = |id: &str, depth: usize, name: &str, from: f64, took: f64, error: bool| {
        json!({
            "span_id": id, "depth": depth, "name": name, "start_ms": from, "duration_ms": took,
            "kind": if depth == 0 { "server" } else { "client" }, "error": error,
            "attributes": [["cutover.side", "new"], ["error.type", "timeout"]],
        })
    };
    let answer = json!({
        "trace": {
            "trace_id": "00aa", "at_ms": 0, "name": "GET /x/{id}", "copy": false, "route": "x",
            "side": "new", "outcome": "200, fallback", "bad": true, "duration_ms": 30.04,
            "reason": "fallback", "linked": ["00bb"],
        },
        "spans": [
            span("1", 0, "GET /x/{id}", 0.0, 30.04, false),
            span("2", 1, "GET /x/{id}", 1.0, 10.0, true),
        ],
        "cut": false,
    });
    serde_json::from_value(answer).unwrap()
}

#[test]
fn a_list_for_people() {
    let answer = TracesAnswer { at_ms: 5_000, recording: true, traces: vec![answer().trace] };
    expect![[r#"
        TRACE  WHEN    NAME         ROUTE  SIDE  OUTCOME        TOOK    KEPT FOR
        00aa   5s ago  GET /x/{id}  x      new   200, fallback  30.0ms  fallback"#]]
    .assert_eq(&table_text(&list(&answer)));
}

#[test]
fn one_trace_as_a_tree() {
    expect![[r#"
        GET /x/{id}: 200, fallback, 30.0ms at 1970-01-01 00:00:00Z, kept for fallback
        names the trace 00bb

        BEGINS  TOOK    KIND    SIDE  SPAN
        0.0ms   30.0ms  server  new   GET /x/{id}
        1.0ms   10.0ms  client  new   · GET /x/{id} (timeout)"#]]
    .assert_eq(&text(&answer()));
}
