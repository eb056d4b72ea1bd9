//! Header fields that differ between any two servers, or any two answers of one.

/// A header or trailer field that is not compared, or not in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volatile {
    /// Its name, in lower case.
    pub name: &'static str,
    /// How much of it is left out.
    pub part: VolatilePart,
    /// Why.
    pub reason: &'static str,
}

/// How much of a volatile field is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolatilePart {
    /// All of it.
    Field,
    /// What it says; that it is there or not is compared. Of `set-cookie` the names of cookies
    /// and their attributes are compared, except when they end.
    Value,
}

/// The built-in list, sorted by name. A [`super::Action::Compare`] rule takes a field off it.
pub const VOLATILE: &[Volatile] = &[
    field("accept-ranges", "what the server can do, not what it answers"),
    field("age", "time in a cache"),
    field("alt-svc", "names other ways to this server"),
    field("cf-ray", "request id"),
    field("connection", "of this connection alone"),
    field("content-encoding", "undone before bodies are compared"),
    field("content-length", "bodies are compared themselves"),
    field("correlation-id", "request id"),
    field("date", "time of the answer"),
    value("etag", "an opaque name of the body, which is compared itself"),
    value("expires", "reckoned from the time of the answer"),
    field("grpc-accept-encoding", "what the server can do, not what it answers"),
    field("grpc-encoding", "undone before messages are compared"),
    field("grpc-message", "text of an error; its code is compared"),
    field("grpc-status-details-bin", "text of an error; its code is compared"),
    field("keep-alive", "of this connection alone"),
    field("nel", "names where browsers report to"),
    field("proxy-connection", "of this connection alone"),
    value("ratelimit", "counts requests"),
    value("ratelimit-remaining", "counts requests"),
    value("ratelimit-reset", "counts requests"),
    field("report-to", "names where browsers report to"),
    field("request-id", "request id"),
    field("server", "names the software, which is what changes"),
    field("server-timing", "time taken"),
    value("set-cookie", "values of cookies are made for each session"),
    field("trace-id", "trace"),
    field("traceparent", "trace"),
    field("traceresponse", "trace"),
    field("tracestate", "trace"),
    field("trailer", "of this connection alone; trailers are compared themselves"),
    field("transfer-encoding", "of this connection alone"),
    field("via", "names the servers passed"),
    field("x-amz-request-id", "request id"),
    field("x-amzn-requestid", "request id"),
    field("x-amzn-trace-id", "trace"),
    field("x-b3-sampled", "trace"),
    field("x-b3-spanid", "trace"),
    field("x-b3-traceid", "trace"),
    field("x-cache", "whether a cache had it"),
    field("x-correlation-id", "request id"),
    value("x-csrf-token", "made for each session"),
    field("x-envoy-upstream-service-time", "time taken"),
    field("x-powered-by", "names the software, which is what changes"),
    value("x-ratelimit-remaining", "counts requests"),
    value("x-ratelimit-reset", "counts requests"),
    field("x-request-id", "request id"),
    field("x-response-time", "time taken"),
    field("x-runtime", "time taken"),
    field("x-served-by", "names the machine"),
    field("x-timer", "time taken"),
    field("x-trace-id", "trace"),
];

const fn field(name: &'static str, reason: &'static str) -> Volatile {
    Volatile { name, part: VolatilePart::Field, reason }
}

const fn value(name: &'static str, reason: &'static str) -> Volatile {
    Volatile { name, part: VolatilePart::Value, reason }
}

/// How much of this field is left out.
pub(super) fn volatile_part(name: &str) -> Option<VolatilePart> {
    let at = VOLATILE.binary_search_by(|volatile| volatile.name.cmp(name)).ok()?;
    Some(VOLATILE[at].part)
}
