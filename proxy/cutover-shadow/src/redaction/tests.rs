use cutover_domain::compare::{Frame, Map};

use super::*;

mod properties;

pub(super) fn keep(places: &[&str]) -> Keep {
    Keep::new(places.iter().map(|place| place.parse().unwrap()))
}

fn map(entries: &[(&str, Value)]) -> Value {
    let entry = |(key, value): &(&str, Value)| ((*key).into(), value.clone());
    Value::Map(Map::new(entries.iter().map(entry).collect()).unwrap())
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn answer(headers: &[(&str, &str)], body: Body) -> Answer {
    let headers = headers.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    Answer { status: 200, headers, trailers: vec![], body }
}

fn outline_of(key: u8, body: Body, kept: &[&str]) -> Outline {
    Redactor::new(&[key; 32]).outline(&answer(&[], body), &keep(kept))
}

/// As JSON, hashes left out.
fn shown(outline: &Outline) -> String {
    let text = serde_json::to_string(outline).unwrap();
    let mut parts = text.split('#');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + "#" + &part[16..])
}

#[test]
fn an_outline_shows_places_types_lengths_and_formats() {
    let body = map(&[
        ("name", Value::text("Zoe")),
        ("seen", Value::text("2026-11-21T10:00:00Z")),
        ("tags", Value::List(vec![number("12.50"), number("7")])),
        ("none", Value::List(vec![])),
        ("blank", Value::text("  ")),
        ("gone", Value::Null),
        ("old", Value::Bool(true)),
    ]);
    let headers = [("X-User", "Zoe"), ("set-cookie", "s=secret; Path=/; HttpOnly")];
    let headers = headers.map(|(name, text)| (name.to_ascii_lowercase(), text));
    let headers: Vec<_> = headers.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let answer = answer(&headers, Body::Value(body));
    let outline = Redactor::new(&[1; 32]).outline(&answer, &Keep::default());
    let expected = concat!(
        r##"{"status":200,"headers":{"set-cookie":{"s":["text 6 #","text 16 #"]},"##,
        r##""x-user":"text 3 # base64"},"body":{"json":{"blank":"= \"  \"","gone":"null","##,
        r##""name":"text 3 # base64","none":[],"old":"bool 1 #","seen":"text 20 # rfc3339","##,
        r##""tags":["number 4 # number","number 1 # integer number"]}}}"##
    );
    // A word of six letters may be base 64 as well as not.
    assert_eq!(shown(&outline), expected.replace("text 6 #", "text 6 # base64"));
}

#[test]
fn no_value_and_no_key_that_is_data_is_shown() {
    let secrets = ["Ada Lovelace", "hunter2", "owner@example.com", "4711-0815-123"];
    let body = map(&[
        ("password", Value::text("hunter2")),
        ("owner@example.com", Value::text("hunter2")),
        ("4711-0815-123", Value::text("hunter2")),
    ]);
    let answer = answer(&[("x-user", "Ada Lovelace")], Body::Value(body));
    let outline = Redactor::new(&[1; 32]).outline(&answer, &keep(&["body.**", "header.x-page"]));
    let shown = serde_json::to_string(&outline).unwrap();
    for secret in &secrets[..1] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(!shown.contains("owner@") && !shown.contains("4711-0815"), "{shown}");
    // The keys are data, so no rule can name them; what is below them may be kept all the same.
    assert_eq!(shown.matches("hunter2").count(), 2, "{shown}");
    let outline = Redactor::new(&[1; 32]).outline(&answer, &Keep::default());
    let shown = serde_json::to_string(&outline).unwrap();
    secrets.iter().for_each(|secret| assert!(!shown.contains(secret), "{secret} in {shown}"));
}

#[test]
fn what_the_route_keeps_is_kept_unless_it_looks_like_a_token() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let body = map(&[
        ("status", Value::text("active")),
        ("version", Value::text("1.2.3")),
        ("level", number("7")),
        ("old", Value::Bool(false)),
        ("note", Value::text(token)),
        ("scheme", Value::text("Bearer abc")),
        ("long", Value::text(&"x".repeat(257))),
        ("password", Value::text("hunter2")),
    ]);
    let outline = outline_of(1, Body::Value(body), &["body.*"]);
    let text = serde_json::to_string(&outline).unwrap();
    for kept in [r#""= \"active\"""#, r#""= \"1.2.3\"""#, r#""= 7""#, r#""= false""#] {
        assert!(text.contains(kept), "{kept} not in {text}");
    }
    for hidden in [token, "Bearer", "xxxx", "hunter2"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert_eq!(serde_json::from_str::<Outline>(&text).unwrap(), outline);
}

#[test]
fn bodies_that_are_no_json_are_never_kept() {
    let body = Body::Text("name=Ada&password=hunter2".into());
    let text = serde_json::to_string(&outline_of(1, body, &["body", "body.**"])).unwrap();
    assert!(text.contains(r#"{"text":"text 25 #"#) && !text.contains("Ada"), "{text}");
    let frames = vec![Frame::Value(Value::text("Zoe")), Frame::Opaque { length: 3, hash: 7 }];
    let outline = outline_of(1, Body::Frames(frames), &[]);
    assert!(shown(&outline).contains(r##"{"frames":["text 3 # base64","bytes 3 #"]}"##));
}

#[test]
fn hashes_tell_equal_values_by_the_key_only() {
    let outline = |key, text: &str| outline_of(key, Body::Text(text.into()), &[]).body;
    assert_eq!(outline(1, "a"), outline(1, "a"));
    assert_ne!(outline(1, "a"), outline(1, "b"));
    assert_ne!(outline(1, "a"), outline(2, "a"));
    let opaque = |hash| outline_of(1, Body::Opaque { length: 3, hash }, &[]).body;
    assert_ne!(opaque(7), opaque(8));
    assert!(!serde_json::to_string(&opaque(7)).unwrap().contains("0000000000000007"));
    assert_ne!(Redactor::new(&[1; 32]).key_id(), Redactor::new(&[2; 32]).key_id());
}

#[test]
fn outlines_are_bounded_and_say_so() {
    let element = map(&[("id", number("12345")), ("name", Value::text("\"quoted\"\u{1}"))]);
    for (body, kept) in [
        (Value::List(vec![element; 5_000]), vec![]),
        (
            Value::List(vec![map(&[("a", Value::text(&"\u{1}".repeat(200)))]); 2_000]),
            vec!["body.**"],
        ),
        (map(&(0..40).map(|_| ("", Value::Null)).take(1).collect::<Vec<_>>()), vec![]),
    ] {
        let is_small = matches!(body, Value::Map(_));
        let outline = outline_of(1, Body::Value(body), &kept);
        let bytes = serde_json::to_string(&outline).unwrap().len();
        assert!(bytes <= OUTLINE_BYTES_MAX, "{bytes}");
        assert_eq!(outline.left_out > 0, !is_small, "{}", outline.left_out);
        assert!(is_small || bytes > OUTLINE_BYTES_MAX / 2, "{bytes}");
    }
    let headers: Vec<(String, String)> =
        (0..2_000).map(|i| (format!("x-{}", "n".repeat(i % 50)), "v".repeat(100))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
    let answer = answer(&headers, Body::Value(Value::List(vec![Value::Null; 9_000])));
    let outline = Redactor::new(&[1; 32]).outline(&answer, &Keep::default());
    assert!(serde_json::to_string(&outline).unwrap().len() <= OUTLINE_BYTES_MAX);
}
