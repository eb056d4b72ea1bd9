use proptest::prelude::*;

use super::*;

const ENOUGH: f64 = 6.907_755_278_982_137;

fn evidence(events: &[(u64, u64, f64)]) -> Evidence {
    events.iter().fold(Evidence::default(), |mut evidence, (new, legacy, pi)| {
        evidence.add(*new, *legacy, *pi);
        evidence
    })
}

fn served(legacy: (u64, u64), new: (u64, u64)) -> Served {
    let step = [legacy, new].map(|(requests, bad)| Tally { requests, bad, slow: 0 });
    Served { step, recent: [step; 2] }
}

#[test]
fn a_few_bad_events_on_new_alone_suffice() {
    // (π, how many of new with none of legacy)
    for (pi, enough) in [(0.01, 3), (0.05, 3), (0.25, 6), (0.5, 12)] {
        let needed = (1..100).find(|n| evidence(&[(*n, 0, pi)]).ln() >= ENOUGH);
        assert_eq!(needed, Some(enough), "π = {pi}");
    }
}

#[test]
fn what_both_sides_have_is_no_evidence() {
    assert!(evidence(&[(50, 950, 0.05)]).ln() < 0.0);
    assert!(evidence(&[(0, 100, 0.05)]).ln() < 0.0);
}

#[test]
fn it_can_be_added_event_by_event_or_not_at_all() {
    let mut one_by_one = Evidence::default();
    for _ in 0..5 {
        one_by_one.add(1, 0, 0.2);
    }
    let at_once = evidence(&[(5, 0, 0.2)]);
    assert!((one_by_one.ln() - at_once.ln()).abs() < 0.05, "{one_by_one:?}, {at_once:?}");
    for pi in [0.0, 1.0] {
        assert_eq!(evidence(&[(5, 5, pi)]), Evidence::default(), "nobody on one side");
    }
}

#[test]
fn hours_of_health_do_not_hide_what_begins_now() {
    let mut late = evidence(&[(100, 1_900, 0.05)]);
    let needed = (1..1_000).find(|_| {
        late.add(1, 0, 0.05);
        late.ln() >= ENOUGH
    });
    assert!(needed.is_some_and(|needed| needed <= 10), "{needed:?} more bad events");
}

/// The mean of the evidence after one more event is that before: a martingale, if new has its share.
#[test]
fn equal_sides_gain_no_evidence_on_average() {
    for pi in [0.01, 0.05, 0.3, 0.5, 0.9] {
        for so_far in [vec![], vec![(1, 3, pi)], vec![(4, 0, pi), (0, 30, pi)]] {
            let now = evidence(&so_far);
            let after = |new, legacy| {
                let mut after = now;
                after.add(new, legacy, pi);
                after.ln().exp()
            };
            let mean = pi * after(1, 0) + (1.0 - pi) * after(0, 1);
            let before = now.ln().exp();
            assert!(
                (mean / before - 1.0).abs() < 1e-9,
                "π {pi}, {so_far:?}: {before} becomes {mean}"
            );
        }
    }
}

#[test]
fn it_fails_by_evidence_and_difference_together() {
    let settings = Settings::default();
    let check = |evidence: &Evidence, served: &Served, is_shared| {
        answer(evidence, served, is_shared, &settings).outcome.as_str()
    };
    let strong = evidence(&[(10, 0, 0.05)]);
    assert_eq!(check(&strong, &served((10_000, 0), (500, 10)), false), "fail");
    assert_eq!(check(&strong, &served((10_000, 0), (500, 10)), true), "inconclusive");
    assert_eq!(check(&strong, &served((100_000, 0), (5_001, 10)), false), "pass", "0.2 points");
    assert_eq!(check(&strong, &served((100_000, 0), (3_000, 10)), false), "pass", "unproven");
    assert_eq!(check(&evidence(&[(2, 30, 0.05)]), &served((10_000, 30), (500, 2)), false), "pass");
    assert_eq!(check(&Evidence::default(), &served((10_000, 0), (499, 0)), false), "inconclusive");
}

#[test]
fn what_is_worse_lately_is_not_thinned_by_what_was_good_before() {
    let mut served = served((1_000_000, 100), (100_000, 40));
    assert!(served.difference() < 0.002);
    served.recent[1][1] = Tally { requests: 1_000, bad: 30, slow: 0 };
    assert!(served.difference() > 0.02);
}

proptest! {
    #[test]
    fn evidence_stays_a_number(
        events in prop::collection::vec((0u64..2_000, 0u64..2_000, 0.0f64..=1.0), 0..50)
    ) {
        let evidence = evidence(&events);
        prop_assert!(!evidence.ln().is_nan());
        prop_assert!(evidence.ln_ratios.iter().all(|ln| !ln.is_nan()));
    }
}
