use super::*;

fn outline(key: u8, body: Body) -> Outline {
    let headers = vec![("x-user".into(), "Ada Lovelace".into())];
    let answer = Answer { status: 200, headers, trailers: vec![], body };
    let answers = [("legacy", answer)];
    Redactor::new(&[key; 32]).outlines(&answers).remove(0)
}

fn map(entries: &[(&str, Value)]) -> Value {
    let entry = |(key, value): &(&str, Value)| ((*key).into(), value.clone());
    Value::Map(Map::new(entries.iter().map(entry).collect()).unwrap())
}

use cutover_domain::compare::Map;

#[test]
fn an_outline_shows_places_types_and_lengths() {
    let body = map(&[
        ("name", Value::text("Ada")),
        ("owner@example.com", Value::Null),
        ("550e8400e29b", Value::Bool(true)),
        ("tags", Value::List(vec![Value::Number("12.50".parse().unwrap())])),
        ("none", Value::List(vec![])),
    ]);
    let outline = outline(1, Body::Value(body));
    let leaves: Vec<String> = outline
        .leaves
        .iter()
        .map(|leaf| format!("{} {} {}", leaf.path, leaf.kind, leaf.length))
        .collect();
    let expected = [
        "header.x-user text 12",
        "body{} bool 4",
        "body.name text 3",
        "body.none list 0",
        "body{} null 0",
        "body.tags[] number 4",
    ];
    assert_eq!(leaves, expected);
}

#[test]
fn no_value_and_no_key_that_may_be_one_is_shown() {
    let secrets = ["Ada Lovelace", "hunter2", "owner@example.com", "4711-0815-123"];
    let body = map(&[
        ("password", Value::text("hunter2")),
        ("owner@example.com", Value::text("hunter2")),
        ("4711-0815-123", Value::text("hunter2")),
    ]);
    let shown = format!("{:?}", outline(1, Body::Value(body)));
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn hashes_tell_equal_values_by_the_key_only() {
    let hash = |key, text: &str| outline(key, Body::Text(text.into())).leaves[1].hash;
    assert_eq!(hash(1, "a"), hash(1, "a"));
    assert_ne!(hash(1, "a"), hash(1, "b"));
    assert_ne!(hash(1, "a"), hash(2, "a"));
    let opaque = |hash| Body::Opaque { length: 3, hash };
    assert_ne!(outline(1, opaque(7)).leaves[1].hash, 7);
}

#[test]
fn outlines_are_bounded() {
    let long = Value::List(vec![Value::Bool(true); 1_000]);
    let outline = outline(1, Body::Value(long));
    assert_eq!((outline.leaves.len(), outline.left_out), (LEAVES_MAX, 1_001 - LEAVES_MAX));
}
