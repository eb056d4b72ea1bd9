//! From `tracing` events to lines.

use std::cell::RefCell;
use std::fmt;
use std::time::SystemTime;

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::TraceContextExt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::{Line, LogFormat, LogWriter};

/// Writes every event it is given.
pub(super) struct LineLayer {
    format: LogFormat,
    writer: LogWriter,
}

/// Writes an event's fields into a line.
struct Fields<'a, 'b> {
    line: &'a mut Line<'b>,
    has_trace_id: bool,
}

/// Finds what an event bridged from `log` carries as fields.
#[derive(Default)]
struct Bridged {
    target: Option<String>,
    is_noise: bool,
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

// === impl LineLayer ===

impl LineLayer {
    pub(super) fn new(format: LogFormat, writer: LogWriter) -> Self {
        Self { format, writer }
    }

    fn put(&self, event: &Event<'_>, target: &str, buffer: &mut Vec<u8>) {
        let severity = event.metadata().level().as_str();
        let mut line = Line::begin(buffer, self.format, SystemTime::now(), severity, target);
        let mut fields = Fields { line: &mut line, has_trace_id: false };
        event.record(&mut fields);
        if !fields.has_trace_id {
            put_trace(&mut line);
        }
        line.end();
        self.writer.write(buffer);
    }
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut bridged = Bridged::default();
        if metadata.target() == "log" {
            event.record(&mut bridged);
            if bridged.is_noise {
                return;
            }
        }
        let target = bridged.target.as_deref().unwrap_or(metadata.target());
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => self.put(event, target, &mut buffer),
            // A value that logs while it is being shown.
            Err(_) => self.put(event, target, &mut Vec::new()),
        });
    }
}

/// The span that runs now, if `tracing` spans reach OpenTelemetry.
fn put_trace(line: &mut Line<'_>) {
    OtelContext::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            line.display("trace_id", &span.trace_id());
            line.display("span_id", &span.span_id());
            line.display("trace_flags", &format_args!("{:02x}", span.trace_flags().to_u8()));
        }
    });
}

// === impl Fields ===

impl Fields<'_, '_> {
    /// `None` for what only serves the bridge. Names of our own are not
    /// overwritten by fields of the same name, trace ids excepted: code outside
    /// any span names its request by them.
    fn key(&mut self, field: &Field) -> Option<&'static str> {
        match field.name() {
            name if name.starts_with("log.") => None,
            "timestamp" => Some("field.timestamp"),
            "severity" => Some("field.severity"),
            "target" => Some("field.target"),
            name => {
                self.has_trace_id |= name == "trace_id";
                Some(name)
            }
        }
    }

    fn put(&mut self, field: &Field, value: &dyn fmt::Display) {
        if field.name() == "message" {
            self.line.message(format_args!("{value}"));
        } else if let Some(key) = self.key(field) {
            self.line.display(key, value);
        }
    }

    fn put_literal(&mut self, field: &Field, value: impl fmt::Display) {
        if let Some(key) = self.key(field) {
            self.line.literal(key, value);
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, &value);
    }

    /// With its causes: the chain is what tells where it broke.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut chain = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        self.put(field, &chain);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if let Some(key) = self.key(field) {
            self.line.float(key, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_literal(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_literal(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_literal(field, value);
    }
}

// === impl Bridged ===

impl Visit for Bridged {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Pingora logs failed handshakes as errors, one per connection.
        if field.name() == "message" {
            self.is_noise = format!("{value:?}").starts_with("Downstream handshake");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
    }
}
