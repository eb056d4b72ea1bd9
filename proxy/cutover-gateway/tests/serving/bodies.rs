//! Bodies of every size and pace, and those who leave in the middle of one.

use std::{
    io::{Read, Write},
    time::Duration,
};

use cutover_domain::WriteClass;

use crate::rig::{self, Behaviour, Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const MIB: u64 = 1 << 20;

/// Answers once it has the head, and closes without reading the body.
fn answers_early(reply: &'static str) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        seen.head(&mut stream)?;
        stream.write_all(reply.as_bytes())
    }))
}

/// Begins an answer of `bytes` bytes before it reads a body of as many; does both at once.
fn answers_while_reading(bytes: usize) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        seen.head(&mut stream)?;
        let mut body = (&stream).take(bytes as u64);
        std::thread::scope(|scope| {
            let read = scope.spawn(move || std::io::copy(&mut body, &mut std::io::sink()));
            write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
            (&stream).write_all(&vec![b'x'; bytes])?;
            read.join().expect("reads")?;
            Ok(())
        })
    }))
}

#[test]
fn an_answer_that_comes_before_the_body_has_ended_is_passed_on() {
    let early = "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large";
    let rig = Rig::start(&[], [answers_early(early), answer(HELLO)]);
    let piece = "x".repeat(64 * 1024);
    for framing in ["Content-Length: 16777216", "Transfer-Encoding: chunked"] {
        for _ in 0..20 {
            let mut client = rig.client();
            client.send(&format!("POST /x HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
            for _ in 0..256 {
                let sent = match framing.starts_with('C') {
                    true => client.try_send(&piece),
                    false => client.try_send(&format!("10000\r\n{piece}\r\n")),
                };
                if sent.is_err() {
                    break;
                }
            }
            let got = client.read_until("too large");
            assert!(got.starts_with("HTTP/1.1 413 Too Large\r\n"), "{got}");
        }
    }
}

#[test]
fn an_upstream_that_dies_within_an_upload_is_a_bad_gateway() {
    let dies: Behaviour = Some(Box::new(|seen, mut stream| {
        seen.head(&mut stream)?;
        stream.read_exact(&mut [0; 1000])
    }));
    let rig = Rig::start(&[], [dies, answer(HELLO)]);
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
    while client.try_send(&"x".repeat(1000)).is_ok() {
        if client.has_answer() {
            break;
        }
    }
    let got = client.read_until("\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
}

#[test]
fn events_pass_one_by_one() {
    let (next, events) = std::sync::mpsc::channel::<&'static str>();
    let events = std::sync::Mutex::new(events);
    let source: Behaviour = Some(Box::new(move |seen, mut stream| {
        seen.request(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")?;
        while let Ok(event) = events.lock().unwrap().recv() {
            stream.write_all(event.as_bytes())?;
        }
        Ok(())
    }));
    let rig = Rig::start(&[], [source, answer(HELLO)]);
    let mut client = rig.client();
    client.send(ASK);
    assert!(client.read_until("\r\n\r\n").contains("text/event-stream"));
    for event in ["data: 1\n\n", "data: 2\n\n", ": ping\n\n", "data: 3\n\n"] {
        next.send(event).unwrap();
        client.read_until(event);
    }
    drop(next);
    client.read_until("0\r\n\r\n");
}

#[test]
fn a_get_keeps_its_chunked_body() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..2 {
        client.send("GET /_search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"q\":1}\r\n0\r\n\r\n");
        assert!(client.read_until("hello").starts_with("HTTP/1.1 200 OK"));
        assert!(
            rig.legacy.last().ends_with("7\r\n{\"q\":1}\r\n0\r\n\r\n"),
            "{}",
            rig.legacy.last()
        );
    }
}

/// Memory that this process holds, in bytes (proc(5), `VmRSS`).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Reads a body of `bytes` bytes without keeping it, then answers.
fn swallows(bytes: u64) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        seen.head(&mut stream)?;
        std::io::copy(&mut (&stream).take(bytes), &mut std::io::sink())?;
        stream.write_all(HELLO.as_bytes())
    }))
}

