//! When new fails: who answers, how often, how long it may take.

use std::{
    io::{self, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cutover_domain::{Phase, Target, WriteClass};
use socket2::SockRef;

use crate::rig::{self, Behaviour, Rig, Seen, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const NEW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
const ASK: &str = "GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n";

/// Resets the connection, as a killed process does.
fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Serves like `NEW` and, once `broken`, dies at random moments before its answer has begun.
fn mortal(broken: Arc<AtomicBool>) -> Behaviour {
    Some(Box::new(move |seen: &Seen, mut stream: TcpStream| {
        loop {
            let is_broken = broken.load(Ordering::Relaxed);
            match is_broken.then(|| fastrand::u8(0..4)) {
                Some(0) => return reset(&stream),
                Some(1) => {
                    io::Read::read_exact(&mut stream, &mut [0; 7])?;
                    return reset(&stream);
                }
                Some(2) => {
                    seen.request(&mut stream)?;
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le")?;
                    return reset(&stream);
                }
                Some(_) => {
                    seen.request(&mut stream)?;
                    return reset(&stream);
                }
                None if !seen.request(&mut stream)? => return Ok(()),
                // Dies between the request and its answer.
                None if broken.load(Ordering::Relaxed) => return reset(&stream),
                None => stream.write_all(NEW.as_bytes())?,
            }
        }
    }))
}

#[test]
fn every_safe_request_is_answered_while_new_dies_under_load() {
    const CLIENTS: usize = 12;
    const REQUESTS: usize = 150;
    let broken = Arc::<AtomicBool>::default();
    let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = Rig::with(&routes, [answer(HELLO), mortal(Arc::clone(&broken))], |settings| {
        settings.limits.workers = 2;
    });
    rig.put("r", Target::phase(Phase::Live));
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = rig.client();
                for _ in 0..REQUESTS {
                    let got = client.ask(ASK);
                    assert!(got.ends_with("hello") || got.ends_with("new"), "{got}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        rig.until(|| served.load(Ordering::Relaxed) > CLIENTS * REQUESTS / 3);
        broken.store(true, Ordering::Relaxed);
    });
    rig.until(|| {
        rig.counts("r").sides[1].outcomes.iter().sum::<u64>() == (CLIENTS * REQUESTS) as u64
    });
    let counts = rig.counts("r");
    assert!(counts.fallbacks > 0 && counts.sides[1].outcomes[0] > 0, "{counts:?}");
    assert_eq!(counts.sides[1].outcomes[0] + counts.fallbacks, (CLIENTS * REQUESTS) as u64);
}

#[test]
fn legacy_has_its_own_time_after_new_had_its() {
    let (slow, release) = rig::held(HELLO);
    let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = Rig::start(&routes, [slow, rig::silent()]);
    rig.put("r", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send(ASK);
    rig.until(|| rig.legacy.requests() == 1);
    release.send(()).unwrap();
    client.read_until("hello");
    rig.until(|| rig.counts("r").fallbacks == 1);
    assert_eq!(rig.new.requests(), 1);
}

#[test]
fn the_answer_of_a_fallback_streams() {
    let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = Rig::start(&routes, [rig::endless(32 << 20), rig::refuses()]);
    rig.put("r", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send(ASK);
    client.read_until("\r\n\r\n");
    rig.until(|| rig.legacy.is_stalled(Duration::from_millis(200)));
    assert_eq!(client.skip(32 << 20), 32 << 20);
    rig.until(|| rig.counts("r").fallbacks == 1);
}

/// Dies on the first `times` requests, then answers.
fn dies_first(times: usize) -> Behaviour {
    let left = AtomicUsize::new(times);
    Some(Box::new(move |seen, mut stream| {
        while seen.request(&mut stream)? {
            let spent =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if spent.is_ok() {
                return reset(&stream);
            }
            stream.write_all(NEW.as_bytes())?;
        }
        Ok(())
    }))
}

#[test]
fn an_idempotent_write_is_tried_again_on_new() {
    let routes = [route("w", "PUT", "/d/{id}", WriteClass::Idempotent)];
    let rig = Rig::start(&routes, [answer(HELLO), dies_first(2)]);
    rig.put("w", Target::phase(Phase::Live));
    let got = rig.client().ask("PUT /d/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    assert!(got.ends_with("new"), "{got}");
    assert_eq!((rig.new.requests(), rig.legacy.requests()), (3, 0));
    assert!(rig.new.last().ends_with("body"));
}

#[test]
fn a_write_that_was_delivered_is_not_tried_again() {
    let routes = [route("w", "POST", "/d", WriteClass::Unsafe)];
    let rig = Rig::start(&routes, [answer(HELLO), dies_first(1)]);
    rig.put("w", Target::phase(Phase::Live));
    let got = rig.client().ask("POST /d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    assert!(got.starts_with("HTTP/1.1 503 "), "{got}");
    assert!(got.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{got}");
    assert_eq!((rig.new.requests(), rig.legacy.requests()), (1, 0));
}

#[test]
fn a_write_that_was_certainly_not_delivered_is_tried_again() {
    let routes = [route("w", "POST", "/d", WriteClass::Unsafe)];
    let rig = Rig::start(&routes, [answer(HELLO), rig::refuses()]);
    rig.put("w", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send("POST /d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    rig.until(|| rig.metrics().contains("cutover_retries_total{cutover_route=\"w\"} 1"));
    rig.new.listen(answer(NEW).unwrap());
    let got = client.read_until("\r\n\r\n");
    let served = got.starts_with("HTTP/1.1 200 ");
    assert!(served || got.starts_with("HTTP/1.1 503 "), "{got}");
    assert_eq!(rig.new.requests(), usize::from(served), "one answer, one delivery");
    assert_eq!(rig.legacy.requests(), 0);
}

#[test]
fn trying_again_ends_with_the_time_for_one_answer() {
    let routes = [route("w", "PUT", "/d/{id}", WriteClass::Idempotent)];
    let rig = Rig::custom(&routes, [answer(HELLO), rig::silent()], |_, declaration| {
        declaration.upstreams[1].timeouts.connect_ms = Some(10);
    });
    rig.put("w", Target::phase(Phase::Live));
    let got = rig.client().ask("PUT /d/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 503 "), "{got}");
    assert_eq!(rig.new.requests(), 1, "the time was over");
}

#[test]
fn an_early_failure_within_an_upload_does_not_lose_it() {
    let unavailable = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    let early: Behaviour = Some(Box::new(move |seen, mut stream| {
        seen.head(&mut stream)?;
        stream.write_all(unavailable.as_bytes())?;
        io::Read::read(&mut stream, &mut [0; 1 << 16]).map(|_| ())
    }));
    let mut put = route("r", "PUT", "/d/{id}", WriteClass::Safe);
    put.writes = Some(WriteClass::Safe);
    let rig = Rig::start(&[put], [answer(HELLO), early]);
    rig.put("r", Target::phase(Phase::Live));
    for _ in 0..20 {
        let mut client = rig.client();
        client.send("PUT /d/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n");
        client.send(&"x".repeat(10_000));
        client.send(&"y".repeat(30_000));
        client.read_until("hello");
        let seen = rig.legacy.last();
        assert!(seen.ends_with(&format!("\r\n\r\n{}{}", "x".repeat(10_000), "y".repeat(30_000))));
    }
}

#[test]
fn an_upload_longer_than_is_kept_is_not_sent_twice() {
    let mut put = route("r", "PUT", "/d/{id}", WriteClass::Safe);
    put.writes = Some(WriteClass::Safe);
    let rig = Rig::with(&[put], [answer(HELLO), dies_first(usize::MAX)], |settings| {
        settings.limits.replay_bytes_max = 1000;
    });
    rig.put("r", Target::phase(Phase::Live));
    let body = "x".repeat(1001);
    let ask = format!("PUT /d/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n{body}");
    let got = rig.client().ask(&ask);
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert_eq!(rig.legacy.requests(), 0);
}

#[test]
fn connections_closed_unannounced_under_load_cost_no_request() {
    let rig = Rig::start(&[], [rig::closes_after(3, HELLO), rig::refuses()]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = rig.client();
                for _ in 0..200 {
                    let got = client.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
                    assert!(got.ends_with("hello"), "{got}");
                }
            });
        }
    });
}

#[test]
fn a_request_keeps_the_table_it_began_with() {
    let (slow, release) = rig::held(NEW);
    let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = Rig::start(&routes, [answer(HELLO), slow]);
    rig.put("r", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send(ASK);
    rig.until(|| rig.new.requests() == 1);
    rig.declare_upstreams_reversed();
    assert!(rig.client().ask(ASK).ends_with("hello"), "the new table is in force");
    release.send(()).unwrap();
    client.read_until("new");

    let dies: Behaviour = Some(Box::new(|seen, mut stream| {
        seen.request(&mut stream)?;
        io::Read::read(&mut stream, &mut [0]).map(|_| ())
    }));
    let rig = Rig::start(&routes, [answer(HELLO), dies]);
    rig.put("r", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send(ASK);
    rig.until(|| rig.new.requests() == 1);
    rig.declare_upstreams_reversed();
    client.read_until("hello");
}
