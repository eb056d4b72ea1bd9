//! HTTP/2 clients: prior knowledge and ALPN, upstreams of either version, slow ones and abuse.

use std::time::Duration;

use bytes::Bytes;
use cutover_domain::{Phase, Scheme, Target, WriteClass};
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;

use crate::rig::{
    self, H2Client, H2Upstream, Pki, Raw, Rig, answer, body, empty, live_body, route, text,
};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn cleartext(routes: &[cutover_domain::RouteSpec], upstreams: [rig::Behaviour; 2]) -> Rig {
    Rig::with(routes, upstreams, |settings| settings.listeners[0].http2_cleartext = true)
}

#[test]
fn one_cleartext_port_speaks_both_versions() {
    let rig = cleartext(&[], [answer(HELLO), answer(HELLO)]);
    let h2 = H2Client::connect(rig.address());
    assert_eq!(h2.get("http://a/x").body, "hello");
    assert!(rig.client().ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
    assert!(
        rig.client()
            .ask("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .ends_with("hello")
    );
}

#[test]
fn alpn_picks_the_version() {
    let pki = Pki::new();
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.listeners[0].tls = Some(pki.listener(false));
    });
    let h2 = H2Client::connect_tls(rig.address(), &pki.client(None, &["h2"])).unwrap();
    assert_eq!(h2.get("https://localhost/x").body, "hello");
    let mut http1 = rig.client_tls(&pki.client(None, &["http/1.1"]));
    assert!(http1.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
}

#[test]
fn a_request_becomes_http1_with_all_it_said() {
    let chunked = "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n";
    let rig = cleartext(&[], [answer(chunked), answer(HELLO)]);
    let h2 = H2Client::connect(rig.address());
    let request = Request::post("http://Shop.example:81/a%2Fb?q=1")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .header("trailer", "x-in")
        .body(body(&["hel", "lo"], Some(("x-in", "1"))))
        .unwrap();
    let reply = h2.ask(request);
    let seen = rig.legacy.last();
    assert!(seen.starts_with("POST /a%2Fb?q=1 HTTP/1.1\r\n"), "{seen}");
    let lower = seen.to_lowercase();
    for part in
        ["\r\nhost: shop.example:81\r\n", "\r\ncookie: a=1; b=2\r\n", "\r\nte: trailers\r\n"]
    {
        assert!(lower.contains(part), "{part:?} in {seen}");
    }
    assert!(lower.ends_with("3\r\nhel\r\n2\r\nlo\r\n0\r\nx-in: 1\r\n\r\n"), "{seen}");
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2);
    assert!(!reply.headers.contains_key("transfer-encoding"), "{reply:?}");
    assert_eq!(reply.body, "abc");
    assert_eq!(reply.trailers.unwrap()["x-sum"], "7");
}

#[test]
fn a_declared_length_stays_a_length() {
    let rig = cleartext(&[], [answer(HELLO), answer(HELLO)]);
    let h2 = H2Client::connect(rig.address());
    h2.ask(Request::put("http://a/x").header("content-length", "5").body(text("hello")).unwrap());
    let seen = rig.legacy.last().to_lowercase();
    assert!(seen.contains("content-length: 5\r\n") && seen.ends_with("\r\n\r\nhello"), "{seen}");
    assert!(!seen.contains("transfer-encoding"), "{seen}");
}

#[test]
fn fallback_needs_no_header_fields() {
    let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = cleartext(&routes, [answer(HELLO), rig::closes()]);
    rig.put("r", Target::phase(Phase::Live));
    let h2 = H2Client::connect(rig.address());
    for _ in 0..3 {
        assert_eq!(h2.get("http://a/d/1").body, "hello");
    }
    assert_eq!(rig.counts("r").fallbacks, 3);
}

/// A gRPC upstream: echoes messages as they come, ends with a status in trailers; `/fail` answers
/// with trailers only.
fn grpc() -> H2Upstream {
    H2Upstream::start(None, |request| async move {
        let answer = http::Response::builder().header("content-type", "application/grpc");
        assert_eq!(request.headers()["te"], "trailers");
        if request.uri().path() == "/fail" {
            return answer.header("grpc-status", "5").body(empty()).unwrap();
        }
        let (sender, body) = live_body();
        let mut incoming = request.into_body();
        tokio::spawn(async move {
            while let Some(Ok(frame)) = incoming.frame().await {
                let _ = sender.send(frame);
            }
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let _ = sender.send(Frame::trailers(trailers));
        });
        answer.body(body).unwrap()
    })
}

