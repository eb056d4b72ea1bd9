use super::*;

const HOUR_MS: u64 = 60 * 60_000;
const COOL_DOWN_MS: u64 = 30 * 60_000;
const THEN: u64 = 100 * HOUR_MS;

fn latch(by: LatchedBy, rollbacks_ms: &[u64], asked: &[&str]) -> Latch {
    Latch {
        held: Held { cause: "burn".into(), build: Some("b1".into()) },
        by,
        since_ms: THEN,
        rollbacks_ms: rollbacks_ms.to_vec(),
        asked: asked.iter().map(|actor| (*actor).to_owned()).collect(),
    }
}

#[test]
fn a_persons_latch_opens_at_once_and_by_persons_only() {
    let latch = latch(LatchedBy::Person, &[THEN, THEN], &[]);
    assert_eq!(latch.ask("ann", THEN, COOL_DOWN_MS), Opening::Opens);
    assert_eq!(latch.meet(Some("b2"), THEN + HOUR_MS, COOL_DOWN_MS), Opening::SameBuild);
}

#[test]
fn a_latch_of_gates_cools_down_first() {
    let latch = latch(LatchedBy::Gates, &[THEN], &[]);
    let early = Opening::NotBefore(THEN + COOL_DOWN_MS);
    assert_eq!(latch.ask("ann", THEN + COOL_DOWN_MS - 1, COOL_DOWN_MS), early);
    assert_eq!(latch.meet(Some("b2"), THEN, COOL_DOWN_MS), early);
    assert_eq!(latch.ask("ann", THEN + COOL_DOWN_MS, COOL_DOWN_MS), Opening::Opens);
}

#[test]
fn another_build_opens_it_and_the_same_or_an_unknown_one_does_not() {
    let mut latch = latch(LatchedBy::Gates, &[THEN], &[]);
    let meet = |latch: &Latch, build| latch.meet(build, THEN + HOUR_MS, COOL_DOWN_MS);
    assert_eq!(meet(&latch, Some("b2")), Opening::Opens);
    assert_eq!(meet(&latch, Some("b1")), Opening::SameBuild);
    assert_eq!(meet(&latch, None), Opening::SameBuild);
    latch.held.build = None;
    assert_eq!(meet(&latch, Some("b2")), Opening::SameBuild);
}

#[test]
fn after_two_rollbacks_in_a_day_two_persons_must_agree() {
    let ask = |rollbacks: &[u64], asked: &[&str]| {
        latch(LatchedBy::Gates, rollbacks, asked).ask("ann", THEN + HOUR_MS, COOL_DOWN_MS)
    };
    let twice = [THEN - 22 * HOUR_MS, THEN];
    assert_eq!(ask(&twice, &[]), Opening::NeedsSecond);
    assert_eq!(ask(&twice, &["ann"]), Opening::NeedsSecond, "the same person again");
    assert_eq!(ask(&twice, &["ben"]), Opening::Opens);
    assert_eq!(ask(&[THEN - 23 * HOUR_MS, THEN], &[]), Opening::Opens, "a day has passed");
    let latch = latch(LatchedBy::Gates, &twice, &["ben"]);
    let met = latch.meet(Some("b2"), THEN + HOUR_MS, COOL_DOWN_MS);
    assert_eq!(met, Opening::NeedsSecond, "no build stands for a person");
}
