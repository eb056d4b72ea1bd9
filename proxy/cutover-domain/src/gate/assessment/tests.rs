use super::*;
use crate::{Percent, Phase};

fn assessment(next: Option<Target>, obstacles: Vec<Obstacle>) -> Assessment {
    Assessment {
        answers: Vec::new(),
        next,
        obstacles,
        dwelt: Dwelt::default(),
        error_since_ms: None,
        is_blind: false,
        proposal: None,
    }
}

#[test]
fn only_a_gate_before_a_next_step_blocks() {
    let live = Some(Target { phase: Phase::Live, percent: Percent::ZERO });
    let is_blocked = |next, obstacles| assessment(next, obstacles).is_blocked();
    assert!(is_blocked(live, vec![Obstacle::Dwell, Obstacle::Gate(Gate::Parity)]));
    assert!(is_blocked(live, vec![Obstacle::Silent(Gate::Parity)]));
    assert!(!is_blocked(live, vec![Obstacle::Dwell, Obstacle::Blind]));
    assert!(!is_blocked(None, vec![Obstacle::Gate(Gate::Parity)]));
}
