//! One export request and what became of it.
//!
//! Source: OTLP 1.x, "OTLP/HTTP response".

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::ExportConfig;
use super::connection::{Connection, Connector, Endpoint, EndpointError};
use crate::metrics::DropReason;

/// An honest answer is far shorter.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends batches over one connection, opened when needed.
pub(super) struct Sender {
    endpoint: Endpoint,
    connector: Connector,
    headers: HeaderMap,
    connection: Option<Connection>,
}

/// The receiver took the batch.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    /// Spans that it refused all the same.
    pub(super) rejected_spans: u64,
    /// Its words about that.
    pub(super) message: String,
}

/// The batch did not arrive.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection, or it broke.
    Unreachable(String),
    /// 429, 502, 503 or 504; wait as long as it says.
    Overloaded(StatusCode, Option<Duration>),
    /// Another status: the same batch would fail again.
    Refused(StatusCode),
    /// 200 and no OTLP answer.
    BadAnswer(&'static str),
    /// No answer in time.
    Timeout,
    /// We end first.
    Shutdown,
}

// === impl Sender ===

impl Sender {
    pub(super) fn new(endpoint: Endpoint, config: &ExportConfig) -> Result<Self, EndpointError> {
        let mut headers = config.headers.clone();
        let host = HeaderValue::from_str(endpoint.authority.as_str())
            .expect("an authority is a header value");
        headers.insert(HOST, host);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        Ok(Self {
            connector: Connector::new(&endpoint, config.ca_pem.as_deref())?,
            endpoint,
            headers,
            connection: None,
        })
    }

    /// Where batches go, for messages.
    pub(super) fn endpoint(&self) -> &http::Uri {
        &self.endpoint.uri
    }

    /// One attempt. Dropping the future gives the connection up.
    pub(super) async fn send(&mut self, batch: Bytes) -> Result<Accepted, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.connector.connect().await.map_err(unreachable)?,
        };
        connection.ready().await.map_err(unreachable)?;
        let response = connection.send_request(self.request(batch)).await.map_err(unreachable)?;
        let accepted = read(response).await?;
        self.connection = Some(connection);
        Ok(accepted)
    }

    fn request(&self, batch: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(batch));
        *request.method_mut() = Method::POST;
        let target = self.endpoint.uri.path().parse();
        *request.uri_mut() = target.expect("the path of a URL is one");
        *request.headers_mut() = self.headers.clone();
        request
    }
}

async fn read(response: Response<Incoming>) -> Result<Accepted, Failure> {
    let status = response.status();
    match status.as_u16() {
        200..=299 => {}
        429 | 502 | 503 | 504 => {
            return Err(Failure::Overloaded(status, retry_after(response.headers())));
        }
        _ => return Err(Failure::Refused(status)),
    }
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(Failure::BadAnswer("its answer is longer than 64 KiB"));
        }
        Err(error) => return Err(Failure::Unreachable(error.to_string())),
    };
    // Some receivers answer protobuf with JSON; their 200 is clear enough.
    if is_json {
        return Ok(Accepted::default());
    }
    let answer = ExportTraceServiceResponse::decode(body)
        .map_err(|_| Failure::BadAnswer("its answer is no OTLP message"))?;
    let partial = answer.partial_success.unwrap_or_default();
    Ok(Accepted {
        rejected_spans: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: partial.error_message,
    })
}

/// Seconds only; the form with a date is as good as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn unreachable(error: impl std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::Unreachable(text)
}

// === impl Failure ===

impl Failure {
    pub(super) fn reason(&self) -> DropReason {
        match self {
            Self::Unreachable(_) => DropReason::Unreachable,
            Self::Overloaded(..) => DropReason::Overloaded,
            Self::Refused(_) => DropReason::Refused,
            Self::BadAnswer(_) => DropReason::BadAnswer,
            Self::Timeout => DropReason::Timeout,
            Self::Shutdown => DropReason::Shutdown,
        }
    }

    /// Whether the same batch may fare better later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Overloaded(..))
    }

    /// How long the receiver asks us to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded(_, wait) => *wait,
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(f, "it cannot be reached: {cause}"),
            Self::Overloaded(status, _) => write!(f, "it is overloaded: {status}"),
            Self::Refused(status) => write!(f, "it refused the spans: {status}"),
            Self::BadAnswer(problem) => f.write_str(problem),
            Self::Timeout => f.write_str("it did not answer in time"),
            Self::Shutdown => f.write_str("the process ended first"),
        }
    }
}
