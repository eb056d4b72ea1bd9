//! Testers' overrides, and whom upstreams are told they serve.

use std::time::{Duration, SystemTime};

use cutover_domain::{Percent, Phase, RouteState, Side, Target, WriteClass, transition::Held};
use cutover_gateway::{OverrideKey, settings::Forwarded};

use crate::rig::{Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const NEW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
const SECRET: &[u8] = b"a secret of at least 32 bytes...";

fn token(secret: &[u8], side: Side, age: Duration) -> String {
    let now = SystemTime::now() - age;
    OverrideKey::new(secret).unwrap().sign(side, Duration::from_secs(3600), now).unwrap()
}

fn with_overrides() -> Rig {
    let routes = [
        route("r", "GET", "/d/{id}", WriteClass::Safe),
        route("w", "POST", "/d/{id}", WriteClass::Idempotent),
    ];
    Rig::custom(&routes, [answer(HELLO), answer(NEW)], |settings, declaration| {
        settings.override_key = Some(OverrideKey::new(SECRET).unwrap());
        declaration.groups[0].cohort.deny = ["1".to_owned()].into();
    })
}

/// Asks for `/d/1` with a field.
fn ask(rig: &Rig, method: &str, field: &str) -> String {
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    rig.client().ask(&format!("{method} /d/1 HTTP/1.1\r\nHost: a\r\n{length}{field}\r\n\r\n"))
}

#[test]
fn a_signed_override_stands_above_the_deny_list_and_is_not_passed_on() {
    let rig = with_overrides();
    let new = token(SECRET, Side::New, Duration::ZERO);
    rig.put("r", Target::canary(Percent::FULL));
    assert!(ask(&rig, "GET", "X: 1").ends_with("hello"), "denied");
    for field in [
        format!("Cutover-Override: {new}"),
        format!("Cookie: a=1; Cutover-Override={new}; b=2"),
        format!("Cookie: Cutover-Override={new}"),
    ] {
        assert!(ask(&rig, "GET", &field).ends_with("new"), "{field}");
        let seen = rig.new.last().to_lowercase();
        assert!(!seen.contains("cutover-override") && !seen.contains("v1.new"), "{seen}");
        assert_eq!(seen.contains("cookie: a=1; b=2\r\n"), field.contains("a=1"), "{seen}");
        assert_eq!(seen.contains("cookie:"), field.contains("a=1"), "{seen}");
    }
    rig.put("r", Target::phase(Phase::Live));
    let legacy = token(SECRET, Side::Legacy, Duration::ZERO);
    assert!(ask(&rig, "GET", &format!("Cutover-Override: {legacy}")).ends_with("hello"));
}

#[test]
fn what_we_did_not_sign_or_no_longer_holds_has_no_effect() {
    let rig = with_overrides();
    rig.put("r", Target::canary(Percent::FULL));
    let good = token(SECRET, Side::New, Duration::ZERO);
    for bad in [
        token(b"another secret of 32 bytes......", Side::New, Duration::ZERO),
        token(SECRET, Side::New, Duration::from_secs(3601)),
        good.replace("v1.new", "v1.legacy"),
        good[..good.len() - 1].to_owned(),
        "v1.new.9999999999.".to_owned(),
        "new".to_owned(),
    ] {
        assert!(ask(&rig, "GET", &format!("Cutover-Override: {bad}")).ends_with("hello"), "{bad}");
        assert!(!rig.legacy.last().to_lowercase().contains("cutover-"), "stripped all the same");
    }
}

#[test]
fn an_override_has_its_bounds() {
    let rig = with_overrides();
    let override_new = format!("Cutover-Override: {}", token(SECRET, Side::New, Duration::ZERO));
    assert!(ask(&rig, "GET", &override_new).ends_with("hello"), "not in `legacy`");
    rig.put("r", Target::phase(Phase::Shadow));
    assert!(ask(&rig, "GET", &override_new).ends_with("new"));
    let held = Some(Held::because("a drill"));
    let latched = RouteState { held, ..RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1) };
    rig.put_state("r", latched);
    assert!(ask(&rig, "GET", &override_new).ends_with("hello"), "not on a latched route");
    rig.put("r", Target::phase(Phase::Retired));
    let legacy = format!("Cutover-Override: {}", token(SECRET, Side::Legacy, Duration::ZERO));
    assert!(ask(&rig, "GET", &legacy).ends_with("new"), "not in `retired`");
    rig.put("w", Target::phase(Phase::Shadow));
    assert!(ask(&rig, "POST", &override_new).ends_with("hello"), "not for writes of split stores");
}

#[test]
fn overridden_requests_count_for_no_side() {
    let rig = with_overrides();
    rig.put("r", Target::phase(Phase::Live));
    let legacy = format!("Cutover-Override: {}", token(SECRET, Side::Legacy, Duration::ZERO));
    ask(&rig, "GET", &legacy);
    ask(&rig, "GET", "X: 1");
    rig.until(|| rig.counts("r").sides[1].outcomes[0] == 1);
    assert_eq!(rig.counts("r").sides[0].outcomes.iter().sum::<u64>(), 0);
    let served = |route| Side::ALL.map(|side| rig.handle.requests_of(route, side));
    assert_eq!((served("r"), served("nowhere")), ([Some(0), Some(1)], [None, None]));
}

#[test]
fn upstreams_are_told_whom_they_serve() {
    for (forwarded, trust, expected) in [
        (Forwarded::Off, false, "x-forwarded-for: 203.0.113.9\r\n"),
        (
            Forwarded::XForwarded,
            false,
            "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: shop.example:81\r\nx-forwarded-proto: http\r\n",
        ),
        (Forwarded::XForwarded, true, "x-forwarded-for: 203.0.113.9, 127.0.0.1\r\n"),
        (
            Forwarded::Rfc7239,
            false,
            "forwarded: for=127.0.0.1;host=\"shop.example:81\";proto=http\r\n",
        ),
    ] {
        let rig = Rig::with(&[], [answer(HELLO), answer(NEW)], |settings| {
            settings.forwarded = forwarded;
            settings.forwarded_trust =
                if trust { vec!["127.0.0.0/8".parse().unwrap()] } else { vec![] };
        });
        rig.client().ask(
            "GET /x HTTP/1.1\r\nHost: Shop.example:81\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n",
        );
        let seen = rig.legacy.last().to_lowercase();
        assert!(seen.contains(expected), "{forwarded:?}: {seen}");
    }
}
