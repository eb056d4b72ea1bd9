//! What every client sees: answers unchanged, phases in force, limits kept.

use std::time::Duration;

use cutover_domain::{Percent, Phase, Target, WriteClass};

use crate::rig::{self, Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn what_matches_no_route_reaches_legacy_and_comes_back_untouched() {
    let rig = Rig::start(
        &[],
        [
            answer(
                "HTTP/1.1 299 Nearly Fine\r\nX-Odd-CASE: a\r\nx-odd-case: b\r\nContent-Length: 3\r\n\r\nabc",
            ),
            answer(HELLO),
        ],
    );
    let mut client = rig.client();
    let reply = client.ask("GET /a%2Fb/../c?q=%20x HTTP/1.1\r\nHost: Shop.example:81\r\nX-MiXed: 1\r\nCookie: a=b\r\n\r\n");
    assert_eq!(
        reply,
        "HTTP/1.1 299 Nearly Fine\r\nX-Odd-CASE: a\r\nx-odd-case: b\r\nContent-Length: 3\r\n\r\nabc"
    );
    let seen = rig.legacy.last();
    assert!(seen.starts_with("GET /a%2Fb/../c?q=%20x HTTP/1.1\r\nHost: Shop.example:81\r\nX-MiXed: 1\r\nCookie: a=b\r\n"), "{seen}");
    assert!(seen.contains("traceparent: 00-"), "{seen}");
}

#[test]
fn the_phase_moves_requests_between_sides_on_one_connection() {
    let rig = Rig::start(
        &[route("r", "GET", "/d/{id}", WriteClass::Safe)],
        [answer(HELLO), answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")],
    );
    let mut client = rig.client();
    let ask = "GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    for (phase, body) in [
        (Phase::Legacy, "hello"),
        (Phase::Shadow, "hello"),
        (Phase::Live, "new"),
        (Phase::Retired, "new"),
        (Phase::Legacy, "hello"),
    ] {
        rig.put("r", Target::phase(phase));
        assert!(client.ask(ask).ends_with(body), "{phase}");
    }
    rig.put("r", Target::canary(Percent::FULL));
    assert!(client.ask(ask).ends_with("new"));
}

#[test]
fn legacy_answers_for_new_when_new_cannot_be_asked() {
    for new in [
        rig::refuses(),
        rig::closes(),
        answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
        answer("garbage\r\n\r\n"),
    ] {
        let rig =
            Rig::start(&[route("r", "GET", "/d/{id}", WriteClass::Safe)], [answer(HELLO), new]);
        rig.put("r", Target::phase(Phase::Live));
        let mut client = rig.client();
        for _ in 0..3 {
            assert!(client.ask("GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
        }
        let counts = rig.counts("r");
        assert_eq!(counts.fallbacks, 3);
        rig.put("r", Target::phase(Phase::Retired));
        let reply = client.ask("GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 50"), "never in retired: {reply}");
    }
}

#[test]
fn a_write_that_new_owns_is_never_sent_to_legacy() {
    for class in [WriteClass::Idempotent, WriteClass::Unsafe] {
        let rig = Rig::start(&[route("w", "POST", "/d", class)], [answer(HELLO), rig::refuses()]);
        rig.put("w", Target::phase(Phase::Live));
        let reply = rig.client().ask("POST /d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        assert!(reply.starts_with("HTTP/1.1 503 "), "{reply}");
        assert!(reply.to_lowercase().contains("retry-after: 1"), "{reply}");
        assert_eq!(rig.legacy.requests(), 0);
    }
}

#[test]
fn bodies_pass_with_their_framing_and_trailers() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n";
    let rig = Rig::start(&[], [answer(chunked), answer(HELLO)]);
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n5\r\nhello\r\n0\r\nX-In: 1\r\n\r\n");
    // hyper writes trailer names in lower case.
    let reply = client.read_until("x-sum: 7\r\n\r\n");
    assert!(reply.contains("3\r\nabc\r\n0\r\n"), "{reply}");
    let seen = rig.legacy.last();
    assert!(seen.to_lowercase().contains("transfer-encoding: chunked"), "{seen}");
    assert!(
        seen.contains("5\r\nhello\r\n0\r\n") && seen.to_lowercase().contains("x-in: 1"),
        "{seen}"
    );
}

#[test]
fn interim_answers_and_continue_pass() {
    let rig = Rig::start(&[], [rig::interim(), answer(HELLO)]);
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let reply = client.read_until("\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 100 Continue"), "{reply}");
    client.send("hi");
    let reply = client.read_until("hello");
    assert!(reply.contains("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), "{reply}");
    assert!(reply.contains("HTTP/1.1 200 OK"), "{reply}");
}

#[test]
fn head_keeps_the_length_and_has_no_body() {
    let rig =
        Rig::start(&[], [answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..2 {
        client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.read_until("\r\n\r\n"), "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    }
}

#[test]
fn pipelined_requests_are_answered_in_turn() {
    let rig = Rig::start(
        &[route("r", "GET", "/d/{id}", WriteClass::Safe)],
        [answer(HELLO), answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")],
    );
    rig.put("r", Target::phase(Phase::Live));
    let mut client = rig.client();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /d/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = client.read_until("new") + &client.read_until("hello");
    let bodies: Vec<&str> = reply
        .split("HTTP/1.1 200 OK")
        .map(|part| part.split("\r\n\r\n").nth(1).unwrap_or(""))
        .collect();
    assert_eq!(bodies, ["", "hello", "new", "hello"]);
}

#[test]
fn an_upgrade_becomes_a_tunnel() {
    let rig = Rig::start(&[], [rig::websocket(), answer(HELLO)]);
    let mut client = rig.client();
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let reply = client.read_until("\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 101 Switching Protocols"), "{reply}");
    assert!(reply.to_lowercase().contains("upgrade: websocket"), "{reply}");
    client.send("ping");
    assert_eq!(client.read_until("ping"), "ping");
}

#[test]
fn ambiguous_heads_reach_no_upstream() {
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
    ] {
        let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
        let mut client = rig.client();
        client.send(head);
        let reply = client.read_to_end();
        assert!(reply.starts_with("HTTP/1.1 400 "), "{head:?}: {reply}");
        assert_eq!(rig.legacy.requests(), 0, "{head:?}");
    }
}

#[test]
fn a_body_with_broken_framing_is_told_and_cut_off_upstream() {
    let rig = Rig::start(&[], [rig::reads_all(), answer(HELLO)]);
    let mut client = rig.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
    );
    let reply = client.read_to_end();
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
    let seen = rig.legacy.last();
    assert!(!seen.ends_with("0\r\n\r\n"), "no final chunk: {seen}");
}

#[test]
fn an_answer_that_breaks_off_is_cut_for_the_client_too() {
    let rig = Rig::start(
        &[route("r", "GET", "/d/{id}", WriteClass::Safe)],
        [rig::cut("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), answer(HELLO)],
    );
    let mut client = rig.client();
    client.send("GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = client.read_to_end();
    assert!(reply.ends_with("half"), "{reply}");
    rig.until(|| rig.counts("r").sides[0].outcomes[2] == 1);
}

#[test]
fn a_silent_upstream_is_a_timeout() {
    let rig = Rig::start(
        &[route("r", "GET", "/d/{id}", WriteClass::Safe)],
        [rig::silent(), rig::silent()],
    );
    let mut client = rig.client();
    let reply = client.ask("GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 504 "), "{reply}");
    assert!(reply.ends_with("(timeout)\n"), "{reply}");
}

#[test]
fn a_drain_finishes_what_is_in_flight_and_ends_at_once_when_idle() {
    let (slow, release) = rig::held(HELLO);
    let rig = Rig::start(&[], [slow, answer(HELLO)]);
    let mut idle = rig.client();
    let mut busy = rig.client();
    busy.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    rig.until(|| rig.legacy.requests() == 1);
    rig.drain();
    assert_eq!(idle.read_to_end(), "", "an idle connection is closed");
    assert!(!rig.has_ended());
    release.send(()).unwrap();
    assert!(busy.read_to_end().ends_with("hello"));
    rig.until(|| rig.has_ended());
}

#[test]
fn more_connections_than_allowed_are_turned_away() {
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.limits.connections_per_address_max = 2;
    });
    let (mut first, mut second) = (rig.client(), rig.client());
    first.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    second.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut third = rig.client();
    assert_eq!(third.read_to_end(), "");
    drop(first);
    rig.until(|| rig.handle.connections() == 1);
    assert!(rig.client().ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let rig = Rig::with(&[], [rig::reads_all(), answer(HELLO)], |settings| {
        settings.listeners[0].body_bytes_max = Some(4);
    });
    let mut client = rig.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    let reply = client.read_to_end();
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
}

#[test]
fn an_upload_is_sent_again_after_new_failed() {
    let mut put = route("r", "PUT", "/d/{id}", WriteClass::Safe);
    put.writes = Some(WriteClass::Safe);
    let rig = Rig::start(
        &[put],
        [answer(HELLO), answer("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")],
    );
    rig.put("r", Target::phase(Phase::Live));
    let reply = rig.client().ask("PUT /d/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    assert!(reply.ends_with("hello"), "{reply}");
    assert!(rig.legacy.last().ends_with("\r\n\r\nbody"));
}

#[test]
fn a_kept_connection_that_was_closed_costs_no_request() {
    let rig = Rig::start(&[], [rig::closes_after(1, HELLO), answer(HELLO)]);
    let mut client = rig.client();
    for _ in 0..20 {
        assert!(client.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
    }
}

#[test]
fn an_http10_client_gets_its_answer_and_the_end() {
    let rig = Rig::start(
        &[],
        [
            answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            answer(HELLO),
        ],
    );
    let mut client = rig.client();
    client.send("GET /x HTTP/1.0\r\n\r\n");
    let reply = client.read_to_end();
    assert!(reply.ends_with("\r\n\r\nabc"), "{reply}");
}

#[test]
fn a_slow_reader_holds_back_the_upstream_and_not_our_memory() {
    let rig = Rig::start(&[], [rig::endless(64 * 1024 * 1024), answer(HELLO)]);
    let mut client = rig.client();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until("\r\n\r\n");
    rig.until(|| rig.legacy.is_stalled(Duration::from_millis(300)));
    assert!(rig.legacy.sent() < 32 * 1024 * 1024, "{} bytes taken", rig.legacy.sent());
    drop(client);
}

#[test]
fn sockets_pass_to_a_successor_without_a_refused_connection() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("upgrade.sock");
    let ask = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    let nobody = rig::block_on(rig.handle.hand_over(path.clone()));
    assert!(nobody.unwrap_err().to_string().contains("no process waits"), "and it goes on serving");
    assert!(rig.client().ask(ask).ends_with("hello"));

    let successor = rig.successor(&path);
    rig.until(|| path.exists());
    let mut held = rig.client();
    held.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    let done = std::sync::atomic::AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut served = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(rig.client().ask(ask).ends_with("hello"));
                served += 1;
            }
            served
        });
        rig::block_on(rig.handle.hand_over(path.clone())).unwrap();
        assert_eq!(held.read_to_end(), "", "kept connections are closed by the drain");
        rig.until(|| rig.has_ended());
        assert!(rig.client().ask(ask).ends_with("hello"), "the successor serves");
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        load.join().unwrap()
    });
    assert!(served > 0);
    let (handle, _log) = successor.handle.recv().unwrap();
    assert!(!path.exists(), "the socket is gone");
    rig::block_on(handle.stop());
    successor.thread.join().unwrap();
}

#[test]
fn a_successor_that_dies_before_it_serves_changes_nothing() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("upgrade.sock");
    let waiting = path.clone();
    let died = std::thread::spawn(move || {
        drop(cutover_gateway::Inherited::receive(&waiting, Duration::from_secs(10)).unwrap());
    });
    rig.until(|| path.exists());
    let failed = rig::block_on(rig.handle.hand_over(path)).unwrap_err();
    assert!(failed.to_string().contains("did not serve"), "{failed}");
    died.join().unwrap();
    assert!(rig.client().ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
}

#[test]
fn series_of_a_route_that_is_gone_vanish() {
    let rig = Rig::start(
        &[
            route("stays", "GET", "/s", WriteClass::Safe),
            route("goes", "GET", "/g", WriteClass::Safe),
        ],
        [answer(HELLO), answer(HELLO)],
    );
    for path in ["/s", "/g"] {
        rig.client().ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    let asked = "{cutover_route=\"goes\",cutover_side=\"legacy\",cutover_phase=\"legacy\",outcome=\"ok\"} 1";
    rig.until(|| rig.metrics().contains(&format!("cutover_requests_total{asked}")));
    rig.declare(&[route("stays", "GET", "/s", WriteClass::Safe)]);
    let metrics = rig.metrics();
    assert!(!metrics.contains("goes"), "{metrics}");
    assert!(metrics.contains("cutover_requests_total{cutover_route=\"stays\""), "{metrics}");
}
