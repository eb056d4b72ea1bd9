use http::{Method, Request};
use opentelemetry::KeyValue;

use super::*;

#[track_caller]
fn check_url(address: &str, expected: &str) {
    assert_eq!(address.parse::<Receiver>().unwrap().traces_url(), expected);
}

#[test]
fn traces_go_below_the_base() {
    check_url("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces");
    check_url("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces");
    check_url("http://[::1]:4318/otlp/", "http://[::1]:4318/otlp/v1/traces");
}

#[test]
fn what_is_no_receiver_is_refused_with_a_remedy() {
    for address in
        ["", "4318", "127.0.0.1:4318", "/v1", "https://h:4318", "http://h/?a=1", "http://", "h t"]
    {
        let error = address.parse::<Receiver>().unwrap_err().to_string();
        assert!(error.contains("like http://127.0.0.1:4318"), "{address}: {error}");
        assert!(error.contains(&format!("`{address}`")), "{address}: {error}");
    }
}

fn attributes_of(request: http::request::Builder) -> Vec<KeyValue> {
    let mut attributes = span::attributes(&request.body(()).unwrap());
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}

#[test]
fn a_head_becomes_attributes() {
    let request = Request::get("/api/v1/devices?home=1&page=2").header("user-agent", "curl/8");
    assert_eq!(
        attributes_of(request),
        [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("url.path", "/api/v1/devices"),
            KeyValue::new("url.query", "home=1&page=2"),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("user_agent.original", "curl/8"),
        ]
    );
}

#[test]
fn clients_choose_neither_names_nor_sizes() {
    let brew = Method::from_bytes(b"BREW").unwrap();
    assert_eq!(span::method_name(&brew), "HTTP");
    assert_eq!(span::method_name(&Method::PATCH), "PATCH");
    let attributes = attributes_of(Request::builder().method(brew).uri("/".repeat(5000)));
    assert_eq!(
        attributes,
        [
            KeyValue::new("http.request.method", "_OTHER"),
            KeyValue::new("http.request.method_original", "BREW"),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("url.path", "/".repeat(1024)),
            KeyValue::new("url.scheme", "http"),
        ]
    );
}
