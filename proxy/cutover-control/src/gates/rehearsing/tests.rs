use cutover_domain::{Percent, Phase, Target};
use prometheus_client::registry::Registry;

use super::*;
use crate::gates::GateMetrics;

#[test]
fn a_rehearsed_route_is_not_moved_on_but_may_be_taken_back() {
    let gates = Gates::new(GateMetrics::register(&mut Registry::default()), false);
    let proposal = |step| Proposal { step, gate: None, why: "a test".into() };
    let advance = proposal(Step::Advance(Target::canary(Percent::FULL)));
    let back = proposal(Step::SafePhase(Target::phase(Phase::Shadow)));
    let turn = gates.rehearse("read");
    assert!(gates.leaves("read", Some(&advance)));
    assert!(!gates.leaves("read", Some(&back)) && !gates.leaves("read", None));
    assert!(!gates.leaves("other", Some(&advance)));
    drop(turn);
    assert!(!gates.leaves("read", Some(&advance)), "it is over");
}
