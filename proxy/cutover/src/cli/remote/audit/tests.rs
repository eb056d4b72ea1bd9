use serde_json::json;

use super::*;

fn decision(kind: &str, document: Value) -> DecisionRow {
    DecisionRow {
        seq: 1,
        at_ms: 0,
        route: "read".into(),
        kind: kind.into(),
        actor: "guard".into(),
        document,
        hash: String::new(),
    }
}

fn told(kind: &str, document: Value) -> String {
    words(&decision(kind, document))
}

#[test]
fn the_route_is_named_where_there_may_be_several() {
    let decisions = [decision("release", json!({ "reason": "mended" }))];
    let of_one = "\
NO  WHEN                  WHAT     WHO    DECIDED
1   1970-01-01 00:00:00Z  release  guard  agreed to a release: mended";
    assert_eq!(listed(&decisions, true), of_one);
    let of_all = "\
NO  WHEN                  ROUTE  WHAT     WHO    DECIDED
1   1970-01-01 00:00:00Z  read   release  guard  agreed to a release: mended";
    assert_eq!(listed(&decisions, false), of_all);
}

#[test]
fn every_kind_has_its_words() {
    let gates = json!([
        { "gate": "burn", "outcome": "fail", "detail": "safe_phase" },
        { "gate": "parity", "outcome": "pass" },
    ]);
    let proposal =
        json!({ "step": "safe_phase", "target": { "phase": "shadow" }, "why": "20 in a row" });
    let to = json!({ "phase": "canary", "percent": 50.0 });
    let advance = json!({ "step": "advance", "target": to, "why": "all pass" });
    for (kind, document, expected) in [
        ("outcome", json!({ "gates": gates }), "burn: fail (safe_phase), parity: pass"),
        (
            "step",
            json!({ "gates": gates, "proposal": proposal, "effect": "safe_phase" }),
            "safe_phase (shadow): 20 in a row",
        ),
        (
            "step",
            json!({ "proposal": advance, "effect": "advance" }),
            "advance (canary 50 %): all pass",
        ),
        (
            "step",
            json!({ "proposal": { "step": "release", "why": "another build" }, "effect": "release" }),
            "release (stay): another build",
        ),
        (
            "stay",
            json!({ "gates": gates, "proposal": proposal, "effect": "none", "refused": "held" }),
            "safe_phase was not done: held",
        ),
        (
            "outcome",
            json!({ "gates": gates, "proposal": proposal, "effect": "none" }),
            "burn: fail (safe_phase), parity: pass",
        ),
        ("override", json!({ "gate": "gate x", "reason": "I know" }), "passed gate x: I know"),
        ("release", json!({ "reason": "mended" }), "agreed to a release: mended"),
        (
            "rehearsal",
            json!({ "percent": 1.0, "effective_ms": 12.4 }),
            "1.0 % there and back, in force after 12 ms",
        ),
        ("outcome", json!("no JSON of ours"), ""),
    ] {
        assert_eq!(told(kind, document), expected);
    }
}
