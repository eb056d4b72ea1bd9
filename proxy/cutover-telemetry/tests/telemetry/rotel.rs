//! The same spans through a third party's collector.
//!
//! `tests/all` installs it into `tests/.venv` and runs this. By hand:
//! `ROTEL_AGENT=…/rotel-agent cargo test -p cutover-telemetry -- --ignored`.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};

use crate::fixture::Fixture;
use crate::sink::{Answer, Sink, attribute, hex};

/// Ends the process with the test.
struct Rotel(Child);

impl Drop for Rotel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the collector on free ports, forwarding to the sink.
fn start(agent: &PathBuf, sink: &Sink) -> (Rotel, String) {
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (http, grpc) = (free(), free());
    let mut child = Command::new(agent)
        .args(["start", "--otlp-http-endpoint", &http])
        .args(["--otlp-grpc-endpoint", &grpc])
        .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
        .args(["--otlp-exporter-endpoint", &sink.endpoint()])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    // Its words are of use only when the test fails.
    std::thread::spawn(move || {
        output.lines().map_while(Result::ok).for_each(|line| println!("{line}"))
    });
    let rotel = Rotel(child);
    let by = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(&http).is_err() {
        assert!(Instant::now() < by, "rotel does not listen at {http}");
        std::thread::yield_now();
    }
    (rotel, format!("http://{http}"))
}

#[test]
#[ignore = "needs rotel: tests/all installs it and runs this"]
#[expect(clippy::disallowed_methods, reason = "a test is told where rotel is")]
fn a_third_partys_collector_passes_our_spans_on_unchanged() {
    let agent = std::env::var("ROTEL_AGENT").expect("ROTEL_AGENT names the rotel-agent binary");
    let sink = Sink::start(Answer::Accept);
    let (_rotel, endpoint) = start(&PathBuf::from(agent), &sink);
    let fixture = Fixture::new(&endpoint);
    let mut headers = HeaderMap::new();
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    headers.insert("traceparent", HeaderValue::from_static(caller));
    headers.insert("tracestate", HeaderValue::from_static("ot=th:0,foo=1"));
    let upstream = fixture.request(&headers);
    fixture.flush();
    assert_eq!((fixture.exported(), fixture.dropped_in_all()), (2, 0));

    let shared = sink.shared();
    shared.wait_for_span("GET /v1/devices/{id}");
    let spans = sink.spans();
    let [server, client] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(hex(&server.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&server.parent_span_id), "b7ad6b7169203331");
    assert_eq!(client.parent_span_id, server.span_id);
    assert_eq!(server.trace_state, "ot=th:0,foo=1");
    let sent = upstream["traceparent"].to_str().unwrap();
    assert!(sent.contains(&hex(&client.span_id)), "{sent}");
    let route = attribute(&server.attributes, "http.route");
    assert_eq!(route.as_deref(), Some("/v1/devices/{id}"));
    let resource_spans = shared.resource_spans();
    let resource = &resource_spans[0].resource.as_ref().unwrap().attributes;
    let instance = attribute(resource, "service.instance.id");
    assert_eq!(instance.as_deref(), fixture.resource.get("service.instance.id"));
}
