use expect_test::{Expect, expect};
use http::Request;

use super::*;

const CLAIMS: [(&str, &str); 6] = [
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-for", "198.51.100.1"),
    ("x-forwarded-host", "claimed.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "1"),
    ("forwarded", "for=203.0.113.9"),
];

fn check(forwarded: Forwarded, peer: &str, claims: &[(&str, &str)], expected: Expect) {
    let mut request = Request::builder().uri("/x").header("host", "shop.example:81");
    for (name, value) in claims {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.header("z", "1").body(()).unwrap().into_parts();
    let trust = vec!["10.0.0.0/8".parse().unwrap()];
    let settings = Settings { forwarded, forwarded_trust: trust, ..Settings::default() };
    set(&mut parts, &settings, peer.parse().unwrap(), Scheme::Http);
    let show = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}\n", value.to_str().unwrap())
    };
    expected.assert_eq(&parts.headers.iter().map(show).collect::<String>());
}

#[test]
fn off_leaves_all_as_it_came() {
    check(
        Forwarded::Off,
        "192.0.2.1",
        &CLAIMS,
        expect![[r#"
            host: shop.example:81
            x-forwarded-for: 203.0.113.9
            x-forwarded-for: 198.51.100.1
            x-forwarded-host: claimed.example
            x-forwarded-proto: https
            x-forwarded-port: 1
            forwarded: for=203.0.113.9
            z: 1
        "#]],
    );
}

#[test]
fn what_an_untrusted_client_claims_goes_in_both_forms() {
    check(
        Forwarded::XForwarded,
        "192.0.2.1",
        &CLAIMS,
        expect![[r#"
            host: shop.example:81
            z: 1
            x-forwarded-for: 192.0.2.1
            x-forwarded-host: shop.example:81
            x-forwarded-proto: http
        "#]],
    );
    check(
        Forwarded::Rfc7239,
        "2001:db8::1",
        &CLAIMS,
        expect![[r#"
            host: shop.example:81
            z: 1
            forwarded: for="[2001:db8::1]";host="shop.example:81";proto=http
        "#]],
    );
}

#[test]
fn what_a_trusted_proxy_says_is_kept_and_added_to() {
    check(
        Forwarded::XForwarded,
        "::ffff:10.1.2.3",
        &CLAIMS,
        expect![[r#"
            host: shop.example:81
            x-forwarded-for: 203.0.113.9, 198.51.100.1, 10.1.2.3
            x-forwarded-host: claimed.example
            x-forwarded-proto: https
            x-forwarded-port: 1
            forwarded: for=203.0.113.9
            z: 1
        "#]],
    );
    check(
        Forwarded::Rfc7239,
        "10.1.2.3",
        &[("forwarded", "for=203.0.113.9"), ("forwarded", "for=_x")],
        expect![[r#"
            host: shop.example:81
            forwarded: for=203.0.113.9, for=_x, for=10.1.2.3;host="shop.example:81";proto=http
            z: 1
        "#]],
    );
}

#[test]
fn without_a_claim_a_trusted_proxy_is_described_too() {
    check(
        Forwarded::XForwarded,
        "10.1.2.3",
        &[],
        expect![[r#"
            host: shop.example:81
            z: 1
            x-forwarded-for: 10.1.2.3
            x-forwarded-host: shop.example:81
            x-forwarded-proto: http
        "#]],
    );
}
