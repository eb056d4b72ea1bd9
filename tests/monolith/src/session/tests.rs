use super::*;

fn sessions() -> Sessions {
    Sessions::with_key(b"0123456789abcdef")
}

#[test]
fn a_token_names_its_user_until_it_expires() {
    let token = sessions().issue(7, 1000);
    assert!(token.starts_with("7.1000."), "{token}");
    assert_eq!(sessions().verify(&token, 999), Some(User(7)));
    assert_eq!(sessions().verify(&token, 1000), None);
}

#[test]
fn forged_tokens_name_nobody() {
    let token = sessions().issue(7, 1000);
    let stranger = Sessions::with_key(b"another key, just as long");
    for forged in [
        token.replacen('7', "8", 1),
        token.replace("1000", "2000"),
        stranger.issue(7, 1000),
        token[..token.len() - 2].to_owned(),
        "7.1000".to_owned(),
        "7.1000.zz".to_owned(),
        String::new(),
    ] {
        assert_eq!(sessions().verify(&forged, 0), None, "{forged}");
    }
}

#[test]
fn the_cookie_is_found_among_others() {
    let token = sessions().issue(3, 50);
    let line = format!("theme=blue; sid={token}; sid=second");
    let headers = HeaderMap::from_iter([(COOKIE, line.parse().unwrap())]);
    assert_eq!(sessions().user(&headers, 0), Some(User(3)));
}

#[test]
fn the_key_file_is_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.key");
    let token = Sessions::open(Some(&path)).unwrap().issue(1, 10);
    assert_eq!(Sessions::open(Some(&path)).unwrap().verify(&token, 0), Some(User(1)));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "short\n").unwrap();
    let error = Sessions::open(Some(&path)).err().unwrap().to_string();
    assert!(error.contains("needs 16 at least"), "{error}");
}
