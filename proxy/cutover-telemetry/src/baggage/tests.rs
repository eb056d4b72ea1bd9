use super::*;

fn check(values: &[String], expected: Option<&str>, expected_dropped: usize) {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(BAGGAGE, HeaderValue::from_str(value).unwrap());
    }
    assert_eq!(limit(&mut headers), expected_dropped);
    let left: Vec<_> = headers.get_all(BAGGAGE).iter().collect();
    match expected {
        Some(expected) => assert_eq!(left, [expected]),
        None => assert!(left.is_empty()),
    }
}

fn members(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("k{index}=v")).collect()
}

#[test]
fn what_is_within_the_limits_is_not_touched() {
    check(&[], None, 0);
    let odd = " a=1 ,, b=2;p=3".to_owned();
    check(std::slice::from_ref(&odd), Some(&odd), 0);
    let full = members(64).join(",");
    check(std::slice::from_ref(&full), Some(&full), 0);
}

#[test]
fn the_65th_member_goes() {
    let expected = members(64).join(",");
    check(&[members(65).join(",")], Some(&expected), 1);
    check(&[members(64).join(","), "x=1".to_owned(), "y=2".to_owned()], Some(&expected), 2);
}

#[test]
fn whole_members_go_beyond_8192_bytes() {
    let big = format!("big={}", "v".repeat(8000));
    let fits = format!("a={}", "v".repeat(8192 - big.len() - 3));
    let list = format!("{big},{fits}");
    assert_eq!(list.len(), 8192);
    check(std::slice::from_ref(&list), Some(&list), 0);
    // One byte more, and the member that crosses goes; a later, shorter stays.
    check(&[format!("{big},{fits}x,b=1")], Some(&format!("{big},b=1")), 1);
    check(&[format!("a={}", "v".repeat(8192))], None, 1);
}

#[test]
fn removing_takes_all() {
    let mut headers = HeaderMap::new();
    headers.append(BAGGAGE, HeaderValue::from_static("a=1"));
    headers.append(BAGGAGE, HeaderValue::from_static("b=1"));
    remove(&mut headers);
    assert!(headers.is_empty());
}
