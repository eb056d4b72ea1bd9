//! Messages that two parsers could read in two ways, from either end.

use cutover_domain::{Phase, Target, WriteClass};

use crate::{
    http2::get,
    rig::{self, H2Client, Raw, Rig, answer, route},
};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn both() -> Rig {
    Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
    })
}

/// Sends one HTTP/2 head; the upstream must not see it.
fn refused(rig: &Rig, fields: &[(&[u8], &[u8])]) {
    let show = || {
        let show = |(name, value): &(&[u8], &[u8])| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        fields.iter().map(show).collect::<Vec<_>>().join(" ")
    };
    let mut raw = Raw::connect(rig.address(), &[]);
    raw.headers(1, fields, true);
    let verdict = raw.verdict(1);
    assert_ne!(verdict, "0x88", "{}", show());
    assert_eq!(rig.legacy.requests(), 0, "{}", show());
}

#[test]
fn an_http2_head_that_http1_could_not_carry_reaches_no_upstream() {
    let rig = both();
    let fields: [&[(&[u8], &[u8])]; 19] = [
        &[(b"transfer-encoding", b"chunked")],
        &[(b"transfer_encoding", b"chunked")],
        &[(b"connection", b"close")],
        &[(b"keep-alive", b"1")],
        &[(b"proxy-connection", b"close")],
        &[(b"upgrade", b"websocket")],
        &[(b"te", b"gzip")],
        &[(b"content-length", b"5")],
        &[(b"content-length", b"+0")],
        &[(b"content-length", b"0, 0")],
        &[(b"content-length", b"0"), (b"content-length", b"0")],
        &[(b"content_length", b"5")],
        &[(b"x", b"1\r\nTransfer-Encoding: chunked")],
        &[(b"x", b"1\ny: 1")],
        &[(b"x", b"1\0")],
        &[(b"X-Upper", b"1")],
        &[(b"x y", b"1")],
        &[(b"x:", b"1")],
        &[(b"host", b"b")],
    ];
    for more in fields {
        refused(&rig, &[&get("/x")[..], more].concat());
    }
    for path in ["", "x", "?x", "*", "/a b", "/a\r\nX: 1", "/a\tb", "http://b/x", "/\u{fc}", "//\0"]
    {
        refused(&rig, &get(path));
    }
    for authority in ["", "a b", "user@a", "a/b", "a,b", "a:b", "a:99999", "a\r\nb", "%61"] {
        let mut fields = get("/x");
        fields[2].1 = authority.as_bytes();
        refused(&rig, &fields);
    }
    for method in ["", "GE T", "CONNECT", "G\r\nET", &"M".repeat(40)] {
        let mut fields = get("/x");
        fields[0].1 = method.as_bytes();
        refused(&rig, &fields);
    }
    let [method, scheme, _, path] = get("/x");
    refused(&rig, &[method, scheme, path]);
    refused(&rig, &[method, scheme, path, (b"host", b"a"), (b"host", b"a")]);
    refused(&rig, &[method, scheme, path, (b"host", b"a b")]);
}

#[test]
fn what_http1_can_carry_passes() {
    let rig = both();
    let [method, scheme, authority, path] = get("/x");
    let star: (&[u8], &[u8]) = (b":path", b"*");
    let heads: [&[(&[u8], &[u8])]; 4] = [
        &[method, scheme, authority, path, (b"host", b"A:80")],
        &[method, scheme, path, (b"host", b"a:81")],
        &[(b":method", b"OPTIONS"), scheme, authority, star],
        &[(b":method", b"PURGE"), scheme, authority, path, (b"content-length", b"0")],
    ];
    for head in heads {
        let mut raw = Raw::connect(rig.address(), &[]);
        raw.headers(1, head, true);
        assert_eq!(raw.verdict(1), "0x88", "{head:?}");
    }
    assert!(rig.legacy.last().starts_with("PURGE /x HTTP/1.1\r\n"), "{}", rig.legacy.last());
}

#[test]
fn a_body_other_than_its_length_is_cut_off() {
    for (data, ends) in [(&b"123456"[..], true), (&b"1234"[..], true)] {
        let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
            settings.listeners[0].http2_cleartext = true;
        });
        let mut raw = Raw::connect(rig.address(), &[]);
        let [_, scheme, authority, path] = get("/x");
        let method: (&[u8], &[u8]) = (b":method", b"POST");
        let head = [method, scheme, authority, path, (b"content-length", b"5")];
        raw.headers(1, &head, false);
        raw.data(1, data, ends);
        assert_eq!(raw.verdict(1), "reset");
        rig.until(|| rig.legacy.open() == 0);
        let seen = rig.legacy.last_if_any();
        assert!(!seen.ends_with("\r\n\r\n12345"), "a whole request was seen: {seen}");
    }
}

#[test]
fn trailers_cannot_change_the_head() {
    let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
    });
    for name in ["host", "content-length", "authorization", "content_type"] {
        let h2 = H2Client::connect(rig.address());
        let mut trailers = http::HeaderMap::new();
        trailers.insert(http::HeaderName::try_from(name).unwrap(), "1".parse().unwrap());
        let (sender, body) = rig::live_body();
        sender.send(http_body::Frame::trailers(trailers)).unwrap();
        drop(sender);
        let request = http::Request::post("http://a/x").header("trailer", name).body(body);
        assert!(h2.try_ask(request.unwrap()).is_err(), "{name}");
    }
}

