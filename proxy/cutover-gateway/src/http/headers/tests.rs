use expect_test::{Expect, expect};

use super::*;

fn map(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    headers
}

fn show(headers: &HeaderMap) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect()
}

fn check(lines: &[&str], expected: Expect) {
    let mut headers = map(lines);
    strip_request(&mut headers);
    expected.assert_eq(&show(&headers));
}

#[test]
fn what_belongs_to_the_connection_goes_and_the_rest_keeps_its_order() {
    check(
        &[
            "host: a",
            "connection: keep-alive, X-Drop",
            "a: 1",
            "x-drop: 1",
            "b: 1",
            "a: 2",
            "te: trailers",
            "c: 1",
        ],
        expect![[r#"
            host: a
            a: 1
            a: 2
            b: 1
            c: 1
        "#]],
    );
}

#[test]
fn a_client_sets_none_of_our_fields() {
    check(
        &["host: a", "cutover-override: x", "Cutover-Shadow: 1", "cutoverx: stays"],
        expect![[r#"
            host: a
            cutoverx: stays
        "#]],
    );
}

#[test]
fn connection_cannot_nominate_framing_or_routing_away() {
    check(
        &[
            "host: a",
            "connection: host, content-length, authorization, trailer",
            "content-length: 5",
            "trailer: x",
            "authorization: b",
        ],
        expect![[r#"
            host: a
            content-length: 5
            trailer: x
            authorization: b
        "#]],
    );
}

#[test]
fn an_upgrade_counts_only_if_connection_names_it() {
    let hop = strip_request(&mut map(&["connection: Upgrade", "upgrade: websocket"]));
    assert_eq!(hop.upgrade.unwrap(), "websocket");
    let hop = strip_request(&mut map(&["upgrade: websocket", "te: deflate, Trailers;q=1"]));
    assert!(hop.upgrade.is_none());
    assert!(hop.trailers);
}

#[test]
fn ports_come_off_hosts() {
    for (authority, host) in [
        ("a.example", "a.example"),
        ("a:80", "a"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ] {
        assert_eq!(without_port(authority), host);
    }
}

#[test]
fn crumbs_are_joined_for_http1() {
    let mut headers = map(&["cookie: a=1", "cookie: b=2"]);
    for_http1(&mut headers, &"http://h:1/".parse().unwrap(), Version::HTTP_2);
    expect![[r#"
        cookie: a=1; b=2
        host: h:1
    "#]]
    .assert_eq(&show(&headers));
}

#[test]
fn our_cookie_is_taken_out_and_the_others_stay() {
    check(
        &["cookie: a=1;  b=2; Cutover-Override=v1.new.1.x; c=3", "cookie: z=\"9\""],
        expect![[r#"
            cookie: a=1;  b=2; c=3
            cookie: z="9"
        "#]],
    );
}

#[test]
fn our_cookie_goes_whole_and_alone() {
    for (cookie, expected) in [
        ("a=1; Cutover-Override=v1.x; b=2", "cookie: a=1; b=2\n"),
        ("Cutover-Override=v1.x; b=2", "cookie: b=2\n"),
        ("Cutover-Override=v1.x", ""),
        (
            "Cutover-Override-2=x; a=Cutover-Override",
            "cookie: Cutover-Override-2=x; a=Cutover-Override\n",
        ),
    ] {
        let mut headers = map(&[&format!("cookie: {cookie}")]);
        strip_request(&mut headers);
        assert_eq!(show(&headers), expected, "{cookie}");
    }
    let mut headers = HeaderMap::new();
    headers
        .insert(header::COOKIE, HeaderValue::from_bytes(b"\xff=\xff;Cutover-Override=1").unwrap());
    strip_request(&mut headers);
    assert_eq!(headers[header::COOKIE].as_bytes(), b"\xff=\xff");
}

#[test]
fn a_length_beside_an_encoding_goes() {
    let mut headers = map(&["content-length: 5", "transfer-encoding: chunked", "a: 1"]);
    strip_response(&mut headers);
    assert_eq!(show(&headers), "a: 1\n");
}
