//! Spans as a receiver gets them, and answers as if there were none.

use std::time::{Duration, Instant};

use monolith::contract::Options;
use monolith::{Fault, FaultKind};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;

use crate::rig::Rig;
use crate::sink::{Sink, texts};

const TRACE_ID: [u8; 16] = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
const PARENT_ID: [u8; 8] = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

async fn traced(receiver: &str) -> Rig {
    Rig::with(|config| config.otlp = Some(receiver.parse().unwrap())).await
}

fn with_headers(head: &str, headers: &str) -> String {
    format!("{head} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_request_continues_its_callers_trace() {
    let sink = Sink::start().await;
    let rig = traced(&sink.url()).await;
    let headers = format!(
        "traceparent: 00-{TRACE}-01\r\ntracestate: proxy=a7,ot=th:c\r\nUser-Agent: app/1\r\n"
    );
    let answer = rig.raw(&with_headers("GET /api/v1/devices/3?x=1", &headers)).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(!answer.contains("trace"), "{answer}");
    rig.monolith.stop().await;

    let span = sink.span();
    assert_eq!(span.name, "GET /api/v1/devices/{id}");
    assert_eq!(span.trace_id, TRACE_ID);
    assert_eq!(span.parent_span_id, PARENT_ID);
    assert_ne!(span.span_id, PARENT_ID);
    assert_eq!(span.trace_state, "proxy=a7,ot=th:c");
    assert_eq!(span.kind(), SpanKind::Server);
    assert!(span.start_time_unix_nano < span.end_time_unix_nano);
    assert_eq!(
        texts(&span.attributes),
        [
            "http.request.method=GET",
            "http.response.status_code=401",
            "http.route=/api/v1/devices/{id}",
            "network.protocol.version=1.1",
            "url.path=/api/v1/devices/3",
            "url.query=x=1",
            "url.scheme=http",
            "user_agent.original=app/1",
        ]
    );
    // 4xx is no error of the server.
    assert!(span.status.is_none_or(|status| status.code() == StatusCode::Unset));
    let export = sink.exports().remove(0);
    let resource = texts(&export.resource.unwrap().attributes);
    assert!(resource.contains(&"service.name=smart-home-monolith".to_owned()), "{resource:?}");
    let scope = &export.scope_spans[0];
    assert!(scope.schema_url.starts_with("https://opentelemetry.io/schemas/"), "{scope:?}");
}

#[tokio::test]
async fn a_callers_choice_not_to_trace_is_kept_and_no_trace_is_a_new_one() {
    let sink = Sink::start().await;
    let rig = traced(&sink.url()).await;
    rig.raw(&with_headers("GET /api/v1/catalog", &format!("traceparent: 00-{TRACE}-00\r\n"))).await;
    rig.raw(&with_headers("GET /health", "traceparent: 00-broken-01\r\ntracestate: a=b\r\n")).await;
    rig.get("/about.php").await;
    rig.monolith.stop().await;
    let spans = sink.spans();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["GET /health", "GET /about.php"]);
    for span in &spans {
        assert_eq!((span.parent_span_id.len(), span.trace_state.as_str()), (0, ""), "{span:?}");
        assert_ne!(span.trace_id, TRACE_ID);
    }
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[tokio::test]
async fn errors_and_strangers_are_told_apart() {
    let sink = Sink::start().await;
    let rig = traced(&sink.url()).await;
    let failing = Fault::everywhere(FaultKind::Status { status: 503 }).on("/health");
    rig.monolith.set_faults(vec![failing]).unwrap();
    rig.get("/health").await;
    rig.get("/nowhere/7").await;
    rig.raw(&with_headers("BREW /about.php", "")).await;
    rig.raw(&with_headers("DELETE /api/v1/devices", "")).await;
    rig.monolith.stop().await;
    let spans = sink.spans();
    let told: Vec<(&str, String)> = spans
        .iter()
        .map(|span| {
            let mut told = texts(&span.attributes);
            told.retain(|text| {
                ["error.", "http."].iter().any(|beginning| text.starts_with(beginning))
            });
            (span.name.as_str(), told.join(" "))
        })
        .collect();
    let expected = [
        ("GET", "error.type=503 http.request.method=GET http.response.status_code=503"),
        ("GET", "http.request.method=GET http.response.status_code=404"),
        (
            "HTTP /about.php",
            "http.request.method=_OTHER http.request.method_original=BREW http.response.status_code=405 http.route=/about.php",
        ),
        (
            "DELETE /api/v1/devices",
            "http.request.method=DELETE http.response.status_code=405 http.route=/api/v1/devices",
        ),
    ];
    assert_eq!(told, expected.map(|(name, told)| (name, told.to_owned())));
    let failed = |index: usize| {
        spans[index].status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
    };
    assert_eq!([failed(0), failed(1), failed(2), failed(3)], [true, false, false, false]);
}

#[tokio::test]
async fn the_contract_holds_with_a_span_for_every_request() {
    let sink = Sink::start().await;
    let rig = traced(&sink.url()).await;
    let report = rig.play(&Options { strict_order: true, ..Options::default() }).await;
    assert!(report.is_clean(), "{report}");
    let log = rig.access_log();
    rig.monolith.stop().await;
    let lines = std::fs::read_to_string(log).unwrap().lines().count();
    assert_eq!(sink.spans().len(), lines);
    assert!(lines > report.passed, "{lines} requests for {} exchanges", report.passed);
}

#[tokio::test]
async fn an_absent_receiver_disturbs_no_answer_and_no_end() {
    let vacated = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", vacated.local_addr().unwrap());
    drop(vacated);
    undisturbed_by(&url).await;
}

#[tokio::test]
async fn a_receiver_that_never_answers_disturbs_no_answer_and_no_end() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    undisturbed_by(&format!("http://{}", silent.local_addr().unwrap())).await;
}

/// More requests than the queue of spans holds (2048), so that the exporter is at work meanwhile.
async fn undisturbed_by(receiver: &str) {
    let plain = Rig::start().await;
    let rig = traced(receiver).await;
    let without_id = |answer: String| {
        let lines = answer.lines().filter(|line| !line.starts_with("X-Request-Id: "));
        lines.filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n")
    };
    let expected = without_id(plain.get("/about.php").await);
    let burst = "GET /about.php HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2500);
    let answers = rig.raw(&format!("{burst}{}", with_headers("GET /about.php", ""))).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2501);
    assert_eq!(without_id(rig.get("/about.php").await), expected);
    let begun = Instant::now();
    rig.monolith.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
