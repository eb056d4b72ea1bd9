//! Upstreams of every kind: HTTP/2 in cleartext and by TLS, names, private authorities.

use std::sync::{Arc, Mutex, atomic::Ordering};

use cutover_domain::{Declaration, Scheme};
use http_body_util::BodyExt;

use crate::rig::{self, H2Upstream, Pki, Rig, answer, body, text};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn an_http1_request_becomes_http2_with_all_it_said() {
    let seen = Arc::<Mutex<String>>::default();
    let note = Arc::clone(&seen);
    let upstream = H2Upstream::start(None, move |request| {
        let note = Arc::clone(&note);
        async move {
            let (parts, incoming) = request.into_parts();
            let whole = incoming.collect().await.unwrap();
            let trailers = whole.trailers().cloned();
            *note.lock().unwrap() =
                format!("{} {:?} {trailers:?} {:?}", parts.uri, parts.headers, whole.to_bytes());
            let mut answer = http::Response::new(body(&["ab", "c"], Some(("x-sum", "7"))));
            answer.headers_mut().insert("trailer", "x-sum".parse().unwrap());
            answer
        }
    });
    let rig = to(&upstream, Scheme::H2c, |_| {});
    let mut client = rig.client();
    for _ in 0..3 {
        client.send("POST /a%2Fb?q=1 HTTP/1.1\r\nHost: Shop.example:81\r\nConnection: te, x-drop\r\nX-Drop: 1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n5\r\nhello\r\n0\r\nX-In: 1\r\n\r\n");
        let reply = client.read_until("x-sum: 7\r\n\r\n");
        assert!(reply.contains("2\r\nab\r\n1\r\nc\r\n0\r\n"), "{reply}");
        let seen = seen.lock().unwrap();
        assert!(
            seen.starts_with("http://shop.example:81/a%2Fb?q=1 ")
                || seen.starts_with("http://Shop.example:81/a%2Fb?q=1 "),
            "{seen}"
        );
        assert!(
            seen.contains("\"te\": \"trailers\"") && seen.contains("{\"x-in\": \"1\"}"),
            "{seen}"
        );
        assert!(seen.contains("b\"hello\""), "{seen}");
        for gone in ["x-drop", "\"host\"", "transfer-encoding", "connection"] {
            assert!(!seen.contains(gone), "{gone} in {seen}");
        }
    }
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 1, "one connection carries all");
}

fn to(upstream: &H2Upstream, scheme: Scheme, change: impl FnOnce(&mut Declaration)) -> Rig {
    Rig::custom(&[], [rig::refuses(), rig::refuses()], |_, declaration| {
        declaration.upstreams[0].scheme = scheme;
        declaration.upstreams[0].port = upstream.address.port();
        change(declaration);
    })
}

#[test]
fn tls_is_verified_against_a_private_authority_and_by_name() {
    let pki = Pki::new();
    let identity = pki.issue("upstream", "registry.internal", 7);
    let upstream = H2Upstream::start(Some(pki.upstream(&identity)), |request| async move {
        text(request.uri().scheme_str().unwrap_or("none")).into_response()
    });
    let ask = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let right = to(&upstream, Scheme::Https, |declaration| {
        declaration.upstreams[0].tls.ca = Some(pki.ca());
        declaration.upstreams[0].tls.server_name = Some("registry.internal".into());
    });
    assert!(right.client().ask(ask).ends_with("https"));
    let wrong_name = to(&upstream, Scheme::Https, |declaration| {
        declaration.upstreams[0].tls.ca = Some(pki.ca());
    });
    let strange = Pki::new();
    let wrong_authority = to(&upstream, Scheme::Https, |declaration| {
        declaration.upstreams[0].tls.ca = Some(strange.ca());
        declaration.upstreams[0].tls.server_name = Some("registry.internal".into());
    });
    for rig in [wrong_name, wrong_authority] {
        let reply = rig.client().ask(ask);
        assert!(
            reply.starts_with("HTTP/1.1 502 ") && reply.ends_with("(upstream_tls)\n"),
            "{reply}"
        );
    }
}

trait IntoResponse {
    fn into_response(self) -> http::Response<rig::Body>;
}

