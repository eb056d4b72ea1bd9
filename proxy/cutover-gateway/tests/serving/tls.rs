//! TLS on the listener: certificates that change, clients known by theirs, and revocation.

use cutover_domain::{Percent, SubjectSource, Target, WriteClass};

use crate::rig::{H2Client, Pki, Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const NEW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
const ASK: &str = "GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n";

fn mutual(pki: &Pki) -> Rig {
    Rig::with(&[], [answer(HELLO), answer(NEW)], |settings| {
        settings.listeners[0].tls = Some(pki.listener(true));
    })
}

#[test]
fn a_new_certificate_is_shown_to_new_connections() {
    let pki = Pki::new();
    let rig = Rig::with(&[], [answer(HELLO), answer(NEW)], |settings| {
        settings.listeners[0].tls = Some(pki.listener(false));
    });
    let config = pki.client(None, &["http/1.1"]);
    let mut before = rig.client_tls(&config);
    before.ask(ASK);
    let old = before.certificate();
    std::fs::write(pki.path("server.key"), "damaged").unwrap();
    let refused = rig.handle.reload(rig.settings.clone()).unwrap_err();
    assert!(refused.to_string().contains("cannot serve TLS"), "{refused}");
    assert_eq!(rig.fresh_client_tls(&pki, None).certificate(), old, "the old one stays");
    pki.issue("server", "localhost", 2);
    rig.handle.reload(rig.settings.clone()).unwrap();
    let mut after = rig.fresh_client_tls(&pki, None);
    assert!(after.ask(ASK).ends_with("hello"));
    assert_ne!(after.certificate(), old);
    assert!(before.ask(ASK).ends_with("hello"), "connections go on");
}

#[test]
fn a_client_certificate_decides_the_side() {
    for (source, listed) in
        [(SubjectSource::CertCommonName, "device-1"), (SubjectSource::CertSan, "one.devices")]
    {
        let pki = Pki::new();
        let routes = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
        let rig = Rig::custom(&routes, [answer(HELLO), answer(NEW)], |settings, declaration| {
            settings.listeners[0].tls = Some(pki.listener(true));
            declaration.groups[0].subjects = vec![source.clone()];
            declaration.groups[0].cohort.allow = [listed.to_owned()].into();
        });
        rig.put("r", Target::canary(Percent::ZERO));
        let one = pki.issue("device-1", "one.devices", 11);
        let two = pki.issue("device-2", "two.devices", 12);
        for (identity, body) in [(one, "new"), (two, "hello")] {
            let h2 =
                H2Client::connect_tls(rig.address(), &pki.client(Some(identity.clone()), &["h2"]));
            assert_eq!(h2.unwrap().get("https://localhost/d/1").body, body);
            assert!(rig.fresh_client_tls(&pki, Some(identity)).ask(ASK).ends_with(body));
        }
    }
}

#[test]
fn a_revoked_certificate_is_refused_new_resumed_and_long_open() {
    let pki = Pki::new();
    let rig = mutual(&pki);
    let identity = pki.issue("device-1", "one.devices", 11);
    let config = pki.client(Some(identity.clone()), &["http/1.1"]);
    let mut open = rig.client_tls(&config);
    assert!(open.ask(ASK).ends_with("hello"));
    let h2 = H2Client::connect_tls(rig.address(), &pki.client(Some(identity), &["h2"])).unwrap();
    assert_eq!(h2.get("https://localhost/d/1").body, "hello");
    pki.revoke(&[11]);
    rig.handle.reload(rig.settings.clone()).unwrap();
    let got = open.ask(ASK);
    assert!(got.starts_with("HTTP/1.1 403 ") && got.ends_with("(client_certificate)\n"), "{got}");
    assert_eq!(open.read_to_end(), "", "and the connection is closed");
    assert_eq!(h2.get("https://localhost/d/1").status.as_u16(), 403);
    let mut resumed = rig.client_tls(&config);
    assert_eq!(resumed.try_ask(ASK), None, "the session may be resumed, the client is not let in");
    assert!(resumed.was_resumed());
    let counted = "cutover_connections_turned_away_total{reason=\"certificate\"} 1";
    rig.until(|| rig.metrics().contains(counted));
    assert_eq!(rig.legacy.requests(), 2);
}

#[test]
fn a_client_without_a_certificate_is_turned_away() {
    let pki = Pki::new();
    let rig = mutual(&pki);
    assert_eq!(rig.fresh_client_tls(&pki, None).try_ask(ASK), None);
    let stranger = Pki::new();
    let identity = stranger.issue("device-1", "one.devices", 11);
    assert_eq!(rig.fresh_client_tls(&pki, Some(identity)).try_ask(ASK), None);
    assert_eq!(rig.legacy.requests(), 0);
}
