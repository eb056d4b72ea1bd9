//! Attribute lists in OTLP's form, and the facts that both kinds of span share.

use http::{Method, StatusCode, Version};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Status, status::StatusCode as Code};

use super::RouteLabel;

/// A list under construction. Attributes without a value are left out.
pub(super) struct Attributes(Vec<KeyValue>);

/// How a method is shown: unknown ones would let a client choose span names.
pub(super) struct MethodName<'a> {
    /// `http.request.method`.
    pub(super) attribute: &'static str,
    /// In the span's name.
    pub(super) in_name: &'static str,
    /// `http.request.method_original`, for unknown ones.
    pub(super) original: Option<&'a str>,
}

/// `http.request.method`: a known method, or `_OTHER`.
pub(crate) fn method_attribute(method: &Method) -> &'static str {
    MethodName::of(method).attribute
}

/// `{METHOD} {template}`, or the method alone.
pub(super) fn span_name(method: &MethodName<'_>, route: Option<&RouteLabel>) -> String {
    match route.and_then(|route| route.template.as_deref()) {
        Some(template) => format!("{} {template}", method.in_name),
        None => method.in_name.to_owned(),
    }
}

/// Status and `error.type`: an error is a failure of ours or a status from
/// `first_error` on. The status code says enough, so there is no description.
pub(super) fn status(
    attributes: &mut Attributes,
    failure: Option<&'static str>,
    status: Option<StatusCode>,
    first_error: u16,
) -> Option<Status> {
    let refused = status.filter(|status| status.as_u16() >= first_error);
    let error_type = match (failure, refused) {
        (Some(failure), _) => failure.to_owned(),
        (None, Some(status)) => status.as_str().to_owned(),
        (None, None) => return None,
    };
    attributes.text("error.type", error_type);
    Some(Status { message: String::new(), code: Code::Error as i32 })
}

/// `network.protocol.version`.
pub(crate) fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

// === impl Attributes ===

impl Attributes {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    pub(super) fn text(&mut self, key: &str, text: impl Into<String>) {
        self.push(key, Value::StringValue(text.into()));
    }

    pub(super) fn text_if(&mut self, key: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn number(&mut self, key: &str, number: i64) {
        self.push(key, Value::IntValue(number));
    }

    pub(super) fn number_if(&mut self, key: &str, number: Option<impl Into<i64>>) {
        if let Some(number) = number {
            self.number(key, number.into());
        }
    }

    pub(super) fn double_if(&mut self, key: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.push(key, Value::DoubleValue(number));
        }
    }

    /// Left out when it is not so.
    pub(super) fn flag(&mut self, key: &str, is_set: bool) {
        if is_set {
            self.push(key, Value::BoolValue(true));
        }
    }

    pub(super) fn into_vec(self) -> Vec<KeyValue> {
        self.0
    }

    fn push(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }
}

// === impl MethodName ===

impl<'a> MethodName<'a> {
    pub(super) fn of(method: &'a Method) -> Self {
        /// RFC 9110, RFC 5789 and the safe method with a body.
        const KNOWN: [&str; 10] = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
        ];
        match KNOWN.into_iter().find(|known| *known == method.as_str()) {
            Some(known) => Self { attribute: known, in_name: known, original: None },
            None => Self { attribute: "_OTHER", in_name: "HTTP", original: Some(method.as_str()) },
        }
    }

    pub(super) fn put(&self, attributes: &mut Attributes) {
        attributes.text("http.request.method", self.attribute);
        attributes.text_if("http.request.method_original", self.original);
    }
}
