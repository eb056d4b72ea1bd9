use super::*;

fn percent(percent: f64) -> Percent {
    Percent::from_f64(percent).unwrap()
}

fn at(text: &str) -> RouteState {
    let (phase, share) = text.split_once(' ').unwrap_or((text, "0"));
    let target = Target { phase: phase.parse().unwrap(), percent: share.parse().unwrap() };
    RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1).at(target, 2)
}

fn shown(target: Option<Target>) -> String {
    target.map_or("–".to_owned(), |target| target.to_string())
}

#[test]
fn it_goes_up_and_down_step_by_step() {
    for (state, next, back) in [
        ("legacy", "shadow", "–"),
        ("shadow", "canary 1 %", "–"),
        ("canary 0.5", "canary 1 %", "shadow"),
        ("canary 1", "canary 5 %", "shadow"),
        ("canary 10", "canary 25 %", "canary 5 %"),
        ("canary 50", "canary 100 %", "canary 25 %"),
        ("canary 100", "live", "canary 50 %"),
        ("live", "–", "canary 50 %"),
        ("retired", "–", "–"),
    ] {
        let (ladder, state) = (Ladder::default(), at(state));
        assert_eq!(shown(ladder.next(&state)), next, "forward from {}", state.target());
        assert_eq!(shown(ladder.back(&state)), back, "back from {}", state.target());
    }
}

#[test]
fn a_ladder_that_ends_below_everyone_ends_there() {
    let ladder = Ladder::new(vec![percent(1.0), percent(10.0)]).unwrap();
    assert_eq!(ladder.next(&at("canary 10")), None);
    assert_eq!(shown(ladder.back(&at("live"))), "canary 10 %");
}

#[test]
fn steps_rise() {
    let build = |steps: &[f64]| Ladder::new(steps.iter().map(|step| percent(*step)).collect());
    assert_eq!(build(&[]), Err(BadLadder::Empty));
    assert_eq!(build(&[0.0, 5.0]), Err(BadLadder::Zero));
    assert_eq!(build(&[5.0, 5.0]), Err(BadLadder::NotRising(percent(5.0), percent(5.0))));
    let long: Vec<f64> = (1..=21).map(f64::from).collect();
    assert_eq!(build(&long), Err(BadLadder::TooLong(21)));
    assert_eq!(build(&long[..20]).unwrap().steps().len(), 20);
}
