use cutover_control::api::{DweltRow, FactRow, ObstacleRow, PhaseName, TargetRow};

use super::*;

fn answer() -> GateAnswer {
    let gate = |gate: &str, outcome: &str, detail: Option<&str>, why: Option<&str>| GateAnswerRow {
        gate: gate.into(),
        required: true,
        outcome: outcome.into(),
        detail: detail.map(Into::into),
        why: why.map(Into::into),
        facts: vec![FactRow {
            name: "requests".into(),
            value: "12".into(),
            limit: Some("70".into()),
            number: Some(12.0),
        }],
    };
    let canary = |percent| TargetRow { phase: PhaseName::Canary, percent: Some(percent) };
    GateAnswer {
        route: "read".into(),
        at: canary(5.0),
        revision: 7,
        verdict: GateVerdict::Waiting,
        words: "burn: inconclusive (few_requests): 58 more requests".into(),
        automatic: true,
        look: Some(LookRow {
            at_ms: 0,
            gates: vec![
                gate("burn", "inconclusive", Some("few_requests"), Some("58 more requests")),
                gate("parity", "pass", None, None),
            ],
            next: Some(canary(25.0)),
            obstacles: vec![ObstacleRow {
                code: "gate".into(),
                gate: Some("burn".into()),
                why: "burn: inconclusive (few_requests): 58 more requests".into(),
            }],
            dwelt: DweltRow { passed_ms: 0, needed_ms: 0, requests: 0, needed_requests: 0 },
            error_since_ms: None,
            blind: false,
            proposal: None,
            build: None,
        }),
        held: None,
    }
}

#[test]
fn what_is_needed_is_told_and_figures_only_if_asked_for() {
    let expected = "\
read in canary 5 % at revision 7, automatic
waiting: burn: inconclusive (few_requests): 58 more requests

GATE    SAYS                         NEEDED  WHY
burn    inconclusive (few_requests)  yes     58 more requests
parity  pass                         yes

next: canary 25 %
  needs: burn: inconclusive (few_requests): 58 more requests";
    assert_eq!(text(&answer(), false), expected);
    let facts = "

GATE    WHAT      IS  LIMIT
burn    requests  12  70
parity  requests  12  70";
    assert_eq!(text(&answer(), true), format!("{expected}{facts}"));
}

#[test]
fn a_latch_is_told_with_its_build_and_who_agreed_to_its_release() {
    let held = HeldRow {
        cause: "burn: 14.4 times".into(),
        build: Some("b7".into()),
        since_ms: Some(1_700_000_000_000),
        by_gates: true,
        rollbacks_ms: vec![],
        asked: vec!["ann".into()],
    };
    let held = GateAnswer { held: Some(held), look: None, verdict: GateVerdict::Fail, ..answer() };
    let text = text(&held, true);
    let line = text.lines().last().unwrap();
    assert!(line.starts_with("held since 2023-11-14"), "{line}");
    assert!(line.ends_with("build b7: burn: 14.4 times; ann asked for its release"), "{line}");
}

#[test]
fn scripts_can_tell_the_verdict_by_the_exit_code() {
    assert_eq!(exit(GateVerdict::Pass).code(), 0);
    assert_eq!(exit(GateVerdict::Waiting).code(), 8);
    assert_eq!(exit(GateVerdict::Fail).code(), 1);
}
