//! One log line under construction, in either format.

use std::fmt::{self, Write};
use std::time::SystemTime;

use super::LogFormat;
use super::time;

/// Longer values are cut; a line must stay a line.
const VALUE_BYTES_MAX: usize = 4096;

/// Appends to a buffer that the caller reuses. Keys must need no escape.
pub(crate) struct Line<'a> {
    buffer: &'a mut Vec<u8>,
    format: LogFormat,
}

/// Writes escaped text, at most [`VALUE_BYTES_MAX`] bytes of it.
struct Escaping<'a> {
    buffer: &'a mut Vec<u8>,
    left: usize,
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Begins with time, severity and target.
    pub(crate) fn begin(
        buffer: &'a mut Vec<u8>,
        format: LogFormat,
        now: SystemTime,
        severity: &str,
        target: &str,
    ) -> Self {
        buffer.clear();
        let timestamp = time::rfc3339_millis(now);
        match format {
            LogFormat::Json => {
                buffer.extend_from_slice(b"{\"timestamp\":\"");
                buffer.extend_from_slice(&timestamp);
                buffer.push(b'"');
            }
            LogFormat::Text => buffer.extend_from_slice(&timestamp),
        }
        let mut line = Self { buffer, format };
        match format {
            LogFormat::Json => {
                line.text("severity", severity);
                line.text("target", target);
            }
            LogFormat::Text => {
                let _ = write!(line, " {severity:>5} {target}:");
            }
        }
        line
    }

    /// The message, readable alone.
    pub(crate) fn message(&mut self, message: fmt::Arguments<'_>) {
        match self.format {
            LogFormat::Json => self.display("message", &message),
            LogFormat::Text => {
                self.buffer.push(b' ');
                self.escaped(&message);
            }
        }
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.display(key, &value);
    }

    /// A value in quotes, by its `Display`.
    pub(crate) fn display(&mut self, key: &str, value: &dyn fmt::Display) {
        self.key(key);
        self.buffer.push(b'"');
        self.escaped(value);
        self.buffer.push(b'"');
    }

    /// A number or a boolean. JSON knows no NaN and no infinity; those go in
    /// quotes.
    pub(crate) fn literal(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        let _ = write!(self, "{value}");
    }

    pub(crate) fn float(&mut self, key: &str, value: f64) {
        if value.is_finite() {
            self.literal(key, value);
        } else {
            self.display(key, &value);
        }
    }

    pub(crate) fn end(self) {
        if self.format == LogFormat::Json {
            self.buffer.push(b'}');
        }
        self.buffer.push(b'\n');
    }

    fn key(&mut self, key: &str) {
        match self.format {
            LogFormat::Json => {
                self.buffer.extend_from_slice(b",\"");
                self.buffer.extend_from_slice(key.as_bytes());
                self.buffer.extend_from_slice(b"\":");
            }
            LogFormat::Text => {
                self.buffer.push(b' ');
                self.buffer.extend_from_slice(key.as_bytes());
                self.buffer.push(b'=');
            }
        }
    }

    fn escaped(&mut self, value: &dyn fmt::Display) {
        let mut escaping = Escaping { buffer: self.buffer, left: VALUE_BYTES_MAX };
        // Fails when the value is cut, or by its own fault; what came is kept.
        let _ = write!(escaping, "{value}");
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

// === impl Escaping ===

impl Write for Escaping<'_> {
    /// JSON's escapes serve the readable form too: no value can break a line
    /// or send a terminal control codes.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text_left = &text[..text.floor_char_boundary(self.left)];
        self.left -= text_left.len();
        let mut rest = text_left.as_bytes();
        while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
            self.buffer.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.buffer.extend_from_slice(b"\\\""),
                b'\\' => self.buffer.extend_from_slice(b"\\\\"),
                b'\n' => self.buffer.extend_from_slice(b"\\n"),
                b'\r' => self.buffer.extend_from_slice(b"\\r"),
                b'\t' => self.buffer.extend_from_slice(b"\\t"),
                byte => {
                    let digits = b"0123456789abcdef";
                    self.buffer.extend_from_slice(b"\\u00");
                    self.buffer.push(digits[usize::from(byte >> 4)]);
                    self.buffer.push(digits[usize::from(byte & 0xf)]);
                }
            }
            rest = &rest[at + 1..];
        }
        self.buffer.extend_from_slice(rest);
        if text_left.len() < text.len() {
            self.buffer.extend_from_slice("…".as_bytes());
            return Err(fmt::Error);
        }
        Ok(())
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f
}
