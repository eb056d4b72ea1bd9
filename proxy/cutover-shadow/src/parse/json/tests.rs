use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { depth: 5, nodes: 20 };

fn parse(text: &str) -> Result<Value, Incomparable> {
    super::parse(text.as_bytes(), &LIMITS)
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn values_are_read_exactly() {
    for (text, expected) in [
        ("null", Value::Null),
        (" true\n", Value::Bool(true)),
        ("\u{feff}false", Value::Bool(false)),
        ("-0.10e+2", number("-10")),
        ("12345678901234567890.5", number("12345678901234567890.5")),
        (r#""""#, Value::text("")),
        (r#""a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00é""#, Value::text("a\"\\/\u{8}\u{c}\n\r\tä😀é")),
        ("[]", Value::List(vec![])),
        ("[1, [2]]", Value::List(vec![number("1"), Value::List(vec![number("2")])])),
        ("{}", Value::Map(Map::default())),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
    assert_eq!(parse(r#"{"a": 1, "b": 2}"#), parse(r#"{ "b" :2.0,"\u0061":1e0 }"#));
}

#[test]
fn what_is_no_json_is_told() {
    for text in [
        "",
        " ",
        "nul",
        "tru e",
        "True",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12é\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\é\"",
        "\"a\nb\"",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "--1",
        "1 2",
        "[] x",
        "NaN",
        "'a'",
        "\u{0}",
    ] {
        assert_eq!(parse(text), Err(Incomparable::Malformed), "{text:?}");
    }
    assert_eq!(super::parse(b"\"\xff\"", &LIMITS), Err(Incomparable::Malformed));
}

#[test]
fn a_key_twice_is_told_however_it_is_written() {
    assert_eq!(parse(r#"{"a": 1, "a": 1}"#), Err(Incomparable::DuplicateKey));
    assert_eq!(parse(r#"{"a": 1, "\u0061": 2}"#), Err(Incomparable::DuplicateKey));
    assert_eq!(parse(r#"[{"a": {"b": 1, "b": 1}}]"#), Err(Incomparable::DuplicateKey));
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    assert!(parse("[[[[1]]]]").is_ok());
    assert_eq!(parse("[[[[[1]]]]]"), Err(Incomparable::Limit));
    let list = |length| format!("[{}]", vec!["1"; length].join(","));
    assert!(parse(&list(19)).is_ok());
    assert_eq!(parse(&list(20)), Err(Incomparable::Limit));
    assert_eq!(parse("1e99999999999999999999"), Err(Incomparable::Limit));
    // Deep nesting neither overflows the stack nor is read to its end.
    assert_eq!(parse(&"[".repeat(10_000_000)), Err(Incomparable::Limit));
    assert_eq!(parse(&"{\"a\":".repeat(1_000_000)), Err(Incomparable::Limit));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"[\[\]{}",:0-9eE+.\-tfn u\\é -]{0,40}"#) {
        let _ = parse(&text);
    }

    #[test]
    fn strings_come_back(text in any::<String>()) {
        let escaped: String = text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        prop_assert_eq!(parse(&format!("\"{escaped}\"")), Ok(Value::text(&text)));
    }
}