/// What an HTTP/1 client gets for each of several requests to an upstream that answers so.
fn served(reply: &'static str, ask: &str, times: usize) -> Vec<String> {
    let rig = Rig::start(&[], [answer(reply), answer(HELLO)]);
    let mut client = rig.client();
    (0..times).map(|_| client.ask(ask)).collect()
}

#[test]
fn an_answer_with_length_and_encoding_is_framed_by_its_encoding() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let rig = Rig::with(&[], [answer(reply), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
    });
    let mut client = rig.client();
    for _ in 0..2 {
        client.send(ASK);
        let got = client.read_until("0\r\n\r\n").to_lowercase();
        assert!(got.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{got}");
        assert!(!got.contains("content-length"), "{got}");
    }
    assert_eq!(H2Client::connect(rig.address()).get("http://a/x").body, "hello");
}

#[test]
fn an_answer_without_a_sure_end_is_a_bad_gateway() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\nhello",
        "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/9.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let replies = served(reply, ASK, 2);
        assert!(
            replies.iter().all(|got| got.starts_with("HTTP/1.1 502 ")),
            "{reply:?}: {replies:?}"
        );
    }
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello";
    for got in served(twice, ASK, 2) {
        assert_eq!(got.matches("ength: 5").count(), 1, "{got}");
    }
}

#[test]
fn bytes_behind_an_answer_answer_nobody() {
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for got in served(more, ASK, 10) {
        assert!(got.ends_with("hello"), "{got}");
    }
    let body_of_head = "HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let rig = Rig::start(&[], [answer(body_of_head), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..10 {
        client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let got = client.read_until("\r\n\r\n");
        assert!(got.contains("Content-Length: 47"), "{got}");
    }
    let empty = "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for got in served(empty, ASK, 10) {
        assert!(got.starts_with("HTTP/1.1 204 No\r\n"), "{got}");
    }
}

#[test]
fn a_304_keeps_the_length_it_speaks_of() {
    let rig = Rig::start(
        &[],
        [
            answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: x\r\n\r\n"),
            answer(HELLO),
        ],
    );
    let mut client = rig.client();
    for _ in 0..2 {
        client.send(ASK);
        let got = client.read_until("\r\n\r\n");
        assert_eq!(got, "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: x\r\n\r\n");
    }
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_no_answer() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nx";
    for got in served(switch, ASK, 2) {
        assert!(got.starts_with("HTTP/1.1 502 ") && got.ends_with("(unasked_upgrade)\n"), "{got}");
    }
    let rig =
        Rig::start(&[route("r", "GET", "/x", WriteClass::Safe)], [answer(HELLO), answer(switch)]);
    rig.put("r", Target::phase(Phase::Live));
    assert!(rig.client().ask(ASK).ends_with("hello"));
}

#[test]
fn an_h2c_upgrade_is_not_passed_on() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let mut client = rig.client();
    let ask = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    for _ in 0..2 {
        assert!(client.ask(ask).ends_with("hello"));
        let seen = rig.legacy.last().to_lowercase();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{seen}");
    }
}

#[test]
fn endless_heads_and_interim_answers_end_in_an_answer_of_ours() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(300));
    for reply in [long, many] {
        let reply: &'static str = reply.leak();
        let got = served(reply, ASK, 2);
        assert!(got.iter().all(|got| got.starts_with("HTTP/1.1 502 ")), "{got:?}");
    }
    let flood =
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n\r\n".repeat(2000);
    let flood: &'static str = format!("{flood}{HELLO}").leak();
    let rig = Rig::start(&[], [answer(flood), answer(HELLO)]);
    let mut client = rig.client();
    client.send(ASK);
    let got = client.read_until("hello");
    assert!(got.contains("103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 "), "{got}");
    let routes = [route("r", "GET", "/x", WriteClass::Safe)];
    let rig = Rig::start(&routes, [rig::hints_forever(), answer(HELLO)]);
    let mut client = rig.client();
    client.send(ASK);
    assert!(client.read_until("(timeout)\n").contains("HTTP/1.1 504 "));
}

#[test]
fn random_frames_break_nothing() {
    let rig = both();
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..300 {
        let mut raw = Raw::connect(rig.address(), &[]);
        for _ in 0..random.usize(1..12) {
            let stream = random.u32(0..6);
            match random.u8(0..4) {
                0 => raw.headers(stream, &get("/x"), random.bool()),
                1 => raw.data(stream, b"data", random.bool()),
                _ => {
                    let payload: Vec<u8> =
                        (0..random.usize(0..40)).map(|_| random.u8(..)).collect();
                    raw.frame(random.u8(0..12), random.u8(..), stream, &payload);
                }
            }
        }
    }
    rig.until(|| rig.handle.connections() == 0);
    assert_eq!(H2Client::connect(rig.address()).get("http://a/x").body, "hello");
    let unmatched = rig.counts(cutover_gateway::UNMATCHED);
    assert!(unmatched.sides[0].outcomes.iter().sum::<u64>() > 0, "some requests came through");
}
