use std::sync::Arc;

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::{Group, RouteSpec, RouteState, Target, Timeouts, endpoint::EndpointMatch};

fn route(phase: Phase, writes: WriteClass, shadow: Option<ShadowSpec>) -> Route {
    let target = Target::phase(phase);
    Route {
        spec: RouteSpec {
            id: "r".into(),
            group: "g".into(),
            endpoint: EndpointMatch {
                methods: vec![],
                host: None,
                path: "/{id}".parse().unwrap(),
                headers: vec![],
            },
            legacy: "monolith".into(),
            new: Some("registry".into()),
            writes: Some(writes),
            target,
            timeouts: Timeouts::default(),
            shadow,
            rules: Default::default(),
            objectives: Default::default(),
            gates: None,
        },
        group: Arc::new(Group::default()),
        state: RouteState::INITIAL.at(target, 1),
        legacy: 0,
        new: Some(1),
    }
}

#[test]
fn the_side_that_did_not_serve_gets_the_copy() {
    let spec = Some(ShadowSpec::default());
    for (phase, served, expected) in [
        (Phase::Legacy, Side::Legacy, None),
        (Phase::Shadow, Side::Legacy, Some(Side::New)),
        (Phase::Canary, Side::Legacy, Some(Side::New)),
        (Phase::Canary, Side::New, Some(Side::Legacy)),
        (Phase::Live, Side::New, Some(Side::Legacy)),
        (Phase::Retired, Side::New, None),
    ] {
        let route = route(phase, WriteClass::Safe, spec.clone());
        assert_eq!(candidate(&route, served, 0), expected, "{phase} served by {served:?}");
    }
}

#[test]
fn legacy_gets_copies_of_safe_requests_only_and_nobody_of_unsafe_ones() {
    let spec = Some(ShadowSpec::default());
    for class in WriteClass::ALL {
        let shadow = route(Phase::Shadow, class, spec.clone());
        let live = route(Phase::Live, class, spec.clone());
        let to_new = candidate(&shadow, Side::Legacy, 0).is_some();
        let to_legacy = candidate(&live, Side::New, 0).is_some();
        assert_eq!(to_new, class != WriteClass::Unsafe, "{class} to new");
        assert_eq!(to_legacy, class == WriteClass::Safe, "{class} to legacy");
    }
}

#[test]
fn nothing_is_copied_unasked_or_without_a_new_side() {
    let unasked = route(Phase::Shadow, WriteClass::Safe, None);
    assert_eq!(candidate(&unasked, Side::Legacy, 0), None);
    let mut alone = route(Phase::Shadow, WriteClass::Safe, Some(ShadowSpec::default()));
    alone.new = None;
    assert_eq!(candidate(&alone, Side::Legacy, 0), None);
}

#[test]
fn copied_sessions_nest() {
    let at = |percent: u16| {
        let percent = Percent::from_basis_points(percent).unwrap();
        route(
            Phase::Shadow,
            WriteClass::Safe,
            Some(ShadowSpec { percent, ..ShadowSpec::default() }),
        )
    };
    let copied = |percent, bucket| candidate(&at(percent), Side::Legacy, bucket).is_some();
    for bucket in [0, 1, 499, 500, 501, 9_999] {
        assert!(!copied(0, bucket));
        assert!(copied(10_000, bucket));
        assert!(!copied(500, bucket) || copied(501, bucket));
        assert_eq!(copied(500, bucket), bucket < 500);
    }
}

#[test]
fn a_budget_is_given_back() {
    let budget = Budget::new(100);
    let mut first = budget.reserve(60).unwrap();
    assert_eq!(budget.reserve(41).unwrap_err(), Exhausted);
    let second = budget.reserve(40).unwrap();
    assert_eq!(first.grow(1), Err(Exhausted));
    assert_eq!((budget.used(), first.bytes()), (100, 60));
    drop(second);
    first.grow(40).unwrap();
    first.shrink(90);
    assert_eq!((budget.used(), first.bytes()), (10, 10));
    let mut third = budget.reserve(5).unwrap();
    third.join(first);
    assert_eq!((budget.used(), third.bytes()), (15, 15));
    third.shrink(90);
    drop(third);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_copy_beyond_the_budget_fails_and_holds_nothing_afterwards() {
    let budget = Budget::new(10);
    let mut reserved = budget.reserve(0).unwrap();
    let mut tee = Tee::new(1_000);
    assert_eq!(tee.pass(b"12345678", &mut reserved), Ok(()));
    assert_eq!(tee.pass(b"90123", &mut reserved), Err(Exhausted));
    drop(reserved);
    assert_eq!(budget.used(), 0);
}

proptest! {
    /// However a body is cut into pieces, its copy is the body, or its length and hash.
    #[test]
    fn copies_are_what_passed(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20), cap in 0_usize..400) {
        let budget = Budget::new(u64::MAX / 2);
        let mut reserved = budget.reserve(0).unwrap();
        let mut tee = Tee::new(cap);
        for piece in &pieces {
            tee.pass(piece, &mut reserved).unwrap();
        }
        let all = pieces.concat();
        prop_assert_eq!(tee.is_over(), all.len() > cap);
        let (used, held) = (budget.used() as usize, if tee.is_over() { 0 } else { all.len() });
        prop_assert!((held..=2 * held).contains(&used), "{} for {}", used, held);
        let expected = match all.len() > cap {
            true => Copied::Digest { length: all.len() as u64, hash: xxh3_64(&all) },
            false => Copied::Whole(all.into()),
        };
        prop_assert_eq!(tee.finish(), expected);
    }
}
