use serde_json::json;

use super::*;

fn answer(more: serde_json::Value) -> String {
    let mut answer = json!({
        "route": "read", "phase": "canary", "at": { "phase": "canary", "percent": 5.0 },
        "revision": 3, "verdict": "waiting", "words": "parity needs 400 more comparisons",
        "automatic": true,
    });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    panel(&serde_json::from_value(answer).unwrap()).into_string()
}

fn look() -> serde_json::Value {
    json!({ "look": {
        "at_ms": 0,
        "gates": [
            { "gate": "burn", "required": true, "outcome": "pass", "facts": [
                { "name": "burn over 1 h", "value": "0.3", "limit": "at most 14.4" },
            ] },
            { "gate": "parity", "required": false, "outcome": "inconclusive",
              "detail": "comparisons", "why": "`read` <needs> more" },
        ],
        "obstacles": [
            { "code": "taken_back", "gate": "parity", "why": "parity would take the route back: slow" },
            { "code": "dwell", "why": "12 more minutes" },
        ],
        "dwelt": { "passed_ms": 60_000, "needed_ms": 1_800_000, "requests": 7, "needed_requests": 1_000 },
        "blind": false,
        "proposal": { "step": "step_back", "target": { "phase": "canary", "percent": 1.0 }, "why": "slow" },
    } })
}

#[test]
fn each_gate_comes_with_its_value_and_limit() {
    let html = answer(look());
    for part in [
        "<span class=\"mark warn\">waiting</span> Parity needs 400 more comparisons.",
        "<span class=\"mark ok\">pass</span>",
        "burn over 1 h <strong>0.3</strong><span class=\"muted\"> (at most 14.4)</span>",
        "inconclusive</span> <span class=\"muted\">comparisons</span>",
        "(not required)",
        "<code>read</code> &lt;needs&gt; more",
        "60s of 30m, 7 of 1000 requests",
        "taken back</span> parity would take the route back: slow",
        "12 more minutes",
        "<strong>step back</strong> to canary 1 %: slow",
        "It goes forward by itself.",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn a_latch_tells_its_build_and_who_asked_for_its_release() {
    let held = json!({ "held": {
        "cause": "burn: 14.4 times the budget", "build": "b7", "by_gates": true, "asked": ["ann"],
    } });
    let html = answer(held);
    assert!(html.contains("for build <code>b7</code>: burn: 14.4 times the budget"), "{html}");
    assert!(html.contains("Release asked for by ann"), "{html}");
    assert!(!html.contains("<table"), "nothing was looked at");
}

#[test]
fn a_failing_gate_that_no_step_waits_for_says_what_it_asks_for() {
    let told = |gate: &str, required: bool, detail: &str| {
        let row =
            json!({ "gate": gate, "required": required, "outcome": "fail", "detail": detail });
        line(&serde_json::from_value(row).unwrap()).into_string()
    };
    let back = told("burn", false, "safe_phase");
    assert!(back.contains("(not required)") && back.contains("the way back"), "{back}");
    assert!(back.contains("<span class=\"muted\">safe phase</span>"), "{back}");
    assert!(told("latency", false, "step_back").contains("one step back"));
    assert!(told("burn", false, "freeze").contains("nothing goes forward by itself"));
    for quiet in [told("burn", true, "safe_phase"), told("observability", false, "freeze")] {
        assert!(!quiet.contains("No step waits"), "{quiet}");
    }
}