fn grpc_call(path: &str, body: rig::Body) -> Request<rig::Body> {
    Request::post(format!("http://a{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

#[test]
fn grpc_streams_both_ways_and_ends_with_trailers() {
    let upstream = grpc();
    let rig = Rig::custom(&[], [rig::refuses(), rig::refuses()], |settings, declaration| {
        settings.listeners[0].http2_cleartext = true;
        // Shorter than the pauses of this conversation would need, were they the client's fault.
        settings.listeners[0].guard.timeouts.body = Duration::from_millis(100);
        declaration.upstreams[0].scheme = Scheme::H2c;
        declaration.upstreams[0].port = upstream.address.port();
    });
    let h2 = H2Client::connect(rig.address());
    let (sender, call) = live_body();
    let mut answer = h2.begin(grpc_call("/echo", call)).unwrap();
    for message in ["one", "two", "three"] {
        let pause = h2.block_on(async {
            tokio::time::timeout(Duration::from_millis(150), answer.frame()).await
        });
        assert!(pause.is_err(), "nothing was said yet");
        sender.send(Frame::data(Bytes::from(message))).unwrap();
        let frame = h2.block_on(answer.frame()).unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), message);
    }
    drop(sender);
    let frame = h2.block_on(answer.frame()).unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap()["grpc-status"], "0");
    let failed = h2.ask(grpc_call("/fail", empty()));
    assert_eq!(
        (failed.status, failed.headers["grpc-status"].as_bytes()),
        (StatusCode::OK, &b"5"[..])
    );
    assert_eq!(upstream.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_client_that_opens_no_window_is_cut_off() {
    let (answers, reads) = (rig::endless(1 << 20), answer(HELLO));
    let rig = Rig::with(&[], [answers, reads], |settings| {
        settings.listeners[0].http2_cleartext = true;
        settings.listeners[0].guard.timeouts.write = Duration::from_millis(200);
    });
    let mut raw = Raw::connect(rig.address(), &[(4, 0)]);
    raw.headers(1, &get("/x"), true);
    assert_eq!(raw.verdict(1), "0x88");
    assert_eq!(raw.verdict(3), "end");
    rig.until(|| rig.handle.connections() == 0 && rig.legacy.open() == 0);
}

#[test]
fn an_unused_connection_is_closed() {
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
        settings.listeners[0].guard.timeouts.idle = Duration::from_millis(200);
    });
    let h2 = H2Client::connect(rig.address());
    assert_eq!(h2.get("http://a/x").body, "hello");
    rig.until(|| h2.is_closed() && rig.handle.connections() == 0);
}

#[test]
fn a_body_that_comes_too_slowly_is_told() {
    let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
        let timeouts = &mut settings.listeners[0].guard.timeouts;
        (timeouts.body, timeouts.body_rate_grace) =
            (Duration::from_millis(400), Duration::from_millis(800));
    });
    let h2 = H2Client::connect(rig.address());
    let (sender, stalls) = live_body();
    sender.send(Frame::data(Bytes::from("part"))).unwrap();
    let reply = h2.ask(Request::post("http://a/x").body(stalls).unwrap());
    assert_eq!(
        (reply.status.as_u16(), &*reply.body),
        (408, "the request body came too slowly (body_slow)\n")
    );

    let (sender, drips) = live_body();
    let dripping = h2.spawn(async move {
        while sender.send(Frame::data(Bytes::from_static(b"."))).is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let reply = h2.ask(Request::post("http://a/x").body(drips).unwrap());
    assert_eq!(reply.status.as_u16(), 408, "a byte now and then is too slow as well");
    dripping.abort();
}

#[test]
fn continue_opens_the_body_without_waiting() {
    let rig = cleartext(&[], [rig::interim(), answer(HELLO)]);
    let h2 = H2Client::connect(rig.address());
    let wait = || {
        let begun = std::time::Instant::now();
        let request = Request::post("http://a/x")
            .header("expect", "100-continue")
            .header("content-length", "2")
            .body(text("hi"));
        assert_eq!(h2.ask(request.unwrap()).body, "hello");
        begun.elapsed()
    };
    // Without the upstream's word a body waits a full second, each time; a busy machine does not.
    assert!((0..10).any(|_| wait() < Duration::from_millis(900)));
}

#[test]
fn streams_opened_only_to_be_reset_end_the_connection() {
    let rig = Rig::with(&[], [rig::silent(), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
        settings.listeners[0].http2.premature_resets_max = 10;
        settings.listeners[0].http2.pending_resets_max = 1000;
    });
    let mut raw = Raw::connect(rig.address(), &[]);
    for stream in (1..400).step_by(2) {
        raw.headers(stream, &get("/x"), true);
        raw.reset(stream);
        std::thread::yield_now();
    }
    rig.until(|| rig.handle.connections() == 0);
}

#[test]
fn clients_who_do_not_read_hold_up_nobody_on_a_shared_upstream_connection() {
    let upstream = H2Upstream::start(None, |request| async move {
        let large = request.uri().path() == "/large";
        http::Response::new(if large { text(&"x".repeat(8 << 20)) } else { text("small") })
    });
    let rig = Rig::custom(&[], [rig::refuses(), rig::refuses()], |_, declaration| {
        declaration.upstreams[0].scheme = Scheme::H2c;
        declaration.upstreams[0].port = upstream.address.port();
    });
    let mut slow: Vec<_> = (0..20).map(|_| rig.client()).collect();
    for client in &mut slow {
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        client.read_until("\r\n\r\n");
    }
    for _ in 0..20 {
        assert!(rig.client().ask("GET /small HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("small"));
    }
}

pub(crate) fn get(path: &str) -> [(&[u8], &[u8]); 4] {
    [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", b"a"),
        (b":path", path.as_bytes()),
    ]
}
