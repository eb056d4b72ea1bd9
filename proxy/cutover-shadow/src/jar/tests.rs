use super::*;

fn key(subject: u64) -> JarKey {
    JarKey { upstream: "registry".into(), subject }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn answer(set: &[&str]) -> HeaderMap {
    set.iter().map(|set| (header::SET_COOKIE, set.parse().unwrap())).collect()
}

/// What is sent to `target` by a client that got these fields from `/app/login`.
fn sent(set: &[&str], target: &str, seconds_later: u64) -> String {
    let jars = Jars::default();
    jars.store(&key(1), "/app/login?next=/x", &answer(set), at(0));
    let cookies = jars.cookies(&key(1), target, at(seconds_later));
    cookies.map(|cookies| cookies.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[test]
fn cookies_come_back_where_they_belong() {
    for (set, target, expected) in [
        (&["sid=1"][..], "/app/devices", "sid=1"),
        (&["sid=1"], "/application", ""),
        (&["sid=1"], "/app", "sid=1"),
        (&["sid=1"], "/", ""),
        (&["sid=1; Path=/"], "/", "sid=1"),
        (&["sid=1; path=/api; HttpOnly; Secure; SameSite=Lax"], "/api/v1?x=/y", "sid=1"),
        (&["sid=1; Path=nonsense"], "/app/x", "sid=1"),
        (&["a=1; Path=/", "b=2; Path=/app"], "/app/x", "b=2; a=1"),
        (&["a=1; Path=/", "a=2; Path=/"], "/x", "a=2"),
        (&["a=x=y; Path=/"], "/x", "a=x=y"),
        (&["no pair", "=nameless", ""], "/app/x", ""),
    ] {
        assert_eq!(sent(set, target, 0), expected, "{set:?} to {target}");
    }
}

#[test]
fn cookies_end_when_they_say_so() {
    for (set, seconds_later, expected) in [
        ("sid=1; Path=/; Max-Age=60", 59, "sid=1"),
        ("sid=1; Path=/; Max-Age=60", 60, ""),
        ("sid=1; Path=/; Max-Age=0", 0, ""),
        ("sid=1; Path=/; Max-Age=-1", 0, ""),
        ("sid=1; Path=/; Max-Age=99999999999999", 1_000_000, "sid=1"),
        ("sid=1; Path=/; Expires=Tue, 14 Nov 2023 22:14:20 GMT", 59, "sid=1"),
        ("sid=1; Path=/; Expires=Tue, 14 Nov 2023 22:14:20 GMT", 61, ""),
        // Max-Age wins (RFC 6265 §4.1.2.2).
        ("sid=1; Path=/; Max-Age=600; Expires=Tue, 14 Nov 2023 22:14:20 GMT", 61, "sid=1"),
        ("sid=1; Path=/; Expires=whenever", 1_000_000, "sid=1"),
    ] {
        assert_eq!(sent(&[set], "/", seconds_later), expected, "{set} after {seconds_later} s");
    }
}

#[test]
fn a_cookie_can_be_taken_back() {
    let jars = Jars::default();
    jars.store(&key(1), "/", &answer(&["sid=1"]), at(0));
    jars.store(&key(1), "/", &answer(&["sid=; Max-Age=0"]), at(1));
    assert_eq!(jars.cookies(&key(1), "/", at(1)), None);
}

#[test]
fn clients_and_candidates_have_jars_of_their_own() {
    let jars = Jars::default();
    jars.store(&key(1), "/", &answer(&["sid=1"]), at(0));
    assert_eq!(jars.cookies(&key(2), "/", at(0)), None);
    let elsewhere = JarKey { upstream: "twin".into(), subject: 1 };
    assert_eq!(jars.cookies(&elsewhere, "/", at(0)), None);
}

#[test]
fn memory_is_bounded_and_who_is_active_is_remembered() {
    let jars = Jars::default();
    let big = format!("sid={}", "x".repeat(3_000));
    for subject in 0..10_000 {
        jars.store(&key(subject), "/", &answer(&[&big]), at(0));
        assert!(jars.cookies(&key(0), "/", at(0)).is_some(), "after {subject}");
    }
    let generations = jars.0.lock();
    let held: usize = [&generations.newer, &generations.older]
        .into_iter()
        .flat_map(|generation| generation.jars.values())
        .map(|jar| bytes_of(jar))
        .sum();
    assert!(held < 2 * GENERATION_BYTES_MAX + 10_000, "{held} bytes");
    assert!(!generations.newer.jars.contains_key(&key(1)));
}

#[test]
fn one_jar_holds_so_many_cookies_and_no_larger_ones() {
    let jars = Jars::default();
    let many: Vec<String> = (0..60).map(|at| format!("c{at}={at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    jars.store(&key(1), "/", &answer(&many), at(0));
    let sent = jars.cookies(&key(1), "/", at(0)).unwrap();
    let sent = sent.to_str().unwrap();
    assert_eq!(sent.split("; ").count(), COOKIES_MAX);
    assert!(sent.starts_with("c10=10") && sent.ends_with("c59=59"), "{sent}");
    let huge = format!("huge={}", "x".repeat(COOKIE_BYTES_MAX));
    jars.store(&key(2), "/", &answer(&[&huge]), at(0));
    assert_eq!(jars.cookies(&key(2), "/", at(0)), None);
}
