use cutover_domain::{
    compare::Incomparable,
    parity::{Observation, Shape, outlook},
};

use super::{super::blocks, *};
use crate::api::CopiesRow;

/// What is still wanted after so many matches, and for how long at one comparison a second.
fn wanted(matches: u64, target: f64) -> (OutlookName, Option<u64>, Option<f64>) {
    let row = outlook_row(outlook(matches, 0, target, 1.0), target, matches, 1.0);
    (row.state, row.comparisons, row.seconds)
}

#[test]
fn a_verdict_wants_the_bound_and_the_number() {
    let ahead = |n: u64| (OutlookName::Ahead, Some(n), Some(n as f64));
    assert_eq!(wanted(60, 0.995), ahead(940), "598 suffice for the bound, 1,000 for the gate");
    assert_eq!(wanted(60, 0.999), ahead(2_935), "2,995 for the bound");
    assert_eq!(wanted(600, 0.995), (OutlookName::Reached, Some(400), Some(400.0)));
    assert_eq!(wanted(1_000, 0.995), (OutlookName::Reached, None, None));
    let row = outlook_row(Outlook::Below, 0.995, 10, 1.0);
    assert_eq!((row.comparisons, row.seconds), (None, None), "waiting does not help");
    let row = outlook_row(outlook(60, 0, 0.995, 0.0), 0.995, 60, 0.0);
    assert_eq!((row.comparisons, row.seconds), (Some(940), None), "there were none today");
}

#[test]
fn what_cannot_be_judged_says_why() {
    let mut parity = Parity::new(Basis::default(), 1);
    let shape = Shape::from_text("GET / 2xx");
    for why in [Incomparable::DuplicateKey, Incomparable::Limit, Incomparable::DuplicateKey] {
        parity.judge(&Observation {
            compared: Err(why),
            paired: false,
            shape: &shape,
            latency_micros: None,
            now: 1,
        });
    }
    parity.drop_one(Dropped::Breaker);
    parity.drop_one(Dropped::Rate);
    let copies = CopiesRow { taken: true, code: None, why: None };
    let blocks = blocks(&copies, Some(&parity.report(0.995, 1)), 0.995);
    assert_eq!(blocks[0].code, "inconclusive");
    assert_eq!(
        blocks[0].why,
        "4 of 5 requests could not be judged, more than 5 %: breaker 1, duplicate_key 2, limit 1"
    );
}
