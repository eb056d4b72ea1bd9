use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn spaces_are_apart() {
    let mut bijections = Bijections::default();
    assert!(bijections.is_empty());
    assert!(bijections.agree("a", "1", "x"));
    assert!(bijections.agree("b", "1", "y"));
    assert!(!bijections.agree("a", "1", "y"));
    assert!(!bijections.agree("a", "2", "x"));
    assert_eq!(bijections.len(), 2);
}

#[test]
fn a_full_space_forgets_its_oldest_pair() {
    let mut bijections = Bijections::new(2);
    for (live, candidate) in [("1", "x"), ("2", "y"), ("3", "z")] {
        assert!(bijections.agree("a", live, candidate));
    }
    assert_eq!(bijections.len(), 2);
    assert!(!bijections.agree("a", "2", "x"));
    assert!(!bijections.agree("a", "3", "x"));
    assert!(bijections.agree("a", "1", "x"));
    assert!(bijections.agree("a", "2", "w"));
}

proptest! {
    /// A pair agrees exactly if no earlier pair that agreed has one of its values without the other.
    #[test]
    fn it_stays_one_to_one(pairs in prop::collection::vec((0u8..8, 0u8..8), 0..60)) {
        let mut bijections = Bijections::default();
        let mut known: BTreeMap<u8, u8> = BTreeMap::new();
        for (live, candidate) in pairs {
            let taken = known.iter().any(|(l, c)| *l != live && *c == candidate);
            let fits = known.get(&live).map_or(!taken, |known| *known == candidate);
            prop_assert_eq!(bijections.agree("a", &live.to_string(), &candidate.to_string()), fits);
            if fits {
                known.insert(live, candidate);
            }
        }
    }
}
