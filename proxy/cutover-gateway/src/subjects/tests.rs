use cutover_domain::{Group, decision};
use serde_json::json;

use super::*;
use crate::tls::PeerIdentity;

/// A request to `/d/{id}` with these fields, and what it names for each source asked.
struct Case {
    headers: HeaderMap,
    path: &'static str,
    identity: Option<PeerIdentity>,
    settings: Settings,
}

impl Case {
    fn new(path: &'static str, fields: &[(&str, &[u8])]) -> Case {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::try_from(*name).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        Case { headers, path, identity: None, settings: Settings::default() }
    }

    fn subject(&self, sources: &[&str]) -> Option<String> {
        let template: PathTemplate = "/d/{id}".parse().unwrap();
        let request = RequestSubjects {
            headers: &self.headers,
            path: self.path,
            template: &template,
            identity: self.identity.as_ref(),
            address: "::ffff:192.0.2.7".parse().unwrap(),
            settings: &self.settings,
            claims: OnceCell::new(),
        };
        let subjects = sources.iter().map(|source| source.parse().unwrap()).collect();
        let group = Group { subjects, ..Group::default() };
        decision::subject(&group, &request).map(Cow::into_owned)
    }
}

fn check(case: &Case, source: &str, expected: Option<&str>) {
    assert_eq!(case.subject(&[source]).as_deref(), expected, "{source}");
}

#[test]
fn every_source_is_read() {
    let case = Case::new(
        "/d/a%20b",
        &[("x-device", b"dev-1"), ("cookie", b"a=1; sid=\"s 1\"; sid=other"), ("cookie", b"b=2")],
    );
    check(&case, "header:X-Device", Some("dev-1"));
    check(&case, "cookie:sid", Some("s 1"));
    check(&case, "cookie:b", Some("2"));
    check(&case, "path:id", Some("a b"));
    check(&case, "addr", Some("192.0.2.7"));
    for absent in ["header:x-other", "cookie:c", "jwt:sub", "cert:cn", "cert:san", "mqtt:client_id"]
    {
        check(&case, absent, None);
    }
}

#[test]
fn the_first_source_that_yields_a_value_wins() {
    let case = Case::new("/d/7", &[("x-device", b""), ("x-user", b"u"), ("x-user", b"v")]);
    let sources = ["cookie:sid", "header:x-device", "header:x-user", "path:id"];
    assert_eq!(case.subject(&sources).as_deref(), Some("u"), "empty values name nobody");
    assert_eq!(case.subject(&["path:id", "header:x-user"]).as_deref(), Some("7"));
    assert_eq!(case.subject(&[]), None);
}

#[test]
fn text_is_utf8_and_what_is_not_names_nobody() {
    let case = Case::new("/d/%FF", &[("x-device", b"\xff\xfe"), ("cookie", b"sid=\xff")]);
    assert_eq!(case.subject(&["header:x-device", "cookie:sid", "path:id"]), None);
    let case = Case::new("/d/%C3%A9", &[("x-device", "gerät".as_bytes())]);
    check(&case, "header:x-device", Some("gerät"));
    check(&case, "path:id", Some("é"));
}

#[test]
fn claims_are_read_as_the_settings_say() {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let claims = json!({ "sub": "dev-7", "tenant": 12, "list": ["x"] }).to_string();
    let token = format!("Bearer x.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let mut case = Case::new("/d/7", &[("authorization", token.as_bytes())]);
    check(&case, "jwt:sub", None);
    case.settings.jwt_trust_unverified = true;
    check(&case, "jwt:sub", Some("dev-7"));
    check(&case, "jwt:tenant", Some("12"));
    check(&case, "jwt:list", None);
    check(&case, "jwt:other", None);
    case.settings.jwt_key = Some(crate::JwtKey::new("HS256", b"secret").unwrap());
    check(&case, "jwt:sub", None);
    let case = Case::new("/d/7", &[("authorization", b"Basic eDp4")]);
    check(&case, "jwt:sub", None);
}
