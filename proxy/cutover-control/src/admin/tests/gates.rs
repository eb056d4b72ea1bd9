//! Gates, asked over real connections.

use cutover_domain::{Held, Phase, Target};
use cutover_store::Trigger;

use super::*;
use crate::{
    api::{
        AuditAnswer, GateAnswer, GateVerdict, ReadinessAnswer, ReadinessState, RehearsalAnswer,
        VerifyAnswer,
    },
    truth::{
        Author,
        moves::{Action, MoveAsk, Scope},
    },
};

const HOUR_MS: u64 = 60 * 60_000;

impl Rig {
    /// Starts to look, every 50 ms.
    fn look(&self) -> crate::Evaluator {
        crate::Evaluator::start(crate::EvaluatorParts {
            controller: self.controller.clone(),
            live: Arc::new(Still),
            comparisons: Some(Arc::new(parity::Seeing)),
            gates: self.gates.clone(),
        })
    }

    async fn looked(&self) {
        let mut looks = self.gates.looks();
        looks.mark_unchanged();
        looks.changed().await.unwrap();
        looks.changed().await.unwrap();
    }

    /// What gates do on their own.
    async fn take_back(&self, route: &str) {
        let held = Held { cause: "burn: too fast".into(), build: Some("b1".into()) };
        let ask = MoveAsk {
            scope: Scope::Route(route.into()),
            action: Action::TakeBack { to: Target::phase(Phase::Shadow), held },
            expect: None,
            reason: "burn: too fast".into(),
            author: Author::guard(),
            trigger: Trigger::Guard,
        };
        self.controller.move_routes(ask).await.unwrap();
    }

    async fn audit(&self, kind: &str) -> Vec<crate::api::DecisionRow> {
        let got = self.get("/api/v1/audit?limit=1000").await;
        let answer: AuditAnswer = serde_json::from_str(&got.body).unwrap();
        answer.decisions.into_iter().filter(|decision| decision.kind == kind).collect()
    }

