use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn what_we_signed_verifies_until_it_expires() {
    let key = OverrideKey::new(SECRET).unwrap();
    let token = key.sign(Side::New, Duration::from_secs(60), at(1000)).unwrap();
    assert_eq!(key.verify(&token, at(1000)), Some(SideOverride(Side::New)));
    assert_eq!(key.verify(&token, at(1059)), Some(SideOverride(Side::New)));
    assert_eq!(key.verify(&token, at(1060)), None, "expired");
}

#[test]
fn every_changed_byte_is_noticed() {
    let key = OverrideKey::new(SECRET).unwrap();
    let token = key.sign(Side::Legacy, Duration::from_secs(60), at(1000)).unwrap();
    for position in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(key.verify(&forged, at(1000)), None, "{forged}");
    }
    let other = OverrideKey::new(b"another key of at least 32 bytes!").unwrap();
    assert_eq!(other.verify(&token, at(1000)), None);
    for garbage in ["", ".", "v1.new", "v1.new.9999999999.", "....", "é.é"] {
        assert_eq!(key.verify(garbage, at(1000)), None, "{garbage}");
    }
}

#[test]
fn nothing_weak_is_signed() {
    assert_eq!(OverrideKey::new(b"short").err(), Some(SignError::ShortKey(5)));
    let key = OverrideKey::new(SECRET).unwrap();
    for ttl in [Duration::ZERO, TTL_MAX + Duration::from_secs(1)] {
        assert_eq!(key.sign(Side::New, ttl, at(0)), Err(SignError::Ttl(ttl)));
    }
    assert!(!format!("{key:?}").contains("0123"));
}
