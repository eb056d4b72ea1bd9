use super::*;

#[test]
fn the_oldest_is_forgotten_first() {
    let key = |n: usize| (n.to_string(), "t".to_owned());
    let mut seen = Seen::default();
    for n in 0..=SEEN_MAX {
        seen.insert(key(n));
        seen.insert(key(n));
    }
    assert_eq!((seen.keys.len(), seen.order.len()), (SEEN_MAX, SEEN_MAX));
    assert!(!seen.contains(&key(0)) && seen.contains(&key(1)) && seen.contains(&key(SEEN_MAX)));
}

#[test]
fn a_reason_is_one_plain_line_of_bounded_length() {
    let alert = |summary: &str| AlertBody {
        status: "firing".into(),
        labels: [("alertname".to_owned(), "Burn".to_owned())].into(),
        annotations: [("summary".to_owned(), summary.to_owned())].into(),
        starts_at: "t".into(),
        fingerprint: "f".into(),
    };
    assert_eq!(reason(&alert("users\nsuffer")), "page Burn: users suffer");
    assert_eq!(reason(&alert("")), "page Burn");
    assert_eq!(reason(&alert(&"ä".repeat(600))).chars().count(), REASON_CHARS_MAX);
}
