//! As much JSON as the tests write.

use crate::compare::{Map, Value};

pub(super) fn json(text: &str) -> Value {
    let mut rest = text;
    let value = value(&mut rest);
    assert_eq!(rest.trim(), "", "behind the value");
    value
}

fn value(rest: &mut &str) -> Value {
    *rest = rest.trim_start();
    for (word, value) in
        [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
    {
        if take(rest, word) {
            return value;
        }
    }
    if take(rest, "[") {
        return Value::List(items(rest, "]", value));
    }
    if take(rest, "{") {
        let entry = |rest: &mut &str| {
            let key = string(rest);
            assert!(take(rest, ":"), "no `:` at {rest}");
            (key, value(rest))
        };
        return Value::Map(Map::new(items(rest, "}", entry)).unwrap());
    }
    if rest.starts_with('"') {
        return Value::Text(string(rest));
    }
    let end = rest.find([',', ']', '}', ' ']).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(end);
    *rest = behind;
    Value::Number(number.parse().unwrap())
}

fn items<T>(rest: &mut &str, end: &str, item: impl Fn(&mut &str) -> T) -> Vec<T> {
    let mut items = Vec::new();
    while !take(rest, end) {
        items.push(item(rest));
        take(rest, ",");
    }
    items
}

fn string(rest: &mut &str) -> Box<str> {
    assert!(take(rest, "\""), "no string at {rest}");
    let (text, behind) = rest.split_once('"').unwrap();
    *rest = behind;
    text.into()
}

fn take(rest: &mut &str, word: &str) -> bool {
    let trimmed = rest.trim_start();
    let behind = trimmed.strip_prefix(word);
    *rest = behind.unwrap_or(trimmed);
    behind.is_some()
}
