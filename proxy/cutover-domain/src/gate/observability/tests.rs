use super::*;
use crate::gate::Source;

const ALL: Signals = Signals { objectives: true, traces: true, dashboards: true };

#[test]
fn nobody_leaves_legacy_unseen_and_nobody_goes_on_unseen() {
    let unseen = Signals { traces: false, dashboards: false, ..ALL };
    let told = |signals, phase| answer(Ok(signals), phase).outcome.to_string();
    assert_eq!(told(ALL, Phase::Legacy), "pass");
    let waits = "inconclusive (no_data): data of: traces, dashboards";
    assert_eq!(told(unseen, Phase::Legacy), waits);
    assert_eq!(told(unseen, Phase::Canary), "fail: no data of: traces, dashboards");
    assert_eq!(answer(Ok(unseen), Phase::Live).outcome.reaction(), Some(Reaction::Freeze));
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let trouble = Trouble { asked: Source::Telemetry, what: "it does not answer".into() };
    assert_eq!(answer(Err(&trouble), Phase::Canary).outcome, Outcome::Error(trouble));
}
