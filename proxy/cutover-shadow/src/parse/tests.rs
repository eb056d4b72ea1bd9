use bytes::Bytes;
use cutover_domain::compare::{Bijections, Frame, Rules, Terms, compare};

use super::*;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        (http::HeaderName::from_static(name), value.parse().unwrap())
    };
    fields.iter().map(field).collect()
}

fn parsed(media: &str, body: &[u8]) -> Result<Parsed, Incomparable> {
    let copied = Copied::Whole(Bytes::copy_from_slice(body));
    of(&headers(&[("content-type", media)]), &copied)
}

fn of(headers: &HeaderMap, body: &Copied) -> Result<Parsed, Incomparable> {
    let raw = Raw { status: StatusCode::OK, headers, body, trailers: &HeaderMap::new() };
    parse(raw, &Limits::default())
}

/// `path kind` of each difference, or why there is no comparison.
fn differences(live: Parsed, other: Parsed) -> Result<Vec<String>, Incomparable> {
    live.is_comparable(&other)?;
    let (rules, limits) = (Rules::default(), Limits::default());
    let terms = Terms { rules: &rules, limits: &limits, now: 0 };
    let (live, other) = (live.into_answer(), other.into_answer());
    let found = compare(&live, &other, None, &terms, &mut Bijections::default())?;
    Ok(found.iter().map(|found| format!("{} {}", found.path, found.kind)).collect())
}

#[test]
fn bodies_are_read_by_media_type() {
    let body = |media: &str, body: &[u8]| parsed(media, body).unwrap().into_answer().body;
    assert_eq!(
        body("application/json", b"{}"),
        Body::Value(cutover_domain::compare::Value::Map(Default::default()))
    );
    assert_eq!(body("text/plain", b"a b"), Body::Text("a b".into()));
    assert_eq!(body("image/png", b"abc"), Body::Opaque { length: 3, hash: xxh3_64(b"abc") });
    assert_eq!(body("application/json", b""), Body::Empty);
    assert_eq!(body("text/plain", b"\xff"), Body::Opaque { length: 1, hash: xxh3_64(b"\xff") });
}

#[test]
fn grpc_messages_are_told_apart() {
    let message = |body: &[u8]| [&[0], &(body.len() as u32).to_be_bytes()[..], body].concat();
    let stream = [message(b"one"), message(b"")].concat();
    let opaque = |body: &[u8]| Frame::Opaque { length: body.len() as u64, hash: xxh3_64(body) };
    let Body::Frames(frames) = parsed("application/grpc", &stream).unwrap().into_answer().body
    else {
        panic!("a stream has frames");
    };
    assert_eq!(frames, [opaque(b"one"), opaque(b"")]);
    let live = || parsed("application/grpc", &stream).unwrap();
    let cut = parsed("application/grpc", &stream[..6]).unwrap();
    assert_eq!(differences(live(), cut), Ok(vec!["body type".to_owned()]));
    let cut = parsed("application/grpc", &stream[..6]).unwrap();
    assert_eq!(differences(cut, live()), Err(Incomparable::Malformed));
}

#[test]
fn a_candidate_that_breaks_its_json_differs() {
    let well = || parsed("application/json", br#"{"a": 1}"#).unwrap();
    let broken = || parsed("application/json", br#"{"a": 1"#).unwrap();
    assert_eq!(differences(well(), broken()), Ok(vec!["body type".to_owned()]));
    assert_eq!(differences(broken(), well()), Err(Incomparable::Malformed));
    assert_eq!(differences(broken(), broken()), Ok(vec![]));
}

#[test]
fn a_candidate_that_breaks_its_coding_differs() {
    let coded = headers(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
    let broken = || of(&coded, &Copied::Whole(Bytes::from_static(b"no gzip"))).unwrap();
    let well = || parsed("application/json", b"{}").unwrap();
    assert_eq!(differences(well(), broken()), Ok(vec!["body type".to_owned()]));
    assert_eq!(differences(broken(), well()), Err(Incomparable::Encoding));
}

#[test]
fn digests_say_that_bodies_are_equal_and_of_bytes_that_they_are_not() {
    let json = headers(&[("content-type", "application/json")]);
    let bytes = headers(&[("content-type", "image/png")]);
    let digest = |hash| Copied::Digest { length: 2_000_000, hash };
    let of = |headers, hash| of(headers, &digest(hash)).unwrap();
    assert_eq!(differences(of(&json, 1), of(&json, 1)), Ok(vec![]));
    assert_eq!(differences(of(&json, 1), of(&json, 2)), Err(Incomparable::OverCap));
    assert_eq!(differences(of(&bytes, 1), of(&bytes, 1)), Ok(vec![]));
    assert_eq!(differences(of(&bytes, 1), of(&bytes, 2)), Ok(vec!["body value".to_owned()]));
}

#[test]
fn unknown_codings_and_limits_are_incomparable() {
    let coded = headers(&[("content-encoding", "compress")]);
    let body = Copied::Whole(Bytes::from_static(b"x"));
    assert_eq!(of(&coded, &body).unwrap_err(), Incomparable::Encoding);
    let many = format!("[{}]", vec!["1"; 20_000].join(","));
    assert_eq!(parsed("application/json", many.as_bytes()).unwrap_err(), Incomparable::Limit);
    let twice = br#"{"a": 1, "a": 1}"#;
    assert_eq!(parsed("application/json", twice).unwrap_err(), Incomparable::DuplicateKey);
}
