use super::*;

#[test]
fn a_new_build_replaces_at_once() {
    let mut builds = Builds::default();
    assert!(builds.replaces("1"));
    assert!(!builds.replaces("1"));
    assert!(builds.replaces("2"));
}

#[test]
fn two_that_answer_by_turns_replace_each_other_once() {
    let mut builds = Builds::default();
    builds.replaces("1");
    let replaced = (0..1_000).filter(|turn| builds.replaces(["2", "1"][turn % 2])).count();
    assert_eq!(replaced, 1);
}

#[test]
fn an_earlier_build_that_is_back_replaces() {
    let mut builds = Builds::default();
    builds.replaces("1");
    builds.replaces("2");
    let after = (1..).find(|_| builds.replaces("1")).unwrap();
    assert_eq!(after, BACK_AFTER);
    assert!(!builds.replaces("1") && !builds.replaces("2"));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut builds = Builds::default();
    assert!((0..1_000).all(|build| builds.replaces(&build.to_string())));
    assert_eq!(builds.earlier.len(), EARLIER_MAX);
}

#[test]
fn names_are_taken_within_bounds() {
    let of = |value: &str| HeaderMap::from_iter([(BUILD, value.parse().unwrap())]);
    assert_eq!(named(&of(" 4f2c1a ")), Some("4f2c1a"));
    assert_eq!(named(&of("")), None);
    assert_eq!(named(&of(&"x".repeat(BUILD_BYTES_MAX + 1))), None);
    assert_eq!(named(&HeaderMap::new()), None);
}
