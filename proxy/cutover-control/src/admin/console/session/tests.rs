use super::*;

fn token(name: &str, expires_ms: Option<u64>) -> Token {
    let sha256 = hash(name);
    Token { name: name.into(), role: "operator".into(), sha256, created_ms: 0, expires_ms }
}

fn cookies(is_tls: bool) -> Cookies {
    Cookies { port: 9464, is_tls }
}

#[test]
fn there_are_only_so_many_and_the_one_that_ends_first_makes_room() {
    let (mut sessions, tokens) = (Sessions::default(), [token("a", None)]);
    let first = sessions.open(&tokens[0], 0).unwrap();
    let second = sessions.open(&tokens[0], 1).unwrap();
    for at in 2..SESSIONS_MAX as u64 + 1 {
        sessions.open(&tokens[0], at).unwrap();
    }
    assert_eq!(sessions.by_cookie.len(), SESSIONS_MAX);
    assert!(sessions.find(first.reveal(), &tokens, 1_100).is_none());
    assert!(sessions.find(second.reveal(), &tokens, 1_100).is_some());
    sessions.open(&tokens[0], 10 * LIFE_MS).unwrap();
    assert_eq!(sessions.by_cookie.len(), 1, "those that are over are forgotten");
}

#[test]
fn a_session_lives_no_longer_than_its_token() {
    let (mut sessions, tokens) = (Sessions::default(), [token("a", Some(50))]);
    let cookie = sessions.open(&tokens[0], 0).unwrap();
    assert!(sessions.find(cookie.reveal(), &tokens, 49).is_some());
    assert!(sessions.find(cookie.reveal(), &tokens, 50).is_none());
    assert!(sessions.find("guess", &tokens, 0).is_none());
}

#[test]
fn cookies_are_bound_to_tls_where_there_is_some() {
    let mut sessions = Sessions::default();
    let cookie = sessions.open(&token("a", None), 0).unwrap();
    let set = cookies(true).set_session(&cookie);
    let set = set.to_str().unwrap();
    assert!(set.starts_with("__Host-cutover_session_9464=") && set.ends_with("; Secure"), "{set}");
    let set = cookies(false).set_session(&cookie);
    assert!(!set.to_str().unwrap().contains("Secure"));
}

#[test]
fn cookies_of_others_are_not_ours() {
    let mut headers = HeaderMap::new();
    let other = "cutover_session_94640=a; xcutover_session_9464=b; cutover_session=c";
    headers.append(header::COOKIE, HeaderValue::from_static(other));
    assert_eq!(cookies(false).session(&headers), None);
    headers.append(header::COOKIE, HeaderValue::from_static("a=b; cutover_session_9464=d"));
    assert_eq!(cookies(false).session(&headers), Some("d"));
}
