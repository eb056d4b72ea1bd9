//! An OTLP receiver in memory: traces over HTTP with protobuf bodies, plain or gzip.
//!
//! It can also misbehave, since a dead receiver must change nothing for requests.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::wait;

/// How the sink answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes what comes.
    #[default]
    Willing,
    /// Answers 503 and keeps nothing.
    Unavailable,
    /// Answers 401 and keeps nothing: asking again would not help.
    Refusing,
    /// Never answers.
    Silent,
}

/// One span as it arrived, ids in lower-case hex.
#[derive(Clone, Debug)]
pub struct Span {
    /// `service.name` of the resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits, or empty for a root.
    pub parent_span_id: String,
    /// As it came in `tracestate`.
    pub trace_state: String,
    /// What part it played.
    pub kind: Kind,
    /// Nanoseconds since the epoch.
    pub start_ns: u64,
    /// Nanoseconds since the epoch.
    pub end_ns: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// Attributes as text; a list is joined by commas.
    pub attributes: BTreeMap<String, String>,
    /// Attributes of the resource.
    pub resource: BTreeMap<String, String>,
    /// Trace and span ids of what it is linked to.
    pub links: Vec<(String, String)>,
}

/// The part a span plays, as OpenTelemetry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Anything else.
    Other,
}

/// A running sink. Dropping it closes the listener.
pub struct Sink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    mood: Mutex<Mood>,
    posts: Mutex<u64>,
    received: Mutex<Vec<u8>>,
}

impl Sink {
    /// Listens on a free loopback port.
    pub async fn start() -> anyhow::Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // `serve` ends only with the listener.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Sink { addr, shared, task })
    }

    /// What to give as OTLP endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes how it answers.
    pub fn set_mood(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// Every span so far, in order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    /// How many exports were attempted so far, whatever the mood.
    pub fn posts(&self) -> u64 {
        *lock(&self.shared.posts)
    }

    /// The bytes of all exports that it took, unpacked, one after the other.
    pub fn received(&self) -> Vec<u8> {
        lock(&self.shared.received).clone()
    }

    /// The spans of one trace, by start.
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace_id == trace_id);
        spans.sort_by_key(|span| span.start_ns);
        spans
    }

    /// Waits until `enough` is satisfied with the spans of a trace, and gives them.
    pub async fn until_trace(
        &self,
        trace_id: &str,
        enough: impl Fn(&[Span]) -> bool,
    ) -> anyhow::Result<Vec<Span>> {
        let whole = async || Some(self.trace(trace_id)).filter(|spans| enough(spans));
        let waited = wait::eventually(format!("trace {trace_id}"), whole).await;
        waited.map_err(|late| anyhow::anyhow!("{late}; so far: {:#?}", self.trace(trace_id)))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    *lock(&shared.posts) += 1;
    let mood = *lock(&shared.mood);
    match mood {
        Mood::Willing => {}
        Mood::Unavailable => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Refusing => return StatusCode::UNAUTHORIZED.into_response(),
        Mood::Silent => std::future::pending().await,
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let export = unpacked(&headers, body).and_then(|body| {
        lock(&shared.received).extend_from_slice(&body);
        ExportTraceServiceRequest::decode(body).map_err(std::io::Error::other)
    });
    let export = match export {
        Ok(export) => export,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    lock(&shared.spans).extend(spans(export));
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    ([(header::CONTENT_TYPE, "application/x-protobuf")], answer).into_response()
}

fn unpacked(headers: &HeaderMap, body: Bytes) -> std::io::Result<Bytes> {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding != "gzip") {
        return Ok(body);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(body.as_ref()).read_to_end(&mut unpacked)?;
    Ok(unpacked.into())
}

fn spans(export: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in export.resource_spans {
        let resource = attributes(of_resource.resource.map(|it| it.attributes).unwrap_or_default());
        let of_scopes = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        spans.extend(of_scopes.map(|it| span(it, &resource)));
    }
    spans
}

fn span(span: otlp::Span, resource: &BTreeMap<String, String>) -> Span {
    let kind = match span.kind() {
        otlp::span::SpanKind::Server => Kind::Server,
        otlp::span::SpanKind::Client => Kind::Client,
        _ => Kind::Other,
    };
    let failed = span.status.as_ref().is_some_and(|status| status.code == 2);
    Span {
        service: resource.get("service.name").cloned().unwrap_or_default(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_span_id: hex(&span.parent_span_id),
        trace_state: span.trace_state,
        kind,
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        failed,
        attributes: attributes(span.attributes),
        resource: resource.clone(),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let value = |pair: &KeyValue| pair.value.clone().and_then(|any| any.value);
    pairs.iter().map(|pair| (pair.key.clone(), value(pair).map(text).unwrap_or_default())).collect()
}

fn text(value: Value) -> String {
    match value {
        Value::StringValue(text) => text,
        Value::BoolValue(flag) => flag.to_string(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::ArrayValue(list) => {
            let items = list.values.into_iter().filter_map(|any| any.value).map(text);
            items.collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
