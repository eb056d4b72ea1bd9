//! Bounds that hold whatever clients do, and what a reload changes.

use std::time::Duration;

use cutover_domain::{RouteSpec, WriteClass};

use crate::rig::{H2Client, Raw, Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn connections_in_all_are_bounded_and_the_bound_reloads() {
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.limits.connections_max = 2;
    });
    let mut clients: Vec<_> = (0..2).map(|_| rig.client()).collect();
    for client in &mut clients {
        client.ask(ASK);
    }
    assert_eq!(rig.client().read_to_end(), "");
    assert!(
        rig.metrics()
            .contains("cutover_connections_turned_away_total{reason=\"connections_max\"} 1")
    );
    let mut settings = rig.settings.clone();
    settings.limits.connections_max = 3;
    settings.listeners[0].guard.limits.target_bytes_max = 10;
    rig.handle.reload(settings).unwrap();
    let mut third = rig.client();
    assert!(third.ask(ASK).ends_with("hello"));
    third.send("GET /12345678901 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(third.read_to_end().starts_with("HTTP/1.1 414 "));
    assert!(clients[0].ask("GET /12345678901 HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("hello"));
}

#[test]
fn a_reload_that_cannot_be_is_refused_whole() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let mut moved = rig.settings.clone();
    moved.listeners[0].address.set_port(1);
    let refused = rig.handle.reload(moved).unwrap_err().to_string();
    assert!(refused.contains("hand over"), "{refused}");
    let mut unknown = rig.settings.clone();
    unknown.listeners[0].default = Some("nobody".into());
    unknown.limits.connections_max = 0;
    assert!(rig.handle.reload(unknown).unwrap_err().to_string().contains("nobody"));
    assert!(rig.client().ask(ASK).ends_with("hello"));
}

#[test]
fn idle_clients_are_sent_away() {
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        let timeouts = &mut settings.listeners[0].guard.timeouts;
        (timeouts.idle, timeouts.head) = (Duration::from_millis(200), Duration::from_millis(200));
    });
    let (mut idle, mut slow) = (rig.client(), rig.client());
    idle.ask(ASK);
    slow.send("GET /x HT");
    assert_eq!(idle.read_to_end(), "");
    assert!(slow.read_to_end().starts_with("HTTP/1.1 408 "));
    rig.until(|| rig.handle.connections() == 0);
}

#[test]
fn who_never_comes_to_a_request_is_sent_away() {
    let pki = crate::rig::Pki::new();
    for tls in [true, false] {
        for begins in ["", "P", "PRI ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
                let listener = &mut settings.listeners[0];
                listener.tls = tls.then(|| pki.listener(false));
                listener.http2_cleartext = !tls;
                let timeouts = &mut listener.guard.timeouts;
                (timeouts.idle, timeouts.head, timeouts.write) = (
                    Duration::from_millis(200),
                    Duration::from_millis(200),
                    Duration::from_millis(200),
                );
            });
            let mut client = rig.client();
            client.send(begins);
            client.read_to_end();
            rig.until(|| rig.handle.connections() == 0);
        }
    }
}

#[test]
fn an_endless_http2_head_ends_its_connection() {
    let rig = Rig::with(&[], [answer(HELLO), answer(HELLO)], |settings| {
        settings.listeners[0].http2_cleartext = true;
    });
    let mut raw = Raw::connect(rig.address(), &[]);
    raw.endless_headers(1, 400);
    let verdict = raw.verdict(1);
    assert!(verdict == "goaway" || verdict == "end", "{verdict}");
    rig.until(|| rig.handle.connections() == 0);
    assert_eq!(rig.legacy.requests(), 0);
}

fn table(count: usize) -> Vec<RouteSpec> {
    (0..count)
        .map(|n| route(&format!("r{n}"), "GET", &format!("/a{n}/{{id}}"), WriteClass::Safe))
        .collect()
}

/// What this thread has cost so far (proc(5), `schedstat`).
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
#[ignore = "measures time, so it belongs to the slow tier"]
fn publishing_takes_time_in_proportion() {
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let time = |routes: &[RouteSpec]| {
        let publish = || {
            let begun = cpu_time();
            rig.declare(routes);
            cpu_time() - begun
        };
        publish();
        (0..3).map(|_| publish()).min().unwrap()
    };
    let (few, many) = (table(1000), table(8000));
    let (few, many) = (time(&few), time(&many));
    assert!(many < few * 8 * 4, "1,000 routes {few:?}, 8,000 routes {many:?}");
}

