use std::net::IpAddr;

use super::*;

#[test]
fn networks_contain_their_addresses() {
    let cases = [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("192.0.2.6/31", "192.0.2.7", true),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe80::1", false),
        ("::1/128", "::1", true),
        ("::/0", "2001:db8::1", true),
    ];
    for (network, address, expected) in cases {
        let network: IpNet = network.parse().unwrap();
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(network.contains(address), expected, "{network:?} {address}");
    }
}

#[test]
fn slips_are_refused_with_the_text() {
    for text in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0/8",
        "10.1.0.0/8",
        "host/8",
        "10.0.0.0/-1",
        "::1/64",
    ] {
        let error = text.parse::<IpNet>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{text}`")), "{error}");
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }
}

#[test]
fn an_unknown_peer_is_trusted_by_always_only() {
    let all = Trust::Cidrs(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    let peer = Some("192.0.2.1".parse().unwrap());
    assert!(Trust::Always.trusts(None) && Trust::Always.trusts(peer));
    assert!(!Trust::Never.trusts(None) && !Trust::Never.trusts(peer));
    assert!(!all.trusts(None) && all.trusts(peer));
}
