use bytes::Bytes;
use http::{HeaderName, Method};
use proptest::prelude::*;

use super::*;
use crate::redaction::OUTLINE_BYTES_MAX;

const UUID: &str = "8c6a0c3e-6d5e-4f0a-9b7e-0d8f6a1c2b3d";

fn request(target: &str, headers: &[(&'static str, &str)], body: &str) -> RequestCopy {
    let headers = headers
        .iter()
        .map(|(name, text)| (HeaderName::from_static(name), text.parse().unwrap()))
        .collect();
    let body = Bytes::copy_from_slice(body.as_bytes());
    RequestCopy { method: Method::GET, target: target.into(), headers, body }
}

fn outlined(template: &str, request: &RequestCopy, kept: &[&str]) -> RequestOutline {
    let keep = Keep::new(kept.iter().map(|place| place.parse().unwrap()));
    let redactor = Redactor::new(&[1; 32]);
    let by = (&redactor, &Limits::default());
    let outline = outline(request, "GET", &template.parse().unwrap(), &keep, by);
    let text = serde_json::to_string(&outline).unwrap();
    assert!(text.len() <= OUTLINE_BYTES_MAX, "{}", text.len());
    assert_eq!(serde_json::from_str::<RequestOutline>(&text).unwrap(), outline);
    outline
}

fn replayed(template: &str, target: &str, kept: &[&str]) -> Result<String, NotReplayable> {
    let outline = outlined(template, &request(target, &[], ""), kept);
    outline.replay().map(|replay| replay.target)
}

#[test]
fn what_names_nobody_is_shown_of_a_path() {
    for target in [
        "/",
        "/api/v1/devices",
        "/api/v1/devices/4711",
        "/api/v1/devices/4711/events/8c6a0c3e-6d5e-4f0a-9b7e-0d8f6a1c2b3d",
    ] {
        let template = match target.matches('/').count() {
            1 => "/",
            3 => "/api/v1/devices",
            4 => "/api/v1/devices/{id}",
            _ => "/api/v1/devices/{id}/events/{event}",
        };
        assert_eq!(replayed(template, target, &[]).as_deref(), Ok(target));
    }
    assert_eq!(
        replayed("/a/{rest...}", &format!("/a/1/{UUID}"), &[]).unwrap(),
        format!("/a/1/{UUID}")
    );
    // As it was sent, however it is spelt.
    assert_eq!(replayed("/a b", "/a%20b", &[]).unwrap(), "/a%20b");
}

#[test]
fn what_may_name_somebody_is_not() {
    for segment in ["ada", "dev-4711", "1234567890", "a%40b.org", "+4930123", "4711x"] {
        let target = format!("/users/{segment}");
        for template in ["/users/{id}", "/users/{rest...}", "/{a}/{b}", "/{rest...}"] {
            assert_eq!(replayed(template, &target, &[]), Err(NotReplayable::Path), "{target}");
            let outline = outlined(template, &request(&target, &[], ""), &[]);
            let text = serde_json::to_string(&outline).unwrap();
            assert!(!text.contains(segment), "{segment} in {text}");
        }
    }
    assert_eq!(replayed("/users/{name}", "/users/ada", &["path.name"]).unwrap(), "/users/ada");
    assert_eq!(replayed("/{rest...}", "/u/ada", &["path.rest"]).unwrap(), "/u/ada");
    assert_eq!(replayed("/users/{name}", "/users/ada", &["path.id"]), Err(NotReplayable::Path));
}

#[test]
fn of_a_query_names_are_shown_and_values_that_are_kept() {
    let target = "/a?limit=10&filter[kind]=x%20y&q=ada&ada%40b.org=1&secret&4711-0815=2";
    let request = request(target, &[], "");
    let outline = outlined("/a", &request, &["query.limit", "query.\"filter[kind]\""]);
    let shown: Vec<String> = outline
        .query
        .iter()
        .map(|(key, leaf)| format!("{key} {leaf}").split('#').next().unwrap().to_owned())
        .collect();
    assert_eq!(shown[..3], ["limit = \"10\"", "filter[kind] = \"x%20y\"", "q text 3 "]);
    assert!(shown[3..].iter().all(|pair| pair.starts_with('{')), "{shown:?}");
    let text = serde_json::to_string(&outline).unwrap();
    for hidden in ["ada", "secret", "4711"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let refused = outline.replay().unwrap_err();
    assert_eq!(refused.as_str(), "query");
    assert!(refused.to_string().contains("(q, a name, a name, a name)"), "{refused}");
    let target = "/a?limit=10&limit=&x=%26";
    assert_eq!(replayed("/a", target, &["query.*"]).unwrap(), target);
    // Not even a wildcard keeps credentials.
    let refused = replayed("/a", "/a?access_token=1", &["query.*"]);
    assert_eq!(refused, Err(NotReplayable::Query(vec!["access_token".into()])));
}

#[test]
fn headers_are_left_out_unless_they_are_kept() {
    let headers = [
        ("host", "monolith.example"),
        ("accept", "application/json"),
        ("authorization", "Bearer abc"),
        ("cookie", "session=abc"),
        ("x-user", "Ada"),
        ("user-agent", "app/3.1 (Ada's phone)"),
    ];
    let request = request("/a", &headers, "");
    let outline = outlined("/a", &request, &["request.header.*"]);
    let text = serde_json::to_string(&outline).unwrap();
    assert!(!text.contains("abc"), "{text}");
    let outline = outlined("/a", &request, &["request.header.accept"]);
    let text = serde_json::to_string(&outline).unwrap();
    assert!(!text.contains("Ada") && !text.contains("monolith.example"), "{text}");
    let replay = outline.replay().unwrap();
    assert_eq!(replay.headers, [("accept".to_owned(), "application/json".to_owned())]);
    assert_eq!(replay.headers_left_out, ["authorization", "cookie", "x-user"]);
}

#[test]
fn a_body_is_sent_again_if_all_of_it_is_kept() {
    let json = [("content-type", "application/json")];
    let body = r#"{"b":[1.50,true,null,{}],"a":"x\"y","c":{"d":[]}}"#;
    let request_of = |body: &str| request("/a", &json, body);
    let kept = ["request.body.**"];
    let replay = outlined("/a", &request_of(body), &kept).replay().unwrap();
    assert_eq!(replay.body, r#"{"a":"x\"y","b":[1.5,true,null,{}],"c":{"d":[]}}"#);
    assert_eq!(replay.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    let without = |request: &RequestCopy, kept: &[&str]| outlined("/a", request, kept).replay();
    assert_eq!(without(&request_of(body), &["request.body.a"]), Err(NotReplayable::Body));
    assert_eq!(without(&request_of(body), &[]), Err(NotReplayable::Body));
    let id = request_of(r#"{"4711-0815":1}"#);
    assert_eq!(without(&id, &kept), Err(NotReplayable::Body));
    let form = request("/a", &[("content-type", "application/x-www-form-urlencoded")], "a=1");
    assert_eq!(without(&form, &kept), Err(NotReplayable::Body));
    let password = request_of(r#"{"password":"x"}"#);
    assert_eq!(without(&password, &kept), Err(NotReplayable::Body));
    // Keys twice: nobody can say which of them counts.
    assert_eq!(without(&request_of(r#"{"a":1,"a":2}"#), &kept), Err(NotReplayable::Body));
}

#[test]
fn requests_without_end_are_cut_off_and_not_sent_again() {
    let query = "a=1&".repeat(20_000);
    let target = format!("/a?{query}");
    let long = outlined("/a", &request(&target, &[], ""), &["query.a"]);
    assert!(long.left_out > 0);
    assert_eq!(long.replay(), Err(NotReplayable::Path));
    let target = "/1".repeat(20_000);
    let long = outlined("/{rest...}", &request(&target, &[], ""), &[]);
    assert_eq!(long.replay(), Err(NotReplayable::Path));
    let body = format!("[{}1]", "1,".repeat(19_000));
    let long = request("/a", &[("content-type", "application/json")], &body);
    assert!(outlined("/a", &long, &["request.body.**"]).replay().is_err());
    let other =
        RequestOutline { method: "_OTHER".into(), ..outlined("/", &request("/", &[], ""), &[]) };
    assert_eq!(other.replay(), Err(NotReplayable::Method));
}

proptest! {
    #[test]
    fn no_secret_is_kept_wherever_it_stands(
        before in "(/[a-c0-9]{1,3}){0,3}",
        place in 0_usize..7,
        template in prop::sample::select(vec!["/{rest...}", "/{a}/{b}", "/a/{id}", "/"]),
        kept in prop::sample::select(vec!["query.page", "path.other", "request.body.kind"]),
    ) {
        // Of no format that names it; its parts are what each syntax would split it into.
        let secret = "Ada.Lovelace+4417";
        let mut target = format!("{before}/x?page=1");
        let mut headers = vec![("content-type", "application/json")];
        let mut body = r#"{"kind":"b"}"#.to_owned();
        match place {
            0 => target = format!("{before}/{secret}?page=1"),
            1 => target = format!("{before}/x?q={secret}&page=1"),
            2 => target = format!("{before}/x?{secret}=1"),
            3 => target = format!("{before}/x?{secret}"),
            4 => headers.push(("x-user", secret)),
            5 => body = format!(r#"{{"name":"{secret}","{secret}":1}}"#),
            _ => body = format!(r#"{{"name":["{secret}""#),
        }
        let outline = outlined(template, &request(&target, &headers, &body), &[kept]);
        let text = serde_json::to_string(&outline).unwrap();
        for part in ["Ada.", "Lovelace", "4417"] {
            prop_assert!(!text.contains(part), "{} in {}", part, text);
        }
    }
}
