use super::*;

fn held(cause: &str) -> RouteState {
    RouteState { held: Some(Held::because(cause)), ..at(Phase::Shadow) }
}

async fn latch(store: &Store, at_ms: u64, expected: u64, trigger: Trigger) -> u64 {
    let after = held(&format!("at {at_ms}"));
    let new = revision(at_ms, vec![change("a", expected, after)]);
    store.record(&NewRevision { trigger, ..new }).await.unwrap()
}

async fn release(store: &Store, at_ms: u64, expected: u64) -> u64 {
    store.record(&revision(at_ms, vec![change("a", expected, at(Phase::Shadow))])).await.unwrap()
}

fn asked(at_ms: u64, actor: &str) -> NewDecision {
    NewDecision {
        at_ms,
        route: "a".into(),
        kind: "release".into(),
        actor: actor.into(),
        document: "{}".into(),
    }
}

#[tokio::test]
async fn a_latch_knows_what_put_it_on_and_how_often_the_guard_did() {
    let dir = dir();
    let store = open(&dir).await;
    assert_eq!(store.latch("a", 0, "release").await.unwrap(), None);
    let rev = latch(&store, 10, 0, Trigger::Guard).await;
    let rev = release(&store, 20, rev).await;
    assert_eq!(store.latch("a", 0, "release").await.unwrap(), None);
    let rev = latch(&store, 30, rev, Trigger::Operator).await;
    let rev = release(&store, 40, rev).await;
    latch(&store, 50, rev, Trigger::Guard).await;
    store.append(&[asked(45, "early"), asked(60, "ann"), asked(61, "ann")], None).await.unwrap();
    let expected = LatchHistory {
        since_ms: 50,
        trigger: Trigger::Guard,
        rollbacks_ms: vec![50, 10],
        asked: vec!["ann".into()],
    };
    assert_eq!(store.latch("a", 0, "release").await.unwrap(), Some(expected));
    let recent = store.latch("a", 11, "release").await.unwrap().unwrap();
    assert_eq!(recent.rollbacks_ms, [50]);
}

#[tokio::test]
async fn a_route_that_moves_while_it_is_held_keeps_the_moment_of_its_latch() {
    let dir = dir();
    let store = open(&dir).await;
    let rev = latch(&store, 10, 0, Trigger::Guard).await;
    let lower = RouteState { phase: Phase::Legacy, ..held("at 10") };
    store.record(&revision(20, vec![change("a", rev, lower)])).await.unwrap();
    let latch = store.latch("a", 0, "release").await.unwrap().unwrap();
    assert_eq!((latch.since_ms, latch.trigger), (10, Trigger::Guard));
}

#[tokio::test]
async fn a_latch_keeps_its_build_and_another_build_is_another_latch() {
    let dir = dir();
    let store = open(&dir).await;
    let of = |build: &str| Held { cause: "burn".into(), build: Some(build.into()) };
    let state = |build| RouteState { held: Some(of(build)), ..at(Phase::Shadow) };
    let rev = store.record(&revision(10, vec![change("a", 0, state("b1"))])).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().routes["a"].state.held, Some(of("b1")));
    store.record(&revision(20, vec![change("a", rev, state("b2"))])).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().routes["a"].state.held, Some(of("b2")));
    assert_eq!(store.latch("a", 0, "release").await.unwrap().unwrap().since_ms, 20);
}

#[tokio::test]
async fn a_latch_put_over_the_guards_leaves_it_the_guards_until_it_is_released() {
    let dir = dir();
    let store = open(&dir).await;
    let rev = latch(&store, 10, 0, Trigger::Guard).await;
    let rev = latch(&store, 20, rev, Trigger::Operator).await;
    let rev = latch(&store, 30, rev, Trigger::KillSwitch).await;
    let found = store.latch("a", 0, "release").await.unwrap().unwrap();
    assert_eq!((found.since_ms, found.trigger), (10, Trigger::Guard));
    let rev = latch(&store, 40, rev, Trigger::Guard).await;
    let found = store.latch("a", 0, "release").await.unwrap().unwrap();
    assert_eq!((found.since_ms, found.rollbacks_ms), (40, vec![40, 10]));
    let rev = release(&store, 50, rev).await;
    let rev = latch(&store, 60, rev, Trigger::Operator).await;
    latch(&store, 70, rev, Trigger::KillSwitch).await;
    let found = store.latch("a", 0, "release").await.unwrap().unwrap();
    assert_eq!((found.since_ms, found.trigger), (70, Trigger::KillSwitch));
}

#[tokio::test]
async fn steps_back_are_the_guards_and_a_latch_ends_their_count() {
    let dir = dir();
    let store = open(&dir).await;
    let canary = |percent: u16| {
        let percent = Percent::from_basis_points(percent * 100).unwrap();
        RouteState::INITIAL.at(Target::canary(percent), 0)
    };
    let mut rev = 0;
    let moves = [
        (10, canary(50), Trigger::Operator),
        (20, canary(25), Trigger::Guard),
        (30, canary(50), Trigger::Guard),
        (40, canary(25), Trigger::Operator),
        (50, at(Phase::Live), Trigger::Operator),
        (60, canary(50), Trigger::Guard),
        (70, at(Phase::Shadow), Trigger::Guard),
    ];
    for (at_ms, after, trigger) in moves {
        let new = revision(at_ms, vec![change("a", rev, after)]);
        rev = store.record(&NewRevision { trigger, ..new }).await.unwrap();
    }
    assert_eq!(store.steps_back("a", 0).await.unwrap(), [60, 20]);
    assert_eq!(store.steps_back("a", 21).await.unwrap(), [60]);
    assert_eq!(store.steps_back("b", 0).await.unwrap(), [0; 0]);
    latch(&store, 80, rev, Trigger::Guard).await;
    assert_eq!(store.steps_back("a", 0).await.unwrap(), [0; 0]);
}
