//! A receiver that keeps what it got, or behaves as told.

use std::future::pending;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use tokio::runtime::Runtime;

/// How the receiver answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Accept,
    /// Takes all but so many.
    Reject(i64),
    Status(u16),
    /// This status so many times, then accepts.
    StatusFirst(u16, usize),
    /// Reads the request and never answers.
    Hang,
    /// 200 and a page.
    Garbage,
    /// 200 and no end.
    Endless,
}

/// Listens on loopback for as long as it lives.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

#[derive(Debug)]
pub(crate) struct Shared {
    answer: Answer,
    received: Mutex<Received>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Received {
    requests: usize,
    headers: HeaderMap,
    resource_spans: Vec<ResourceSpans>,
}

// === impl Sink ===

impl Sink {
    pub(crate) fn start(answer: Answer) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), answer)
    }

    pub(crate) fn start_at(address: SocketAddr, answer: Answer) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::new(answer);
        let router = router(shared.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, _runtime: runtime }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.shared.spans()
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(answer: Answer) -> Arc<Self> {
        Arc::new(Self { answer, received: Mutex::default(), changed: Condvar::new() })
    }

    pub(crate) fn requests(&self) -> usize {
        self.received.lock().unwrap().requests
    }

    /// Of the last request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.received.lock().unwrap().headers.clone()
    }

    pub(crate) fn resource_spans(&self) -> Vec<ResourceSpans> {
        self.received.lock().unwrap().resource_spans.clone()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.resource_spans();
        let scopes = resources.into_iter().flat_map(|of| of.scope_spans);
        scopes.flat_map(|of| of.spans).collect()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let by = Instant::now() + Duration::from_secs(30);
        let mut received = self.received.lock().unwrap();
        while received.requests < count {
            let left = by.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {} requests came", received.requests);
            received = self.changed.wait_timeout(received, left).unwrap().0;
        }
    }

    /// Waits until a span of this name has come, with its resource.
    pub(crate) fn wait_for_span(&self, name: &str) -> Span {
        let by = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(span) = self.spans().into_iter().find(|span| span.name == name) {
                return span;
            }
            assert!(Instant::now() < by, "no span `{name}` came");
            let seen = self.requests();
            let received = self.received.lock().unwrap();
            let wait = Duration::from_secs(1);
            let no_more = |received: &mut Received| received.requests <= seen;
            drop(self.changed.wait_timeout_while(received, wait, no_more));
        }
    }

    fn receive(&self, headers: HeaderMap, body: &Bytes) -> usize {
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let mut received = self.received.lock().unwrap();
        received.requests += 1;
        received.headers = headers;
        received.resource_spans.extend(request.resource_spans);
        self.changed.notify_all();
        received.requests
    }
}

/// `/v1/traces` as OTLP/HTTP describes it, answering as told.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/v1/traces", post(traces)).with_state(shared)
}

async fn traces(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        unzipped(&body)
    } else {
        body
    };
    let number = shared.receive(headers, &body);
    let status = |status: u16| StatusCode::from_u16(status).unwrap().into_response();
    match shared.answer {
        Answer::Accept => accepted(0),
        Answer::Reject(spans) => accepted(spans),
        Answer::Status(code) => status(code),
        Answer::StatusFirst(code, times) if number <= times => status(code),
        Answer::StatusFirst(..) => accepted(0),
        Answer::Hang => pending().await,
        Answer::Garbage => "<html>It works!</html>".into_response(),
        Answer::Endless => vec![0_u8; 1024 * 1024].into_response(),
    }
}

fn unzipped(body: &Bytes) -> Bytes {
    let mut plain = Vec::new();
    GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
    plain.into()
}

fn accepted(rejected_spans: i64) -> Response {
    let partial_success = (rejected_spans > 0)
        .then(|| ExportTracePartialSuccess { rejected_spans, error_message: "too old".to_owned() });
    let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    ([("content-type", "application/x-protobuf")], body).into_response()
}

/// The text of an attribute, numbers and booleans as written.
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(is_set) => Some(is_set.to_string()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
