use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;

use super::*;

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = opentelemetry_proto::tonic::common::v1::AnyValue { value: Some(value) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

#[test]
fn every_kind_of_attribute_is_read_back() {
    let mut wire = Wire::default();
    let mut attributes = wire.attributes(1);
    attributes.text("text", "ä");
    attributes.text_if("none", None);
    attributes.display("display", format_args!("{}", 7));
    attributes.number("number", -7);
    attributes.double("double", 12.5);
    attributes.flag("set", true);
    attributes.flag("unset", false);
    let resource = Resource::decode(&*wire.into_bytes()).unwrap();
    assert_eq!(
        resource.attributes,
        [
            attribute("text", Value::StringValue("ä".to_owned())),
            attribute("display", Value::StringValue("7".to_owned())),
            attribute("number", Value::IntValue(-7)),
            attribute("double", Value::DoubleValue(12.5)),
            attribute("set", Value::BoolValue(true)),
        ]
    );
}

proptest! {
    /// Around every length at which the prefix grows by a byte.
    #[test]
    fn nested_lengths_are_right(
        length in prop_oneof![0_usize..300, 16_380_usize..16_390, 2_097_140_usize..2_097_160],
        start in any::<u64>(),
        flags in any::<u32>(),
    ) {
        let name = "n".repeat(length);
        let mut wire = Wire::default();
        wire.nested(2, |span| {
            span.fixed64(7, start);
            span.nested(5, |text| fmt::Write::write_str(text, &name).unwrap());
            span.fixed32(16, flags);
            span.number(6, 3);
        });
        wire.bytes(3, b"schema");
        let scope = ScopeSpans::decode(&*wire.into_bytes()).unwrap();
        let expected = Span {
            name,
            start_time_unix_nano: start,
            flags,
            kind: 3,
            ..Span::default()
        };
        prop_assert_eq!(scope.spans, [expected]);
        prop_assert_eq!(scope.schema_url, "schema");
    }

    #[test]
    fn numbers_are_read_back(number in any::<u64>()) {
        let mut wire = Wire::default();
        wire.number(10, number >> 32);
        wire.number(12, number & 0xffff_ffff);
        let span = Span::decode(&*wire.into_bytes()).unwrap();
        prop_assert_eq!(u64::from(span.dropped_attributes_count), number >> 32);
        prop_assert_eq!(u64::from(span.dropped_events_count), number & 0xffff_ffff);
    }
}
