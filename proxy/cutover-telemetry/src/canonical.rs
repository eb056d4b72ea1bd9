//! The canonical line: one log line that tells all about one request.
//!
//! It has a fast path of its own, past `tracing`: a request without a line
//! costs one comparison, one with a line a few hundred nanoseconds. It holds no
//! bodies, tokens, raw paths or identities of devices and users.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};

use crate::context::{TraceContext, TraceId};
use crate::logs::{Line, LogFormat, LogWriter};
use crate::sampling::{RatioError, Sampler};
use crate::span::method_attribute;

/// Decides which requests get a line, and writes it.
#[derive(Clone, Debug)]
pub struct CanonicalLog {
    writer: LogWriter,
    format: LogFormat,
    sampler: Sampler,
}

/// What is to say about a finished request.
#[derive(Clone, Debug)]
pub struct CanonicalLine<'a> {
    /// Of our SERVER span.
    pub trace: &'a TraceContext,
    /// As received; unknown ones show as `_OTHER`.
    pub method: &'a Method,
    /// Route id; `None`: no route matched.
    pub route: Option<&'a str>,
    /// legacy, shadow, canary, live or retired.
    pub phase: &'a str,
    /// The side that the decision chose.
    pub side: &'a str,
    /// Why it chose so.
    pub reason: &'a str,
    /// The route table's revision.
    pub generation: u64,
    /// Who answered; `None`: no upstream did.
    pub upstream: Option<&'a str>,
    /// Upstream attempts.
    pub attempts: u32,
    /// The status sent; `None`: no answer left.
    pub status: Option<StatusCode>,
    /// ok, client_error, error, timeout, rejected or fallback.
    pub outcome: &'a str,
    /// A low-cardinality word for what failed.
    pub failure: Option<&'a str>,
    /// From the request's head to the end of the answer.
    pub duration: Duration,
    /// The part of it spent waiting for upstreams.
    pub upstream_duration: Duration,
    /// Request body.
    pub bytes_in: u64,
    /// Response body.
    pub bytes_out: u64,
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

// === impl CanonicalLog ===

impl CanonicalLog {
    /// `ratio` of the requests without error get a line, chosen by trace id; a
    /// ratio below the traces' chooses among recorded traces.
    ///
    /// # Errors
    /// [`RatioError`] when `ratio` is not within 0..=1.
    pub fn new(writer: LogWriter, format: LogFormat, ratio: f64) -> Result<Self, RatioError> {
        Ok(Self { writer, format, sampler: Sampler::new(ratio)? })
    }

    /// Whether the request gets a line: errors always do.
    #[must_use]
    pub fn wants(&self, trace_id: TraceId, is_error: bool) -> bool {
        is_error || self.sampler.takes(trace_id)
    }

    /// Queues the line. Errors are `WARN`, the rest `INFO`.
    pub fn emit(&self, line: &CanonicalLine<'_>, is_error: bool) {
        let severity = if is_error { "WARN" } else { "INFO" };
        BUFFER.with_borrow_mut(|buffer| {
            let mut text =
                Line::begin(buffer, self.format, SystemTime::now(), severity, "cutover::request");
            line.put(&mut text);
            text.end();
            self.writer.write(buffer);
        });
    }
}

// === impl CanonicalLine ===

impl CanonicalLine<'_> {
    fn put(&self, line: &mut Line<'_>) {
        let method = method_attribute(self.method);
        let route = self.route.unwrap_or("_unmatched");
        let duration_ms = millis(self.duration);
        match (self.status, self.upstream) {
            (Some(status), Some(upstream)) => line.message(format_args!(
                "{method} {route} answered {} by {upstream} in {duration_ms} ms",
                status.as_u16()
            )),
            (Some(status), None) => line.message(format_args!(
                "{method} {route} answered {} by cutover in {duration_ms} ms",
                status.as_u16()
            )),
            (None, _) => {
                line.message(format_args!("{method} {route} not answered after {duration_ms} ms"))
            }
        }
        line.text("http.request.method", method);
        line.text("cutover.route.id", route);
        line.text("cutover.phase", self.phase);
        line.text("cutover.side", self.side);
        line.text("cutover.decision.reason", self.reason);
        line.literal("cutover.config.generation", self.generation);
        if let Some(upstream) = self.upstream {
            line.text("upstream", upstream);
        }
        line.literal("attempts", self.attempts);
        if let Some(status) = self.status {
            line.literal("http.response.status_code", status.as_u16());
        }
        line.text("outcome", self.outcome);
        if let Some(failure) = self.failure {
            line.text("error.type", failure);
        }
        line.literal("duration_ms", duration_ms);
        line.literal("upstream_duration_ms", millis(self.upstream_duration));
        line.literal("bytes_in", self.bytes_in);
        line.literal("bytes_out", self.bytes_out);
        line.display("trace_id", &self.trace.trace_id);
        line.display("span_id", &self.trace.span_id);
        line.display("trace_flags", &format_args!("{:02x}", self.trace.flags.bits()));
    }
}

/// Milliseconds with microseconds behind the point.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests;
