//! Protobuf's wire format, as much of it as OTLP traces need.
//!
//! The generated types of `opentelemetry-proto` would take two allocations per
//! attribute and measure every nested message several times: five times the
//! work per span. They read what this writes in the tests.
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

use std::fmt;

/// A message under construction. Fields may come in any order.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    bytes: Vec<u8>,
}

/// Attributes of a span, a link or a resource, which number the field
/// differently. Those without a value are left out.
pub(crate) struct Attributes<'a> {
    wire: &'a mut Wire,
    field: u32,
}

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const DELIMITED: u32 = 2;
const FIXED_32: u32 = 5;

// === impl Wire ===

impl Wire {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn number(&mut self, field: u32, number: u64) {
        self.tag(field, VARINT);
        self.varint(number);
    }

    pub(crate) fn fixed64(&mut self, field: u32, number: u64) {
        self.tag(field, FIXED_64);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, field: u32, number: u32) {
        self.tag(field, FIXED_32);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Bytes, a string, or a message that is already encoded.
    pub(crate) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, DELIMITED);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Fields that are already encoded.
    pub(crate) fn fields(&mut self, encoded: &[u8]) {
        self.bytes.extend_from_slice(encoded);
    }

    /// A string by its `Display`.
    pub(crate) fn display(&mut self, field: u32, text: impl fmt::Display) {
        self.nested(field, |wire| {
            fmt::write(wire, format_args!("{text}")).expect("a wire takes everything");
        });
    }

    /// A message, or a string in pieces: whatever `fill` appends.
    pub(crate) fn nested(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        self.tag(field, DELIMITED);
        let at = self.bytes.len();
        // Most lengths fit one byte; a longer one moves what was written.
        self.bytes.push(0);
        fill(self);
        let length = (self.bytes.len() - at - 1) as u64;
        if length < 0x80 {
            self.bytes[at] = length as u8;
            return;
        }
        let (prefix, prefix_length) = varint(length);
        let end = self.bytes.len();
        self.bytes.resize(end + prefix_length - 1, 0);
        self.bytes.copy_within(at + 1..end, at + prefix_length);
        self.bytes[at..at + prefix_length].copy_from_slice(&prefix[..prefix_length]);
    }

    pub(crate) fn attributes(&mut self, field: u32) -> Attributes<'_> {
        Attributes { wire: self, field }
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, number: u64) {
        let (bytes, length) = varint(number);
        self.bytes.extend_from_slice(&bytes[..length]);
    }
}

/// Seven bits per byte, the lowest first; how many of the bytes count.
fn varint(mut number: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while number >= 0x80 {
        bytes[length] = number as u8 | 0x80;
        length += 1;
        number >>= 7;
    }
    bytes[length] = number as u8;
    (bytes, length + 1)
}

/// Appends raw text, for use within [`Wire::nested`].
impl fmt::Write for Wire {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

// === impl Attributes ===

impl Attributes<'_> {
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.value(key, |value| value.bytes(1, text.as_bytes()));
    }

    pub(crate) fn text_if(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// A list; an empty one is left out.
    pub(crate) fn texts(&mut self, key: &str, texts: &[Box<str>]) {
        if texts.is_empty() {
            return;
        }
        // `AnyValue { array_value = 5: ArrayValue { values = 1: AnyValue } }`.
        self.value(key, |value| {
            value.nested(5, |array| {
                for text in texts {
                    array.nested(1, |value| value.bytes(1, text.as_bytes()));
                }
            });
        });
    }

    pub(crate) fn display(&mut self, key: &str, text: impl fmt::Display) {
        self.value(key, |value| value.display(1, text));
    }

    pub(crate) fn number(&mut self, key: &str, number: i64) {
        // Negative ones are sign-extended to ten bytes, as int64 asks.
        self.value(key, |value| value.number(3, number as u64));
    }

    pub(crate) fn double(&mut self, key: &str, number: f64) {
        self.value(key, |value| value.fixed64(4, number.to_bits()));
    }

    /// Left out when it is not so.
    pub(crate) fn flag(&mut self, key: &str, is_set: bool) {
        if is_set {
            self.value(key, |value| value.number(2, 1));
        }
    }

    /// `KeyValue { key = 1, value = 2: AnyValue }`.
    fn value(&mut self, key: &str, fill: impl FnOnce(&mut Wire)) {
        self.wire.nested(self.field, |wire| {
            wire.bytes(1, key.as_bytes());
            wire.nested(2, fill);
        });
    }
}

#[cfg(test)]
mod tests;
