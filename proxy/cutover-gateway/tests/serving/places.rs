//! An upstream's connections: used again, never more than allowed, never hoarded.

use std::time::Duration;

use cutover_domain::Declaration;

use crate::rig::{self, Rig, answer};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn capped(behaviour: rig::Behaviour, workers: usize, connections_max: u32, connect_ms: u32) -> Rig {
    Rig::custom(&[], [behaviour, rig::refuses()], |settings, declaration: &mut Declaration| {
        settings.limits.workers = workers;
        declaration.upstreams[0].connections_max = connections_max;
        declaration.upstreams[0].timeouts.connect_ms = Some(connect_ms);
    })
}

#[test]
fn one_connection_serves_one_request_after_another() {
    let rig = Rig::start(&[], [answer(HELLO), rig::refuses()]);
    for _ in 0..20 {
        let mut client = rig.client();
        for _ in 0..5 {
            assert!(client.ask(ASK).ends_with("hello"));
        }
    }
    assert!(rig.legacy.connections() <= 3, "{} connections", rig.legacy.connections());
}

#[test]
fn more_requests_than_places_wait_their_turn() {
    for workers in [1, 2] {
        let rig = capped(answer(HELLO), workers, 2, 10_000);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut client = rig.client();
                    for number in 0..50 {
                        let ask = match number % 2 {
                            0 => ASK,
                            _ => "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                        };
                        assert!(client.ask(ask).ends_with("hello"));
                    }
                });
            }
        });
        assert!(rig.legacy.open_max() <= 3, "{} at once", rig.legacy.open_max());
    }
}

#[test]
fn who_waits_too_long_for_a_place_is_told() {
    let (slow, release) = rig::held(HELLO);
    let rig = capped(slow, 1, 1, 200);
    let mut first = rig.client();
    first.send(ASK);
    rig.until(|| rig.legacy.requests() == 1);
    let got = rig.client().ask(ASK);
    assert!(got.starts_with("HTTP/1.1 503 "), "{got}");
    assert!(got.ends_with("(upstream_connections_max)\n"), "{got}");
    release.send(()).unwrap();
    first.read_until("hello");
    assert_eq!(rig.legacy.connections(), 1);
}

#[test]
fn idle_connections_of_one_thread_make_room_for_another() {
    let rig = capped(answer(HELLO), 2, 1, 5_000);
    // Which worker accepts is the kernel's choice; with enough clients both do.
    let mut clients: Vec<_> = (0..16).map(|_| rig.client()).collect();
    for client in &mut clients {
        assert!(client.ask(ASK).ends_with("hello"));
    }
    assert!(rig.legacy.open_max() <= 2, "{} at once", rig.legacy.open_max());
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let rig = Rig::with(&[], [answer(HELLO), rig::refuses()], |settings| {
        settings.limits.upstream_idle = Duration::from_millis(100);
    });
    rig.client().ask(ASK);
    rig.until(|| rig.legacy.open() == 0);
}
