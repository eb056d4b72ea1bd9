use super::*;

fn token(name: &str, role: &str, secret: &str, expires_ms: Option<u64>) -> Token {
    Token { name: name.into(), role: role.into(), sha256: hash(secret), created_ms: 0, expires_ms }
}

#[test]
fn tokens_are_recognised_until_they_expire() {
    let tokens = [
        token("ann", "admin", "one", None),
        token("ci", "migrator", "two", Some(100)),
        token("future", "emperor", "three", None),
    ];
    let who = |text, now| recognise(&tokens, text, now).map(|(t, role)| (t.name.as_str(), role));
    assert_eq!(who("one", 0), Ok(("ann", Role::Admin)));
    assert_eq!(who("two", 99), Ok(("ci", Role::Migrator)));
    assert_eq!(who("two", 100), Err(TokenRefused::Expired));
    assert_eq!(who("three", 0), Err(TokenRefused::Unknown), "a role that is not known grants none");
    for wrong in ["", "On", "one ", "four"] {
        assert_eq!(who(wrong, 0), Err(TokenRefused::Unknown));
    }
}

#[test]
fn secrets_are_long_distinct_and_never_printed() {
    let (a, b) = (Secret::random().unwrap(), Secret::random().unwrap());
    assert_ne!(a, b);
    assert_eq!(a.reveal().len(), PREFIX.len() + 43);
    assert!(!format!("{a:?}").contains(a.reveal()));
    assert_eq!(Secret::from_text(a.reveal()), Some(a));
    for bad in ["", "short", &"x".repeat(31), &"x".repeat(257), &"ä".repeat(20), &" ".repeat(40)] {
        assert_eq!(Secret::from_text(bad), None, "{bad:?}");
    }
}

#[test]
fn roles_nest_in_order() {
    assert!(Role::ALL.is_sorted());
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    assert!("root".parse::<Role>().is_err());
}