    /// Waits for a record of this kind.
    async fn recorded(&self, kind: &str) -> crate::api::DecisionRow {
        for _ in 0..500 {
            if let Some(found) = self.audit(kind).await.into_iter().next() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no decision of kind {kind}");
    }
}

fn because(reason: &str) -> Value {
    json!({ "reason": reason })
}

fn later(rig: &Rig, by_ms: u64) {
    rig.house.now_ms.fetch_add(by_ms, Ordering::Relaxed);
}

#[tokio::test]
async fn a_latch_of_gates_stays_for_the_cool_down() {
    let rig = Rig::new("read shadow\n other shadow").await;
    rig.take_back("read").await;
    let release = "/api/v1/routes/read/release";
    let got = rig.post(release, "migrator", because("mended")).await;
    assert_eq!((got.status, got.code().as_str()), (409, "cooling_down"), "{}", got.body);
    assert!(got.body.contains("its latch stays for 1800 s more"), "{}", got.body);
    let gate = rig.get("/api/v1/routes/read/gate").await;
    let gate: GateAnswer = serde_json::from_str(&gate.body).unwrap();
    assert_eq!(gate.verdict, GateVerdict::Fail);
    let held = gate.held.unwrap();
    assert_eq!((held.by_gates, held.build.as_deref()), (true, Some("b1")));
    later(&rig, HOUR_MS / 2);
    assert_eq!(rig.post(release, "migrator", because("mended")).await.status, 200);
    rig.end().await;
}

#[tokio::test]
async fn a_persons_latch_is_released_at_once() {
    let rig = Rig::new("read shadow").await;
    rig.post("/api/v1/routes/read/hold", "operator", because("freeze")).await;
    let got = rig.post("/api/v1/routes/read/release", "migrator", because("over")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn holding_a_route_that_gates_took_back_is_no_way_around_the_cool_down() {
    let rig = Rig::new("read shadow").await;
    rig.take_back("read").await;
    rig.post("/api/v1/routes/read/hold", "operator", because("mine now")).await;
    let got = rig.post("/api/v1/routes/read/release", "migrator", because("over")).await;
    assert_eq!((got.status, got.code().as_str()), (409, "cooling_down"), "{}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn after_two_rollbacks_within_a_day_two_persons_must_agree() {
    let rig = Rig::new("read shadow").await;
    let release = "/api/v1/routes/read/release";
    for _ in 0..2 {
        later(&rig, HOUR_MS);
        rig.take_back("read").await;
        later(&rig, HOUR_MS);
        let got = rig.post(release, "migrator", because("mended")).await;
        if got.status == 409 {
            assert_eq!(got.code(), "needs_second", "{}", got.body);
        }
    }
    let again = rig.post(release, "migrator", because("really")).await;
    assert_eq!(again.code(), "needs_second", "the same person twice is one person");
    let asked = rig.recorded("release").await;
    assert_eq!((asked.actor.as_str(), asked.route.as_str()), ("migrator", "read"));
    let got = rig.post(release, "approver", because("I looked, too")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn rollbacks_of_the_day_before_do_not_count() {
    let rig = Rig::new("read shadow").await;
    let release = "/api/v1/routes/read/release";
    rig.take_back("read").await;
    later(&rig, HOUR_MS);
    assert_eq!(rig.post(release, "migrator", because("x")).await.status, 200);
    later(&rig, 24 * HOUR_MS);
    rig.take_back("read").await;
    later(&rig, HOUR_MS);
    assert_eq!(rig.post(release, "migrator", because("x")).await.status, 200);
    rig.end().await;
}

#[tokio::test]
async fn gates_refuse_a_person_unless_forced_and_that_is_recorded() {
    let rig = Rig::new("read shadow gated promised").await;
    let promote = "/api/v1/routes/read/promote";
    let got = rig.post(promote, "migrator", because("go")).await;
    assert_eq!(got.code(), "gate_closed", "{}", got.body);
    assert!(got.body.contains("have not been judged lately"), "{}", got.body);

    let evaluator = rig.look();
    rig.looked().await;
    let got = rig.post(promote, "migrator", because("go")).await;
    assert_eq!(got.code(), "gate_closed", "{}", got.body);
    assert!(got.body.contains("does not pass"), "{}", got.body);
    let status = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(status["route"]["gate"]["code"], "gate_closed", "{status}");

    let forced = json!({ "reason": "I know", "force": true });
    let got = rig.post(promote, "approver", forced).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let found = rig.recorded("override").await;
    assert_eq!((found.actor.as_str(), &found.document["reason"]), ("approver", &json!("I know")));
    assert!(found.document["gate"].as_str().unwrap().contains("does not pass"), "{found:?}");

    let verified = rig.get("/api/v1/audit/verify").await;
    let verified: VerifyAnswer = serde_json::from_str(&verified.body).unwrap();
    assert!(verified.sound && verified.records > 0, "{verified:?}");
    evaluator.end().await;
    rig.end().await;
}

#[tokio::test]
async fn a_step_that_would_be_taken_back_is_refused_though_no_gate_is_required() {
    let rig = Rig::new("read shadow copied promised").await;
    let evaluator = rig.look();
    rig.looked().await;
    let gate = rig.get("/api/v1/routes/read/gate").await;
    let gate: GateAnswer = serde_json::from_str(&gate.body).unwrap();
    assert_eq!(gate.verdict, GateVerdict::Fail, "{gate:?}");
    let why = "parity would take the route back: fail: new differs from legacy at `body.name`";
    assert_eq!(gate.words, why);
    let obstacle = &gate.look.unwrap().obstacles[0];
    assert_eq!((obstacle.code.as_str(), obstacle.gate.as_deref()), ("taken_back", Some("parity")));
    let got = rig.post("/api/v1/routes/read/promote", "migrator", because("go")).await;
    assert_eq!(got.code(), "gate_closed", "{}", got.body);
    assert!(got.body.contains("gate `parity` would take the route back"), "{}", got.body);
    let status = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(status["route"]["gate"]["code"], "gate_closed", "{status}");
    assert_eq!(status["route"]["phase"], "shadow", "{status}");
    evaluator.end().await;
    rig.end().await;
}

/// A process that starts anew knows how often the ones before it took the route back.
#[tokio::test]
async fn the_third_step_back_is_latched_though_nobody_remembers_the_others() {
    let rig = Rig::new("read canary 100 copied promised").await;
    for expected in ["canary 50", "canary 25", "legacy 0"] {
        let mut tables = rig.controller.tables();
        let evaluator = rig.look();
        let is_there = |table: &Arc<cutover_domain::RouteTable>| {
            let state = table.route("read").unwrap().1.state.clone();
            format!("{} {}", state.phase, state.percent) == expected
        };
        let patience = std::time::Duration::from_secs(10);
        let arrived = tokio::time::timeout(patience, tables.wait_for(is_there)).await;
        let status = rig.get("/api/v1/routes/read").await.json();
        assert!(arrived.is_ok(), "it never came to {expected}: {status}");
        evaluator.end().await;
    }
    let gate = rig.get("/api/v1/routes/read/gate").await;
    let gate: GateAnswer = serde_json::from_str(&gate.body).unwrap();
    let held = gate.held.expect("it is held");
    assert!(held.by_gates && held.rollbacks_ms.len() == 1, "{held:?}");
    let why = "within 24 hours it was taken back 2 times";
    assert!(held.cause.starts_with("parity: ") && held.cause.ends_with(why), "{held:?}");
    rig.end().await;
}

#[tokio::test]
async fn gates_of_a_route_that_a_group_does_not_move_refuse_nothing() {
    let rig = Rig::new("ahead shadow gated\n behind legacy").await;
    let got = rig.post("/api/v1/routes/group:devices/promote", "migrator", because("go")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let got = rig.post("/api/v1/routes/group:devices/promote", "migrator", because("go")).await;
    assert_eq!(got.code(), "gate_closed", "now it would: {}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn what_gates_say_is_shown_with_what_it_rests_on() {
    let rig = Rig::new("read shadow gated promised\n free shadow").await;
    let evaluator = rig.look();
    rig.looked().await;
    let gate = rig.get("/api/v1/routes/read/gate").await;
    let gate: GateAnswer = serde_json::from_str(&gate.body).unwrap();
    assert_ne!(gate.verdict, GateVerdict::Pass, "{gate:?}");
    let look = gate.look.expect("it was looked at");
    assert!(look.gates.iter().any(|gate| gate.gate == "observability" && gate.required));
    assert!(look.obstacles.iter().any(|obstacle| !obstacle.why.is_empty()), "{look:?}");
    let free = rig.get("/api/v1/routes/free/gate").await;
    let free: GateAnswer = serde_json::from_str(&free.body).unwrap();
    assert_eq!((free.verdict, free.look.is_none()), (GateVerdict::Pass, true));
    let text = rig.get("/metrics").await.body;
    let line = "cutover_gate_state{cutover_route=\"read\",gate=\"observability\"}";
    assert!(text.contains(line) && text.contains("cutover_gate_evaluations_total"), "{text}");
    assert_eq!(rig.get("/api/v1/routes/nowhere/gate").await.code(), "unknown_route");
    evaluator.end().await;
    rig.end().await;
}

#[tokio::test]
async fn a_rehearsal_goes_there_and_back_and_counts_for_readiness() {
    let rig = Rig::new("read shadow promised").await;
    let unrehearsed = readiness(&rig).await;
    assert_eq!(unrehearsed, ReadinessState::Unmet);
    let body = json!({ "reason": "weekly", "percent": 1, "seconds": 1 });
    let got = rig.post("/api/v1/routes/read/rehearse", "migrator", body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let answer: RehearsalAnswer = serde_json::from_str(&got.body).unwrap();
    assert!(answer.back > answer.there, "{answer:?}");
    assert!(answer.effective_ms < 5_000.0, "{answer:?}");
    let status = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(status["route"]["phase"], "shadow", "{status}");
    let evaluator = rig.look();
    rig.recorded("rehearsal").await;
    assert_eq!(readiness(&rig).await, ReadinessState::Met);
    let outcome = cutover_store::NewDecision {
        at_ms: 1,
        route: "read".into(),
        kind: "outcome".into(),
        actor: "guard".into(),
        document: "{}".into(),
    };
    rig.controller.store().unwrap().append(&vec![outcome; 1_000], None).await.unwrap();
    assert_eq!(readiness(&rig).await, ReadinessState::Met, "however much was decided since");
    later(&rig, 8 * 24 * HOUR_MS);
    assert_eq!(readiness(&rig).await, ReadinessState::Stale);
    evaluator.end().await;
    rig.end().await;
}

async fn readiness(rig: &Rig) -> ReadinessState {
    let got = rig.get("/api/v1/routes/read/ready").await;
    let answer: ReadinessAnswer = serde_json::from_str(&got.body).unwrap();
    assert!((0.0..1.0).contains(&answer.score) && !answer.ready, "{answer:?}");
    let row = answer.checks.iter().find(|row| row.check == "rollback rehearsed").unwrap();
    row.state
}

#[tokio::test]
async fn readiness_tells_how_many_paths_are_wrong() {
    let rig = Rig::new("read shadow copied").await;
    let got = rig.get("/api/v1/routes/read/ready").await;
    let answer: ReadinessAnswer = serde_json::from_str(&got.body).unwrap();
    let row = answer.checks.iter().find(|row| row.check == "no regression").unwrap();
    assert_eq!((row.state, &*row.words), (ReadinessState::Unmet, "1 path: `cutover diffs read`"));
    rig.end().await;
}

#[tokio::test]
async fn a_rehearsal_that_may_not_be_is_refused() {
    let rig = Rig::new("read shadow\n canary canary 5\n gated shadow gated").await;
    let ask = async |route: &str, percent: f64, seconds: u64| {
        let body = json!({ "reason": "x", "percent": percent, "seconds": seconds });
        let path = format!("/api/v1/routes/{route}/rehearse");
        rig.post(&path, "migrator", body).await.code()
    };
    assert_eq!(ask("canary", 1.0, 1).await, "rehearsing");
    assert_eq!(ask("gated", 1.0, 1).await, "gate_closed");
    assert_eq!(ask("read", 0.0, 1).await, "bad_percent");
    assert_eq!(ask("read", 6.0, 1).await, "bad_percent");
    assert_eq!(ask("read", 1.0, 0).await, "bad_request");
    assert_eq!(ask("read", 1.0, 61).await, "bad_request");
    rig.post("/api/v1/routes/read/hold", "operator", because("freeze")).await;
    assert_eq!(ask("read", 1.0, 1).await, "rehearsing");
    rig.end().await;
}

#[tokio::test]
async fn a_rehearsal_that_someone_ends_is_cut_short() {
    let rig = Rig::new("read shadow").await;
    let body = json!({ "reason": "x", "percent": 1, "seconds": 30 });
    let rehearsing = rig.post("/api/v1/routes/read/rehearse", "migrator", body.clone());
    let rolling_back = async {
        let mut tables = rig.controller.tables();
        let serves = |table: &Arc<cutover_domain::RouteTable>| {
            table.route("read").unwrap().1.state.phase == Phase::Canary
        };
        tables.wait_for(serves).await.unwrap();
        let second = rig.post("/api/v1/routes/read/rehearse", "migrator", body.clone()).await;
        assert_eq!(second.code(), "rehearsing");
        rig.post("/api/v1/routes/read/rollback", "operator", because("enough")).await
    };
    let (got, _) = tokio::join!(rehearsing, rolling_back);
    assert_eq!((got.status, got.code().as_str()), (409, "stale_revision"), "{}", got.body);
    let status = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(status["route"]["phase"], "shadow");
    rig.end().await;
}

#[tokio::test]
async fn a_hold_brings_the_cohort_of_a_rehearsal_back() {
    let rig = Rig::new("read shadow").await;
    let body = json!({ "reason": "x", "percent": 1, "seconds": 30 });
    let rehearsing = rig.post("/api/v1/routes/read/rehearse", "migrator", body);
    let holding = async {
        let mut tables = rig.controller.tables();
        let serves = |table: &Arc<cutover_domain::RouteTable>| {
            table.route("read").unwrap().1.state.phase == Phase::Canary
        };
        tables.wait_for(serves).await.unwrap();
        rig.post("/api/v1/routes/read/hold", "operator", because("worried")).await
    };
    let (got, held) = tokio::join!(rehearsing, holding);
    assert_eq!((got.status, held.status), (200, 200), "{}", got.body);
    let status = rig.get("/api/v1/routes/read").await.json();
    let route = &status["route"];
    assert_eq!((route["phase"].as_str(), route["held"].is_null()), (Some("shadow"), false));
    rig.end().await;
}

/// The first move of a rehearsal of `read`, whoever makes it.
async fn send_to_new(rig: &Rig) {
    let ask = MoveAsk {
        scope: Scope::Route("read".into()),
        action: Action::Promote { to: Some(Phase::Canary), percent: None, force: false },
        expect: None,
        reason: "rehearsal: weekly".into(),
        author: Author::token("ann", Role::Migrator),
        trigger: Trigger::Operator,
    };
    rig.controller.move_routes(ask).await.unwrap();
}

#[tokio::test]
async fn what_a_dead_process_left_there_is_brought_back() {
    let rig = Rig::new("read shadow\n other canary 5").await;
    send_to_new(&rig).await;
    let evaluator = rig.look();
    rig.looked().await;
    let table = rig.controller.tables().borrow().clone();
    assert_eq!(table.route("read").unwrap().1.state.phase, Phase::Shadow);
    assert_eq!(table.route("other").unwrap().1.state.phase, Phase::Canary, "no rehearsal");
    evaluator.end().await;
    rig.end().await;
}

#[tokio::test]
async fn what_was_left_there_is_brought_back_once_the_store_tells_of_it() {
    let mut rig = Rig::new("read shadow").await;
    send_to_new(&rig).await;
    rig.controller.stop().await;
    let (place, elsewhere) = (rig.house.path("cutover.db"), rig.house.path("elsewhere.db"));
    fs::rename(&place, &elsewhere).unwrap();
    fs::create_dir(&place).unwrap();
    rig.controller = rig.house.start().await;
    let evaluator = rig.look();
    rig.looked().await;
    let mut tables = rig.controller.tables();
    let read = |table: &Arc<cutover_domain::RouteTable>| table.route("read").unwrap().1.state.phase;
    assert_eq!(read(&tables.borrow().clone()), Phase::Canary, "nobody knows why it is there");
    fs::remove_dir(&place).unwrap();
    fs::rename(&elsewhere, &place).unwrap();
    let back = tables.wait_for(|table| read(table) == Phase::Shadow);
    tokio::time::timeout(std::time::Duration::from_secs(20), back).await.unwrap().unwrap();
    evaluator.end().await;
    rig.end().await;
}

#[tokio::test]
async fn a_rehearsal_under_way_is_not_taken_for_one_that_was_left() {
    let rig = Rig::new("read shadow").await;
    let turn = rig.gates.rehearse("read").unwrap();
    assert!(rig.gates.rehearse("read").is_none(), "one at a time");
    send_to_new(&rig).await;
    let evaluator = rig.look();
    rig.looked().await;
    let table = rig.controller.tables().borrow().clone();
    assert_eq!(table.route("read").unwrap().1.state.phase, Phase::Canary);
    drop(turn);
    rig.looked().await;
    let table = rig.controller.tables().borrow().clone();
    assert_eq!(table.route("read").unwrap().1.state.phase, Phase::Canary, "once in a process");
    evaluator.end().await;
    rig.end().await;
}

#[tokio::test]
async fn a_chain_that_was_cut_is_noticed_however_much_is_written_on_it() {
    let (rig, cut) = (Rig::new("read shadow").await, Rig::new("read shadow").await);
    let decision = |at_ms| cutover_store::NewDecision {
        at_ms,
        route: "read".into(),
        kind: "release".into(),
        actor: "ann".into(),
        document: "{}".into(),
    };
    for at_ms in 0..3 {
        rig.gates.record_now(&rig.controller, decision(at_ms)).await.unwrap();
    }
    let known = rig.gates.anchor().unwrap();
    assert_eq!(known.seq, 3);
    // The same process, on a file whose newest records are gone.
    for at_ms in 10..15 {
        rig.gates.record_now(&cut.controller, decision(at_ms)).await.unwrap();
    }
    assert_eq!(rig.gates.anchor(), Some(known));
    let verified = cut.controller.store().unwrap().verify(Some(known)).await.unwrap();
    assert_eq!(verified.broken.map(|broken| broken.seq), Some(3));
    rig.end().await;
    cut.end().await;
}

#[tokio::test]
async fn a_record_that_is_too_long_costs_no_other() {
    let rig = Rig::new("read shadow").await;
    let decision = |kind: &str, bytes: usize| cutover_store::NewDecision {
        at_ms: 1,
        route: "read".into(),
        kind: kind.into(),
        actor: "guard".into(),
        document: format!("\"{}\"", "x".repeat(bytes)),
    };
    for (kind, bytes) in [("outcome", 1), ("stay", cutover_store::DECISION_BYTES_MAX), ("step", 1)]
    {
        rig.gates.record(decision(kind, bytes));
    }
    let evaluator = rig.look();
    rig.recorded("step").await;
    rig.recorded("outcome").await;
    assert!(rig.audit("stay").await.is_empty());
    assert!(rig.get("/metrics").await.body.contains("cutover_decisions_dropped_total 1"));
    evaluator.end().await;
    rig.end().await;
}
