use super::*;
use crate::{compare::Path, parity::PATHS_MAX};

#[test]
fn known_from_the_third_observation_of_the_kind() {
    let mut noise = NoiseProfile::default();
    let (at, value) = (place("body.at"), Kinds::of(&[Kind::Value]));
    for (kinds, learnt, version) in [
        (value, false, 0),
        (Kinds::of(&[Kind::Type]), false, 0),
        (value, false, 0),
        (value, true, 1),
        (value, false, 1),
    ] {
        assert_eq!(noise.learn([(at.clone(), kinds)].into_iter()), learnt);
        assert_eq!(noise.version, version);
    }
    assert!(noise.knows(&at, Kind::Value));
    assert!(!noise.knows(&at, Kind::Type));
    assert!(!noise.knows(&place("body.other"), Kind::Value));
    assert_eq!((noise.pairs, noise.paths[&at].pairs), (5, 5));
    assert_eq!(noise.observations(&at, Kind::Value), 4);
}

#[test]
fn no_rate_before_thirty_pairs() {
    let mut noise = NoiseProfile::default();
    let at = place("body.at");
    (0..29).for_each(|_| _ = noise.learn(value_at(&["body.at"])));
    assert_eq!(noise.rate(&at), None);
    assert_eq!(noise.untestable().count(), 0);
    noise.learn([].into_iter());
    assert_eq!(noise.rate(&at), Some(29.0 / 30.0));
    assert_eq!(noise.untestable().collect::<Vec<_>>(), [(&at, 29.0 / 30.0)]);
}

#[test]
fn untestable_is_above_thirty_percent_not_at_it() {
    let mut noise = NoiseProfile::default();
    (0..30).for_each(|_| _ = noise.learn(value_at(&["body.at"])));
    (0..70).for_each(|_| _ = noise.learn([].into_iter()));
    assert_eq!(noise.untestable().count(), 0);
    noise.learn(value_at(&["body.at"]));
    assert_eq!(noise.untestable().count(), 1);
}

/// A field that turned random must not hide behind a million quiet pairs.
#[test]
fn rates_follow_the_recent_pairs() {
    let mut noise = NoiseProfile::default();
    let at = place("body.at");
    (0..100_000).for_each(|_| _ = noise.learn([].into_iter()));
    (0..1_000).for_each(|_| _ = noise.learn(value_at(&["body.at"])));
    assert!(noise.rate(&at).unwrap() > UNTESTABLE_ABOVE);
    (0..4_000).for_each(|_| _ = noise.learn([].into_iter()));
    assert!(noise.rate(&at).unwrap() < UNTESTABLE_ABOVE);
    assert_eq!((noise.pairs, noise.paths[&at].pairs), (105_000, 1_000));
}

#[test]
fn what_is_beyond_the_cap_is_one_place_and_never_known() {
    let mut noise = NoiseProfile::default();
    let names: Vec<String> =
        (0..PATHS_MAX + 500).map(|i| format!("body.f{}.g{}", i / 100, i % 100)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (0..5).for_each(|_| _ = noise.learn(value_at(&names)));
    assert_eq!(noise.paths.len(), PATHS_MAX + 1);
    // 500 paths are one place, and five pairs are five.
    assert_eq!(noise.paths[&Place::Other].pairs, 5);
    assert!(noise.knows(&place("body.f0.g1"), Kind::Value));
    assert!(!noise.knows(&Place::Other, Kind::Value));
    assert_eq!(noise.version, 1);
}

#[test]
fn the_version_outlives_what_was_known() {
    let mut noise = NoiseProfile::default();
    (0..3).for_each(|_| _ = noise.learn(value_at(&["body.at"])));
    noise.clear();
    assert_eq!(noise, NoiseProfile { version: 2, ..NoiseProfile::default() });
}

fn place(path: &str) -> Place {
    Place::At(path.parse::<Path>().unwrap())
}

fn value_at(paths: &[&str]) -> impl Iterator<Item = (Place, Kinds)> {
    paths.iter().map(|path| (place(path), Kinds::of(&[Kind::Value])))
}
