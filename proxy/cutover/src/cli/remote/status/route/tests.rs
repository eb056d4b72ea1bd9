use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

fn check(more: Value, expected: Expect) {
    let mut answer = json!({
        "route": "device-read", "at_ms": 1, "copies": { "taken": true }, "blocks": [],
    });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer: ParityAnswer = serde_json::from_value(answer).unwrap();
    expected.assert_eq(&lines(&answer).iter().map(|line| format!("{line}\n")).collect::<String>());
}

fn parity(more: Value) -> Value {
    let mut parity = json!({
        "since_ms": 0, "point": 0.999, "bound": 0.99423, "pairs": 500, "paths": 1,
        "counters": {
            "matches": 999, "mismatches": 1, "noisy": 9, "incomparable": {}, "dropped": {},
        },
        "outlook": { "target": 0.995, "state": "reached" },
        "coverage": { "share": 1.0, "seen": 2, "compared": 2, "missing": [], "overflow": false },
        "ln_threshold": 6.9, "regressions": [], "untestable": [], "noise": [], "basis": {},
        "history": [],
    });
    parity.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    parity
}

#[test]
fn a_healthy_candidate() {
    check(
        json!({
            "accounting": {
                "eligible": 1010, "compared": 1009, "matches": 999, "mismatches": 1, "noisy": 9,
                "incomparable": 0, "dropped": { "rate": 1 }, "open": 0,
            },
            "parity": parity(json!({
                "noise": [
                    { "path": "body.seen", "rate": 0.1, "pairs": 50, "kinds": {}, "known": ["value"] },
                    { "path": "body.once", "rate": 0.002, "pairs": 1, "kinds": {}, "known": [] },
                ],
                "latency": { "count": 9, "p50_ms": -0.31, "p95_ms": 1.0, "p99_ms": 12.25 },
            })),
        }),
        expect![[r#"
            parity    99.42 % at least: 999 of 1000 answered alike since 1970-01-01 00:00:00Z
            wanted    99.50 %: reached
            coverage  2 of 2 shapes of request
            noise     legacy differs from itself at body.seen (10.00 % of pairs)
            latency   new − legacy: p50 -0.3 ms, p95 +1.0 ms, p99 +12.2 ms
            copies    1010 = 1009 compared + 1 dropped (rate 1) + 0 under way, since the proxy started
        "#]],
    );
}

#[test]
fn what_stands_in_the_way() {
    check(
        json!({
            "parity": parity(json!({
                "outlook": {
                    "target": 0.995, "state": "ahead", "comparisons": 598, "seconds": 1196.0,
                },
                "coverage": {
                    "share": 0.5, "seen": 2, "compared": 1, "overflow": true,
                    "missing": ["GET /devices/{id}?expand 2xx"],
                },
                "history": [{
                    "since_ms": 0, "until_ms": 60_000, "cause": "rules", "basis": {},
                    "counters": {
                        "matches": 9, "mismatches": 1, "noisy": 0, "incomparable": {}, "dropped": {},
                    },
                    "bound": 0.6058, "pairs": 10, "regressions": [],
                }],
            })),
            "blocks": [
                { "code": "regression", "why": "new regressed at `body.name`" },
                { "code": "bound", "why": "told by `wanted`" },
                { "code": "coverage", "why": "1 of 2 shapes of request were compared, 90 % are wanted" },
            ],
        }),
        expect![[r#"
            parity    99.42 % at least: 999 of 1000 answered alike since 1970-01-01 00:00:00Z
            wanted    99.50 %: 598 more comparisons if all agree, 19m at today's rate
            coverage  1 of 2 shapes of request (it has more than are kept); not yet: GET /devices/{id}?expand 2xx
            before    60.58 % at least of 10, until the rules changed at 1970-01-01 00:01:00Z
            blocks    new regressed at `body.name`
                      1 of 2 shapes of request were compared, 90 % are wanted
            see       cutover diffs device-read
            mended    parity begins anew with the first answer that has another `Cutover-Build` field
        "#]],
    );
}

#[test]
fn what_could_not_be_judged() {
    let counters = |incomparable: Value| {
        json!({
            "matches": 600, "mismatches": 0, "noisy": 0, "incomparable": incomparable,
            "dropped": {},
        })
    };
    let outlook = json!({
        "target": 0.995, "state": "reached", "comparisons": 400, "seconds": 400.0,
    });
    check(
        json!({
            "parity": parity(json!({
                "counters": counters(json!({ "duplicate_key": 3, "limit": 1 })),
                "outlook": outlook,
            })),
        }),
        expect![[r#"
            parity    99.42 % at least: 600 of 600 answered alike since 1970-01-01 00:00:00Z
            wanted    99.50 %: reached, but 400 more comparisons are wanted, 6m at today's rate
            coverage  2 of 2 shapes of request
            unjudged  could not be compared: duplicate_key 3, limit 1
        "#]],
    );
    let why = "4 of 4 requests could not be judged, more than 5 %: duplicate_key 4";
    check(
        json!({
            "parity": parity(json!({
                "counters": counters(json!({ "duplicate_key": 4 })),
                "inconclusive": { "eligible": 4, "unjudged": 4 },
            })),
            "blocks": [{ "code": "inconclusive", "why": why }],
        }),
        expect![[r#"
            parity    99.42 % at least: 600 of 600 answered alike since 1970-01-01 00:00:00Z
            wanted    99.50 %: reached
            coverage  2 of 2 shapes of request
            blocks    4 of 4 requests could not be judged, more than 5 %: duplicate_key 4
        "#]],
    );
}

#[test]
fn nothing_known() {
    check(
        json!({
            "copies": { "taken": false, "code": "no_shadow", "why": "its file does not ask for copies" },
            "blocks": [{ "code": "no_copies", "why": "its file does not ask for copies" }],
        }),
        expect![[r#"
            parity  unknown: nothing was compared yet
            copies  its file does not ask for copies
        "#]],
    );
    let nothing = json!({
        "matches": 0, "mismatches": 0, "noisy": 0, "incomparable": {}, "dropped": {},
    });
    let coverage = json!({ "seen": 0, "compared": 0, "missing": [], "overflow": false });
    check(
        json!({ "parity": parity(json!({ "counters": nothing, "coverage": coverage })) }),
        expect![[r#"
            parity  unknown: nothing was compared yet
        "#]],
    );
    check(
        json!({
            "parity": parity(json!({
                "counters": nothing, "outlook": { "target": 0.995, "state": "below" },
            })),
        }),
        expect![[r#"
            parity    unknown: nothing was judged since 1970-01-01 00:00:00Z
            wanted    99.50 %: out of reach, waiting does not help
            coverage  2 of 2 shapes of request
        "#]],
    );
}
