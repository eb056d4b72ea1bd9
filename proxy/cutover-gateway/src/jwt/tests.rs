use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::*;

/// Of an RSA key for tests, 2,048 bits.
const RSA: &str = include_str!("tests/rsa.pem");
const RSA_PUBLIC: &str = include_str!("tests/rsa.pub.pem");

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn token(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn fresh() -> Value {
    json!({ "sub": "dev-7", "exp": now() + 600, "aud": "elsewhere" })
}

fn subject(key: &JwtKey, token: &str) -> Option<String> {
    Some(key.verify(token)?.get("sub")?.as_str()?.to_owned())
}

/// The key that verifies, the key that signs, and one more of each kind that signs.
fn keys() -> Vec<(Algorithm, JwtKey, EncodingKey, EncodingKey)> {
    let pair = |algorithm| {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let signing = key.serialize_pem();
        (signing, key.public_key_pem())
    };
    let (ec, ec_public) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (ec_other, _) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (ed, ed_public) = pair(&rcgen::PKCS_ED25519);
    let (ed_other, _) = pair(&rcgen::PKCS_ED25519);
    let ec_key = |pem: &str| EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let ed_key = |pem: &str| EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let secret = b"a secret of at least 32 bytes...";
    vec![
        (
            Algorithm::HS256,
            JwtKey::new("HS256", secret).unwrap(),
            EncodingKey::from_secret(secret),
            EncodingKey::from_secret(b"another secret of 32 bytes......"),
        ),
        (
            Algorithm::RS256,
            JwtKey::new("RS256", RSA_PUBLIC.as_bytes()).unwrap(),
            EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap(),
            EncodingKey::from_rsa_pem(include_str!("tests/rsa.other.pem").as_bytes()).unwrap(),
        ),
        (
            Algorithm::ES256,
            JwtKey::new("ES256", ec_public.as_bytes()).unwrap(),
            ec_key(&ec),
            ec_key(&ec_other),
        ),
        (
            Algorithm::EdDSA,
            JwtKey::new("EdDSA", ed_public.as_bytes()).unwrap(),
            ed_key(&ed),
            ed_key(&ed_other),
        ),
    ]
}

#[test]
fn a_signed_token_names_its_subject_whoever_it_is_meant_for() {
    for (algorithm, key, signing, _) in keys() {
        assert_eq!(
            subject(&key, &token(algorithm, &signing, &fresh())).as_deref(),
            Some("dev-7"),
            "{algorithm:?}"
        );
    }
}

#[test]
fn what_another_key_signed_is_as_if_it_were_not_there() {
    for (algorithm, key, _, other) in keys() {
        assert_eq!(subject(&key, &token(algorithm, &other, &fresh())), None, "{algorithm:?}");
    }
}

#[test]
fn a_token_outside_its_time_is_as_if_it_were_not_there() {
    let (algorithm, key, signing, _) = keys().remove(0);
    let claims = [
        json!({ "sub": "dev-7", "exp": now() - 600 }),
        json!({ "sub": "dev-7" }),
        json!({ "sub": "dev-7", "exp": now() + 600, "nbf": now() + 500 }),
    ];
    for claims in claims {
        assert_eq!(subject(&key, &token(algorithm, &signing, &claims)), None, "{claims}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let signing = EncodingKey::from_secret(RSA_PUBLIC.as_bytes());
    let forged = token(Algorithm::HS256, &signing, &fresh());
    let key = JwtKey::new("RS256", RSA_PUBLIC.as_bytes()).unwrap();
    assert_eq!(subject(&key, &forged), None);
}

#[test]
fn unsigned_claims_are_read_only_where_asked_for() {
    let (algorithm, _, signing, _) = keys().remove(0);
    let token = token(algorithm, &signing, &fresh());
    assert_eq!(claims_unverified(&token).unwrap()["sub"], "dev-7");
    for nonsense in ["", "a.b", "a.!.c", "a.bm8.c", &format!("x{token}").replace('.', "")] {
        assert_eq!(claims_unverified(nonsense), None, "{nonsense}");
    }
}

#[test]
fn a_key_that_does_not_fit_says_so() {
    for (algorithm, key) in [("RS256", "no key"), ("ES256", RSA_PUBLIC), ("none", "x")] {
        let error = JwtKey::new(algorithm, key.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(algorithm), "{error}");
    }
}

#[test]
fn keys_are_not_printed() {
    assert_eq!(format!("{:?}", JwtKey::new("HS256", b"hush").unwrap()), "JwtKey(redacted)");
}
