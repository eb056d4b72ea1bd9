//! The facts of a request, and the spans made of them.
//!
//! Nothing is built for a request that is not kept. For one that is, the worker
//! thread only copies facts into a record (two allocations); names,
//! redaction and attributes are made by the exporter's thread. Names and
//! attributes follow OpenTelemetry's semantic conventions 1.42.

mod client;
mod copy;
mod parts;
mod record;
mod redaction;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderValue, Method, StatusCode, Version};

use crate::context::{SpanId, TraceId};

pub(crate) use copy::CopyRecord;
pub use copy::{ComparisonSpan, CopyEnd, CopySpans};
pub(crate) use parts::{method_attribute, protocol_version};
pub(crate) use record::{Clock, RequestRecord};
pub use redaction::Redaction;

/// The conventions that names and attributes follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";

/// A request as its client saw it. Borrowed from whoever served it.
#[derive(Clone, Debug)]
pub struct ServerSpan<'a> {
    /// When the head was complete.
    pub start: Instant,
    /// When the last byte of the answer was handed over. The duration metric
    /// should use the same pair.
    pub end: Instant,
    /// As received.
    pub method: &'a Method,
    /// The route that matched; `None`: none did.
    pub route: Option<&'a Arc<RouteLabel>>,
    /// Of the client's connection.
    pub scheme: Scheme,
    /// Path and query as received, in origin form.
    pub target: &'a str,
    /// Host and port that the client asked for, like `example.com:8080`.
    pub authority: Option<&'a str>,
    /// Of the client's connection.
    pub version: Version,
    /// The client itself, perhaps behind proxies.
    pub client_address: Option<IpAddr>,
    /// The other end of the connection.
    pub peer: Option<SocketAddr>,
    /// The `user-agent` header.
    pub user_agent: Option<&'a HeaderValue>,
    /// The status sent; `None`: no answer left.
    pub status: Option<StatusCode>,
    /// A low-cardinality word for what failed on our side, like `timeout` or
    /// `connection_refused`; `None` when nothing did, when only an attempt did
    /// and another answered, or when the client went away on its own account.
    pub failure: Option<&'static str>,
    /// What Cutover decided.
    pub decision: Decision<'a>,
}

/// How Cutover dealt with a request: the `cutover.*` attributes.
#[derive(Clone, Debug, Default)]
pub struct Decision<'a> {
    /// `cutover.phase`: legacy, shadow, canary, live or retired.
    pub phase: &'static str,
    /// `cutover.side`: the side that the decision chose, legacy or new.
    pub side: &'static str,
    /// `cutover.decision.reason`.
    pub reason: &'static str,
    /// `cutover.cohort`: a name from the configuration.
    pub cohort: Option<&'a str>,
    /// `cutover.split.percent`, 0..=100.
    pub split_percent: Option<f64>,
    /// `cutover.config.generation`: the route table's revision.
    pub generation: u64,
    /// `cutover.fallback`: the other side had to answer.
    pub fallback: bool,
    /// `cutover.idempotency.key_present`.
    pub idempotency_key: bool,
    /// `cutover.retry.budget_exhausted`.
    pub retry_budget_exhausted: bool,
    /// `cutover.shadow.trace_id`: the trace of the copy that goes to the other
    /// side, and `cutover.shadow.sent`; `None`: there is no copy.
    pub shadow_trace: Option<TraceId>,
}

/// One attempt at one upstream. Cheap to keep while the request runs.
#[derive(Clone, Debug)]
pub struct ClientSpan {
    /// What [`crate::RequestTrace::attempt`] returned.
    pub span_id: SpanId,
    /// When the attempt began, waiting for a connection included.
    pub start: Instant,
    /// When its answer ended or it failed.
    pub end: Instant,
    /// Whom it went to.
    pub upstream: Arc<UpstreamLabel>,
    /// legacy or new.
    pub side: &'static str,
    /// Of the upstream connection; `None`: none was made.
    pub version: Option<Version>,
    /// The address connected to.
    pub peer: Option<SocketAddr>,
    /// The status received.
    pub status: Option<StatusCode>,
    /// A low-cardinality word for what failed, like `timeout`.
    pub failure: Option<&'static str>,
    /// 0 for the first attempt, then 1, 2, …
    pub resend_count: u32,
}

/// The names of a route, made when the table is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLabel {
    /// `cutover.route.id`.
    pub id: Box<str>,
    /// `http.route`, like `/v1/devices/{id}`; `None`: the route has no
    /// template, spans are then named by method alone.
    pub template: Option<Box<str>>,
}

/// The names of an upstream, made when the table is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamLabel {
    /// `service.peer.name`, like `legacy-monolith`.
    pub name: Box<str>,
    /// Of its connections.
    pub scheme: Scheme,
    /// Host name or address as configured.
    pub address: Box<str>,
    /// TCP port.
    pub port: u16,
}

/// The scheme of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

// === impl Scheme ===

impl Scheme {
    /// Lower case, as in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port meant when none is named.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

#[cfg(test)]
mod tests;
