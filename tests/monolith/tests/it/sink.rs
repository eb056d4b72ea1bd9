//! A receiver of OTLP that keeps what it gets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Sink {
    addr: SocketAddr,
    kept: Arc<Mutex<Vec<ResourceSpans>>>,
    serving: JoinHandle<()>,
}

impl Sink {
    pub(crate) async fn start() -> Sink {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&kept));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Sink { addr, kept, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn exports(&self) -> Vec<ResourceSpans> {
        self.kept.lock().unwrap().clone()
    }

    /// All spans so far, in the order they ended.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let scopes = self.exports().into_iter().flat_map(|export| export.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The one span there is.
    #[track_caller]
    pub(crate) fn span(&self) -> Span {
        <[Span; 1]>::try_from(self.spans()).expect("one span").into_iter().next().unwrap()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Attributes as sorted `key=value`.
pub(crate) fn texts(attributes: &[KeyValue]) -> Vec<String> {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref()).unwrap();
        match value {
            Value::StringValue(text) => format!("{}={text}", attribute.key),
            Value::IntValue(number) => format!("{}={number}", attribute.key),
            other => format!("{}={other:?}", attribute.key),
        }
    };
    let mut texts: Vec<String> = attributes.iter().map(text).collect();
    texts.sort();
    texts
}

async fn keep(
    State(kept): State<Arc<Mutex<Vec<ResourceSpans>>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if headers.get("content-type").is_none_or(|kind| kind != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    kept.lock().unwrap().extend(request.resource_spans);
    StatusCode::OK
}