#[test]
fn bodies_of_any_size_pass_in_bounded_memory() {
    const SIZE: u64 = 200 * MIB;
    /// Other tests run in this process as well.
    const GROWTH: u64 = 64 * MIB;
    let rig = Rig::start(&[], [rig::endless(SIZE), answer(HELLO)]);
    let before = resident();
    let mut client = rig.client();
    client.send(ASK);
    client.read_until("\r\n\r\n");
    assert_eq!(client.skip(SIZE), SIZE);
    assert!(resident() < before + GROWTH, "{} MiB more", (resident() - before) / MIB);

    let rig = Rig::start(&[], [swallows(SIZE), answer(HELLO)]);
    let before = resident();
    let mut client = rig.client();
    client.send(&format!("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"));
    let piece = "x".repeat(MIB as usize);
    for _ in 0..SIZE / MIB {
        client.send(&piece);
    }
    client.read_until("hello");
    assert!(resident() < before + GROWTH, "{} MiB more", (resident() - before) / MIB);
}

#[test]
fn a_client_that_leaves_takes_its_upstream_connection_along_and_is_counted() {
    let routes = [route("r", "GET", "/x", WriteClass::Safe)];
    let client_errors = |rig: &Rig| rig.counts("r").sides[0].outcomes[1];
    for (behaviour, read) in [(rig::silent(), None), (rig::endless(1 << 40), Some("\r\n\r\n"))] {
        let rig = Rig::start(&routes, [behaviour, answer(HELLO)]);
        let mut client = rig.client();
        client.send(ASK);
        rig.until(|| rig.legacy.requests() == 1);
        if let Some(end) = read {
            client.read_until(end);
        }
        assert_eq!((rig.legacy.open(), client_errors(&rig)), (1, 0));
        drop(client);
        rig.until(|| rig.legacy.open() == 0 && client_errors(&rig) == 1);
    }
}

#[test]
fn a_tunnel_ends_when_one_end_breaks() {
    let rig = Rig::start(&[], [rig::websocket(), answer(HELLO)]);
    let mut client = rig.client();
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.read_until("\r\n\r\n");
    client.send("ping");
    client.read_until("ping");
    client.reset();
    rig.until(|| rig.legacy.open() == 0 && rig.handle.connections() == 0);
}

#[test]
fn a_slow_client_is_no_silent_upstream() {
    let rig = Rig::custom(&[], [rig::endless(16 * MIB), answer(HELLO)], |_, declaration| {
        declaration.upstreams[0].timeouts.idle_ms = Some(200);
    });
    let mut client = rig.client();
    client.send(ASK);
    client.read_until("\r\n\r\n");
    rig.until(|| rig.legacy.is_stalled(Duration::from_millis(600)));
    assert_eq!(client.skip(16 * MIB), 16 * MIB);
}

#[test]
fn an_upstream_that_falls_silent_within_its_answer_is_cut() {
    let silent: Behaviour = Some(Box::new(|seen, mut stream| {
        seen.request(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")?;
        stream.read(&mut [0]).map(|_| ())
    }));
    let routes = [route("r", "GET", "/x", WriteClass::Safe)];
    let rig = Rig::custom(&routes, [silent, answer(HELLO)], |_, declaration| {
        declaration.upstreams[0].timeouts.idle_ms = Some(200);
    });
    let mut client = rig.client();
    client.send(ASK);
    assert!(client.read_to_end().ends_with("half"));
    rig.until(|| rig.counts("r").sides[0].outcomes[3] == 1);
}

#[test]
fn a_body_that_stands_still_is_told() {
    let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
        settings.listeners[0].guard.timeouts.body = Duration::from_millis(200);
    });
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    let got = client.read_to_end();
    assert!(got.starts_with("HTTP/1.1 408 ") && got.ends_with("(body_slow)\n"), "{got}");
    rig.until(|| rig.legacy.open() == 0);
}

#[test]
fn a_body_that_says_to_be_too_long_reaches_no_upstream() {
    let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
        settings.listeners[0].body_bytes_max = Some(4);
    });
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let got = client.read_to_end();
    assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
    assert_eq!(rig.legacy.connections(), 0);
    let mut client = rig.client();
    client.send(
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n",
    );
    let got = client.read_to_end();
    assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
}