#[test]
#[ignore = "weighs the whole process, so it belongs to the slow tier, alone"]
fn a_route_that_serves_nobody_costs_little_memory() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    };
    let rig = Rig::start(&[], [answer(HELLO), answer(HELLO)]);
    let routes = table(5000);
    let before = resident();
    rig.declare(&routes);
    let each = resident().saturating_sub(before) / routes.len();
    assert!(each < 24 * 1024, "{each} bytes a route");
}

#[test]
fn a_flood_of_odd_requests_makes_no_series() {
    let rig = Rig::with(
        &[route("r", "GET", "/d/{id}", WriteClass::Safe)],
        [answer(HELLO), answer(HELLO)],
        |settings| settings.listeners[0].http2_cleartext = true,
    );
    let series = || rig.metrics().lines().filter(|line| !line.starts_with('#')).count();
    let h2 = || H2Client::connect(rig.address());
    let mut client = rig.client();
    // One of each outcome first.
    for path in ["/x", "/d/1"] {
        for method in ["GET", "BREW"] {
            client.ask(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        }
    }
    for uri in ["http://a/x", "http://a/d/1"] {
        for method in ["GET", "BREW"] {
            h2().ask(
                http::Request::builder().method(method).uri(uri).body(crate::rig::empty()).unwrap(),
            );
        }
    }
    let mut refused = rig.client();
    refused.send("nonsense\r\n\r\n");
    refused.read_to_end();
    rig.until(|| rig.metrics().contains("_OTHER"));
    let before = series();
    let mut random = fastrand::Rng::with_seed(7);
    let mut word =
        move || -> String { (0..random.usize(1..12)).map(|_| random.alphabetic()).collect() };
    let h2 = h2();
    for _ in 0..300 {
        let (method, path, host) = (word(), word(), word());
        for path in [format!("/{path}"), format!("/d/{path}")] {
            for method in [&*method.to_uppercase(), "GET"] {
                let method = if method.len() > 3 { method } else { "BREW" };
                let got = client.ask(&format!(
                    "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{host}: {path}\r\n\r\n"
                ));
                assert!(got.ends_with("hello"), "{got}");
                let request =
                    http::Request::builder().method(method).uri(format!("http://{host}{path}"));
                h2.ask(request.body(crate::rig::empty()).unwrap());
            }
        }
    }
    assert_eq!(series(), before);
}

#[test]
fn a_route_that_changes_its_template_goes_on_counting() {
    let rig = Rig::start(
        &[route("r", "GET", "/a/{id}", WriteClass::Safe)],
        [answer(HELLO), answer(HELLO)],
    );
    let served = |count: u64| rig.until(|| rig.counts("r").sides[0].outcomes[0] == count);
    let mut client = rig.client();
    client.ask("GET /a/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    served(1);
    rig.declare(&[route("r", "GET", "/b/{id}", WriteClass::Safe)]);
    client.ask("GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    served(2);
    let metrics = rig.metrics();
    for series in [
        "cutover_request_duration_seconds_count{cutover_route=\"r\",cutover_side=\"legacy\"} 2",
        "cutover_proxy_overhead_seconds_count{cutover_route=\"r\"} 2",
        "http_route=\"/b/{id}\"",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    assert!(!metrics.contains("/a/{id}"), "{metrics}");
}

#[test]
fn a_request_that_outlives_its_route_leaves_no_series() {
    let (slow, release) = crate::rig::held(HELLO);
    let rig = Rig::start(&[route("r", "GET", "/x", WriteClass::Safe)], [slow, answer(HELLO)]);
    let mut client = rig.client();
    client.send(ASK);
    rig.until(|| rig.legacy.requests() == 1);
    rig.declare(&[]);
    release.send(()).unwrap();
    client.read_until("hello");
    drop(client);
    rig.until(|| rig.handle.connections() == 0);
    assert!(!rig.metrics().contains("\"r\""), "{}", rig.metrics());
}
