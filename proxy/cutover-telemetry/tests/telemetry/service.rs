//! A service behind the proxy: one trace through both, ids in its logs.

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use cutover_telemetry::service::{self, ServiceTelemetry};
use http::{HeaderMap, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Code;

use crate::fixture::Fixture;
use crate::sink::{Answer, Sink, attribute};

async fn traced(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let template = matched.as_ref().map(MatchedPath::as_str);
    service::trace_request(template, request, |request| next.run(request)).await
}

#[tracing::instrument(name = "load device")]
async fn load() -> String {
    tracing::warn!("the disk is slow");
    let mut headers = HeaderMap::new();
    service::inject(&mut headers);
    headers["traceparent"].to_str().unwrap().to_owned()
}

fn router() -> Router {
    Router::new()
        .route("/v1/devices/{id}", get(load))
        .route("/broken", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn(traced))
}

/// The one test that may set the process-wide subscriber.
#[test]
fn one_trace_through_proxy_and_service() {
    let sink = Sink::start(Answer::Accept);
    let guard = service::init(ServiceTelemetry {
        otlp_endpoint: sink.endpoint(),
        sample_ratio: 1.0,
        ..ServiceTelemetry::new("registry", "9.9.9")
    })
    .unwrap();
    let again = service::init(ServiceTelemetry::new("registry", "9.9.9"));
    assert!(again.unwrap_err().to_string().contains("set up already"));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router()).await });
    let call = |path: &str, headers: HeaderMap| {
        let mut request = http::Request::get(format!("http://{address}{path}"))
            .body(axum::body::Body::empty())
            .unwrap();
        request.headers_mut().extend(headers);
        let client = Client::builder(TokioExecutor::new()).build_http();
        runtime.block_on(async {
            let response = client.request(request).await.unwrap();
            let body = axum::body::Body::new(response.into_body());
            let body = axum::body::to_bytes(body, 1024).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        })
    };

    // Proxy and service export to the same place.
    let proxy = Fixture::new(&sink.endpoint());
    let upstream_headers = proxy.request(&HeaderMap::new());
    let onward = call("/v1/devices/7?token=abc&page=2", upstream_headers);
    call("/broken", HeaderMap::new());
    call("/nowhere/secret", HeaderMap::new());
    proxy.flush();
    guard.flush(Duration::from_secs(30)).unwrap();

    let spans = sink.spans();
    let of_kind = |kind: SpanKind| spans.iter().filter(move |span| span.kind == kind as i32);
    let client = of_kind(SpanKind::Client).next().unwrap();
    let server = of_kind(SpanKind::Server)
        .find(|span| span.parent_span_id == client.span_id)
        .expect("the service's span is the child of the proxy's attempt");
    assert_eq!(server.trace_id, client.trace_id);
    assert_eq!(server.name, "GET /v1/devices/{id}");
    let has = |key: &str| attribute(&server.attributes, key);
    assert_eq!(has("http.route").as_deref(), Some("/v1/devices/{id}"));
    assert_eq!(has("http.request.method").as_deref(), Some("GET"));
    assert_eq!(has("http.response.status_code").as_deref(), Some("200"));
    assert_eq!(has("url.path").as_deref(), Some("/v1/devices/7"));
    assert_eq!(has("url.query").as_deref(), Some("token=REDACTED&page=REDACTED"));
    assert_eq!(has("server.address").as_deref(), Some("127.0.0.1"));
    assert_eq!(has("error.type"), None);

    let inner = spans.iter().find(|span| span.name == "load device").unwrap();
    assert_eq!(inner.parent_span_id, server.span_id);
    assert_eq!(inner.events[0].name, "the disk is slow");
    // What the service sends on names its innermost span.
    assert_eq!(onward, traceparent(inner));

    let broken = spans.iter().find(|span| span.name == "GET /broken").unwrap();
    assert_eq!(broken.status.as_ref().unwrap().code, Code::Error as i32);
    let error_type = attribute(&broken.attributes, "error.type");
    assert_eq!(error_type.as_deref(), Some("503"));

    // No route, no path in the name; 404 is no error of the server.
    let unmatched = spans.iter().find(|span| span.name == "GET").unwrap();
    assert_eq!(unmatched.status.as_ref().unwrap().code, Code::Unset as i32);
    guard.shutdown(Duration::from_secs(30));
}

fn traceparent(span: &opentelemetry_proto::tonic::trace::v1::Span) -> String {
    let hex = crate::sink::hex;
    format!("00-{}-{}-{:02x}", hex(&span.trace_id), hex(&span.span_id), span.flags & 0xff)
}
