use http::HeaderValue;

use super::*;

fn place(listener: &str, hosts: &[&str]) -> Place {
    Place {
        listener: listener.parse().unwrap(),
        is_tls: false,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        metrics_open: true,
    }
}

fn names(place: &Place, host: &str, more: &[(&'static str, &str)]) -> &'static str {
    let mut headers = HeaderMap::new();
    if !host.is_empty() {
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    }
    for (name, value) in more {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    check_names(place, &headers).map_or_else(|failure| failure.code().as_str(), |()| "ok")
}

#[test]
fn hosts_that_name_the_listener() {
    let loopback = place("127.0.0.1:9900", &["cutover.internal"]);
    let open = place("0.0.0.0:9900", &["cutover.internal"]);
    for (host, on_loopback, on_open) in [
        ("127.0.0.1:9900", "ok", "ok"),
        ("127.0.0.1", "ok", "ok"),
        ("[::1]:9900", "ok", "ok"),
        ("[::1]", "ok", "ok"),
        ("localhost:9900", "ok", "host_refused"),
        ("LOCALHOST", "ok", "host_refused"),
        ("cutover.internal:9900", "ok", "ok"),
        ("Cutover.Internal", "ok", "ok"),
        ("10.0.0.7:9900", "host_refused", "ok"),
        ("evil.example:9900", "host_refused", "host_refused"),
        ("localhost.evil.example", "host_refused", "host_refused"),
        ("127.0.0.1.evil.example", "host_refused", "host_refused"),
        ("cutover.internal.evil.example", "host_refused", "host_refused"),
        ("", "host_refused", "host_refused"),
    ] {
        assert_eq!(names(&loopback, host, &[]), on_loopback, "{host} on loopback");
        assert_eq!(names(&open, host, &[]), on_open, "{host} beyond");
    }
    let twice = [("host", "127.0.0.1:9900")];
    assert_eq!(names(&loopback, "127.0.0.1:9900", &twice), "host_refused");
}

#[test]
fn origins_other_than_ones_own() {
    let place = place("127.0.0.1:9900", &[]);
    for (header, value, expected) in [
        ("origin", "http://127.0.0.1:9900", "ok"),
        ("origin", "HTTP://127.0.0.1:9900", "ok"),
        ("origin", "https://127.0.0.1:9900", "origin_refused"),
        ("origin", "http://127.0.0.1:8080", "origin_refused"),
        ("origin", "http://evil.example", "origin_refused"),
        ("origin", "null", "origin_refused"),
        ("origin", "", "origin_refused"),
        ("sec-fetch-site", "cross-site", "origin_refused"),
        ("sec-fetch-site", "same-origin", "ok"),
        ("sec-fetch-site", "none", "ok"),
    ] {
        assert_eq!(names(&place, "127.0.0.1:9900", &[(header, value)]), expected, "{value:?}");
    }
}

#[test]
fn failures_are_counted_per_address_and_forgotten() {
    let mut failures = Failures::default();
    let (ann, eve) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    for _ in 0..FAILURES_MAX {
        assert_eq!(failures.note(eve, 1_000), Ok(()));
    }
    assert_eq!(failures.note(eve, 1_000), Err(60));
    assert_eq!(failures.note(eve, 60_999), Err(1));
    assert_eq!(failures.note(ann, 1_000), Ok(()));
    assert_eq!(failures.note(eve, 61_000), Ok(()), "a new minute");
}

#[test]
fn strangers_cannot_fill_the_memory() {
    let mut failures = Failures::default();
    let address = |n: u32| IpAddr::from(n.to_be_bytes());
    let refused = (1..5_000).filter(|n| failures.note(address(*n), 0).is_err()).count();
    assert!(failures.by_address.len() <= ADDRESSES_MAX + 1);
    assert!(refused > 3_000, "those who do not fit share one count: {refused}");
    assert_eq!(failures.note(address(9_999), FAILURES_WINDOW_MS), Ok(()));
    assert!(failures.by_address.len() < 3, "the old ones are forgotten");
}
