use super::*;
use crate::context::TraceContext;

fn id(randomness: u64) -> TraceId {
    TraceId::new(u128::from(randomness) | 1 << 120).unwrap()
}

#[test]
fn the_ratio_decides_roots_by_the_low_56_bits() {
    let half = Sampler::new(0.5).unwrap();
    assert!(!half.takes(id((1 << 55) - 1)));
    assert!(half.takes(id(1 << 55)));
    // Bits above are of no account.
    assert_eq!(half.takes(id(5)), half.takes(id(5 | 0xff << 56)));
}

#[test]
fn none_and_all() {
    let (none, all) = (Sampler::new(0.0).unwrap(), Sampler::new(1.0).unwrap());
    for randomness in [0, 1, 1 << 55, (1 << 56) - 1] {
        assert!(!none.takes(id(randomness)));
        assert!(all.takes(id(randomness)));
    }
}

#[test]
fn the_share_is_as_asked() {
    let sampler = Sampler::default();
    let taken =
        (0..200_000).filter(|_| sampler.takes(TraceContext::new_root(false).trace_id)).count();
    // 10,000 expected, standard deviation 97; six of them.
    assert!((9_400..=10_600).contains(&taken), "{taken}");
}

#[test]
fn a_parent_decides_for_its_children() {
    let none = Sampler::new(0.0).unwrap();
    let all = Sampler::new(1.0).unwrap();
    let sampled = Some(Flags::SAMPLED);
    assert_eq!(none.head(sampled, id(1)), Keep::Yes(Reason::Parent));
    assert_eq!(all.head(Some(Flags::NONE), id(1)), Keep::No);
    assert_eq!(all.head(None, id(1)), Keep::Yes(Reason::Ratio));
    assert_eq!(none.head(None, id(1)), Keep::No);
}

#[test]
fn ratios_out_of_range_are_refused() {
    for ratio in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(Sampler::new(ratio).is_err(), "{ratio}");
    }
}
