use std::os::unix::fs::PermissionsExt;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};

use super::*;

/// `openssl dgst -sha256 -hmac 0123456789abcdef` of `1.2000`.
const SIGNATURE: &str = "a047e646b47b88214be0b79862460bd5814ce8b580bf0633a9c9aee3dbc554c9";

fn key() -> SessionKey {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "0123456789abcdef\r\n").unwrap();
    SessionKey::load(&path).unwrap()
}

fn headers(name: http::HeaderName, values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn user_of(cookies: &[&str], now: i64) -> Option<UserId> {
    key().user(&headers(COOKIE, cookies), now)
}

#[test]
fn a_genuine_session_names_its_user_until_it_expires() {
    let cookie = format!("theme=dark; sid=1.2000.{SIGNATURE}");
    assert_eq!(user_of(&[&cookie], 1999), Some(UserId(1)));
    assert_eq!(user_of(&[&cookie.to_uppercase().replace("SID", "sid")], 1999), Some(UserId(1)));
    assert_eq!(user_of(&[&cookie], 2000), None);
    assert_eq!(user_of(&["a=b", &cookie], 0), Some(UserId(1)));
}

#[test]
fn anything_else_is_nobody() {
    let forged = SIGNATURE.replace(char::is_numeric, "0");
    for cookie in [
        String::new(),
        "sid".to_owned(),
        "sid=".to_owned(),
        format!("sid=2.2000.{SIGNATURE}"),
        format!("sid=1.2001.{SIGNATURE}"),
        format!("sid=1.2000.{forged}"),
        format!("sid=1.2000.{}", &SIGNATURE[2..]),
        format!("sid=1.2000.{}é", &SIGNATURE[2..]),
        format!("sid=x; sid=1.2000.{SIGNATURE}"),
        format!("SID=1.2000.{SIGNATURE}"),
    ] {
        assert_eq!(user_of(&[&cookie], 0), None, "{cookie}");
    }
}

#[test]
fn a_session_key_must_be_there_and_long_enough() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let Err(absent) = SessionKey::load(&path) else { panic!("there is no file") };
    assert!(absent.to_string().contains("start the monolith first"), "{absent}");
    std::fs::write(&path, "short\n").unwrap();
    let Err(short) = SessionKey::load(&path) else { panic!("5 bytes are no key") };
    assert!(short.to_string().contains("it has 5 bytes"), "{short}");
}

#[test]
fn the_first_start_writes_a_private_token_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let token = InternalToken::open(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim().len(), 64);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let bearer = format!("Bearer {}", text.trim());
    assert!(token.is_in(&headers(AUTHORIZATION, &[&bearer])));
    let again = InternalToken::open(&path).unwrap();
    assert!(again.is_in(&headers(AUTHORIZATION, &[&bearer.replace("Bearer", "bearer")])));
    for refused in
        [&[][..], &[""], &["Bearer"], &["Bearer "], &[&bearer[..70]], &[&bearer, &bearer]]
    {
        assert!(!token.is_in(&headers(AUTHORIZATION, refused)), "{refused:?}");
    }
    assert!(!token.is_in(&headers(AUTHORIZATION, &[&bearer.replace("Bearer", "Basics")])));
}