impl IntoResponse for rig::Body {
    fn into_response(self) -> http::Response<rig::Body> {
        http::Response::new(self)
    }
}

#[test]
fn names_are_resolved_and_those_that_do_not_exist_are_told() {
    let named = |host: &'static str| {
        Rig::custom(&[], [answer(HELLO), rig::refuses()], move |_, declaration| {
            declaration.upstreams[0].host = host.into();
        })
    };
    let ask = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(named("localhost").client().ask(ask).ends_with("hello"));
    let reply = named("nowhere.invalid").client().ask(ask);
    assert!(reply.starts_with("HTTP/1.1 50"), "{reply}");
    assert!(
        reply.ends_with("(name_not_resolved)\n") || reply.ends_with("(connect_timeout)\n"),
        "{reply}"
    );
}

#[test]
fn a_request_without_a_host_names_the_upstream() {
    let rig = Rig::start(&[], [answer(HELLO), rig::refuses()]);
    let mut client = rig.client();
    client.send("GET /x HTTP/1.0\r\n\r\n");
    assert!(client.read_to_end().ends_with("hello"));
    let host = format!("\r\nhost: {}\r\n", rig.legacy.address);
    assert!(rig.legacy.last().to_lowercase().contains(&host), "{}", rig.legacy.last());
}

#[test]
fn changed_certificates_of_an_upstream_are_read_again() {
    let pki = Pki::new();
    let identity = pki.issue("upstream", "registry.internal", 7);
    let upstream = H2Upstream::start(Some(pki.upstream(&identity)), |_| async move {
        text("hello").into_response()
    });
    let ca = pki.path("trusted.pem");
    std::fs::copy(Pki::new().ca(), &ca).unwrap();
    let rig = to(&upstream, Scheme::Https, |declaration| {
        declaration.upstreams[0].tls.ca = Some(ca.clone());
        declaration.upstreams[0].tls.server_name = Some("registry.internal".into());
    });
    let ask = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(rig.client().ask(ask).ends_with("(upstream_tls)\n"));
    std::fs::copy(pki.ca(), &ca).unwrap();
    rig.handle.reload(rig.settings.clone()).unwrap();
    assert!(rig.client().ask(ask).ends_with("hello"));
}

#[test]
fn requests_that_come_at_once_share_one_new_connection() {
    let upstream = H2Upstream::start(None, |_| async move { text("hello").into_response() });
    let rig = to(&upstream, Scheme::H2c, |_| {});
    let mut clients: Vec<_> = (0..60).map(|_| rig.client()).collect();
    for client in &mut clients {
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut clients {
        client.read_until("hello");
    }
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 1);
}

#[test]
fn streams_that_never_end_leave_room_for_others() {
    let upstream = H2Upstream::start(None, |request| async move {
        match request.uri().path() {
            "/forever" => {
                let (sender, endless) = rig::live_body();
                sender.send(http_body::Frame::data("begun".into())).unwrap();
                std::mem::forget(sender);
                endless.into_response()
            }
            _ => text("hello").into_response(),
        }
    });
    let rig = to(&upstream, Scheme::H2c, |_| {});
    let mut listeners: Vec<_> = (0..250).map(|_| rig.client()).collect();
    for client in &mut listeners {
        client.send("GET /forever HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut listeners {
        client.read_until("begun");
    }
    assert!(rig.client().ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 3, "100 streams each");
}

#[test]
fn connections_that_an_upstream_ends_cost_no_request() {
    let upstream = H2Upstream::restless(7, None, |_| async move { text("hello").into_response() });
    let rig = to(&upstream, Scheme::H2c, |_| {});
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = rig.client();
                for number in 0..100 {
                    let method = if number % 2 == 0 { "GET" } else { "POST" };
                    let length = if number % 2 == 0 { "" } else { "Content-Length: 2\r\n" };
                    let body = if number % 2 == 0 { "" } else { "hi" };
                    let ask = format!("{method} /x HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}");
                    let got = client.ask(&ask);
                    assert!(got.ends_with("hello"), "{method}: {got}");
                }
            });
        }
    });
}