#[test]
fn an_expectation_refused_sends_no_body() {
    let early = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
    let rig = Rig::start(&[], [answers_early(early), answer(HELLO)]);
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let got = client.read_until("\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 401 No\r\n"), "{got}");
}

#[test]
fn an_upstream_that_never_says_continue_gets_the_body_all_the_same() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    for version in ["1.1", "1.0"] {
        let mut client = rig.client();
        client.send(&format!(
            "POST /x HTTP/{version}\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
        ));
        let got = client.read_until("hello");
        assert_eq!(got.contains("100 Continue"), version == "1.1", "{got}");
        assert!(rig.legacy.last().ends_with("hi"));
    }
}

#[test]
fn a_half_closed_client_gets_its_answer_where_the_listener_says_so() {
    for half_close in [true, false] {
        let (slow, release) = rig::held(HELLO);
        let rig = Rig::with(&[], [slow, answer(HELLO)], |settings| {
            settings.listeners[0].half_close = half_close;
        });
        let mut client = rig.client();
        client.send(ASK);
        rig.until(|| rig.legacy.requests() == 1);
        client.end();
        if !half_close {
            rig.until(|| rig.handle.connections() == 0);
        }
        release.send(()).unwrap();
        assert_eq!(client.read_to_end().ends_with("hello"), half_close);
    }
}

#[test]
fn connections_last_as_long_as_both_ends_want() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..3 {
        client.ask(ASK);
    }
    let got = client.ask("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(got.to_lowercase().contains("connection: close\r\n"), "{got}");
    assert_eq!(client.read_to_end(), "");
    let mut old = rig.client();
    for _ in 0..2 {
        let got = old.ask("GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        assert!(got.to_lowercase().contains("connection: keep-alive\r\n"), "{got}");
    }
    assert!(rig.legacy.connections() <= 2, "{} connections", rig.legacy.connections());

    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let rig = Rig::start(&[], [rig::closes_after(1, closing), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..5 {
        let got = client.ask(ASK);
        assert!(!got.to_lowercase().contains("connection:"), "{got}");
    }
    assert_eq!(rig.legacy.connections(), 5);
}

#[test]
fn odd_targets_pass_as_they_came() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let mut client = rig.client();
    let long = format!("/{}", "a".repeat(8000));
    for (target, seen) in [
        ("/%2e%2E/%00?a=%zz&&b", "/%2e%2E/%00?a=%zz&&b"),
        ("//double//", "//double//"),
        ("/x?", "/x?"),
        ("/[]{}|\\^`".split('\\').next().unwrap(), "/[]{}|"),
        ("http://a/abs?q", "/abs?q"),
        ("http://a", "/"),
        (&long, &long),
    ] {
        client.ask(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let line = rig.legacy.last();
        assert!(line.starts_with(&format!("GET {seen} HTTP/1.1\r\n")), "{target}: {line}");
    }
    client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(rig.legacy.last().starts_with("OPTIONS * HTTP/1.1\r\n"), "{}", rig.legacy.last());
    client.ask("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(rig.legacy.last().starts_with("TRACE / HTTP/1.1\r\n"));
    for bad in [
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1",
        "GET /x HTTP/1.1\r\nHost:",
        "GET x HTTP/1.1\r\nHost: a",
    ] {
        let mut client = rig.client();
        client.send(&format!("{bad}\r\n\r\n"));
        let got = client.read_to_end();
        assert!(got.starts_with("HTTP/1.1 400 ") || got.starts_with("HTTP/1.1 501 "), "{got}");
    }
}

/// Larger than all buffers between client and upstream: whoever stopped moving the upload while
/// the answer is not read would stop both for good.
#[test]
fn an_upload_goes_on_while_its_early_answer_is_not_read() {
    const BYTES: usize = 64 << 20;
    let rig = Rig::start(&[], [answers_while_reading(BYTES), rig::silent()]);
    let mut client = rig.client();
    client.send(&format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\n\r\n"));
    client.send(&"y".repeat(BYTES));
    client.read_until("\r\n\r\n");
    assert_eq!(client.skip(BYTES as u64), BYTES as u64);
}
