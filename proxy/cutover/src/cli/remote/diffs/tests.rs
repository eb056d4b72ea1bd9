use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::cli::output::table_text;

fn args(path: Option<&str>) -> Diffs {
    let path = path.map(str::to_owned);
    Diffs {
        route: "device-read".into(),
        path,
        limit: None,
        sample: None,
        export: None,
        exit_code: false,
    }
}

fn answer(more: Value) -> DiffsAnswer {
    let mut answer = json!({
        "route": "device-read", "at_ms": 1, "copies": { "taken": true },
        "clusters": [], "clusters_total": 0, "noise": [],
    });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(answer).unwrap()
}

fn rule(more: Value) -> RuleRow {
    let mut rule = json!({ "path": "body.x", "reason": "r" });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(rule).unwrap()
}

fn differing() -> DiffsAnswer {
    let sample = |id: &str| {
        json!({
            "id": id, "at_ms": 1, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "copy_trace_id": "0af7651916cd43dd8448eb211c80319c", "shape": "GET /devices/{id} 2xx",
        })
    };
    let shape = json!({
        "rule": { "path": "body.seen", "reason": "r", "shape": "rfc3339" }, "why": "w",
    });
    answer(json!({
        "bound": 0.85584, "since_ms": 0, "clusters_total": 3,
        "clusters": [
            {
                "path": "body.name", "kind": "value", "values": "text→text", "count": 40,
                "share": 0.11111, "excess": 40, "standing": "regression",
                "samples": [sample("1"), sample("2"), sample("3"), sample("4")],
            },
            {
                "path": "body.seen", "kind": "value", "values": "rfc3339→rfc3339", "count": 9,
                "share": 0.025, "excess": -2, "standing": "noise", "samples": [],
                "suggestion": shape,
            },
        ],
        "noise": [{
            "path": "body.seen", "rate": 0.2, "pairs": 80, "kinds": { "value": 80, "type": 1 },
            "known": ["value"], "suggestion": shape,
        }],
    }))
}

#[test]
fn clusters_for_people() {
    let answer = differing();
    expect![[r#"
        PATH       KIND   VALUES           COUNT   SHARE  EXCESS  STANDING    RULE           TRACE
        body.name  value  text→text           40  11.11%     +40  regression  -              4bf92f3577b34da6a3ce929d0e0e4736
        body.seen  value  rfc3339→rfc3339      9   2.50%      -2  noise       shape rfc3339  -
    "#]].assert_eq(&format!("{}\n", table_text(&clusters(&answer.clusters, Output::Table))));
    expect![[r#"
        PATH       KIND   VALUES           COUNT   SHARE  EXCESS  STANDING    RULE           TRACE                             SAMPLES     SHAPE
        body.name  value  text→text           40  11.11%     +40  regression  -              4bf92f3577b34da6a3ce929d0e0e4736  1,2,3 (+1)  GET /devices/{id} 2xx
        body.seen  value  rfc3339→rfc3339      9   2.50%      -2  noise       shape rfc3339  -                                             -
    "#]].assert_eq(&format!("{}\n", table_text(&clusters(&answer.clusters, Output::Wide))));
    let noise: Vec<&NoiseRow> = answer.noise.iter().collect();
    expect![[r#"
        PATH       KINDS       PAIRS    RATE  RULE
        body.seen  type,value     80  20.00%  shape rfc3339
    "#]]
    .assert_eq(&format!("{}\n", table_text(&noises(&noise))));
    expect![[r#"
        showing 2 of 3, since 1970-01-01 00:00:00Z; parity is 85.58 % at least
        accept a rule: cutover tolerate device-read 'body.seen'"#]]
    .assert_eq(&talk(&args(None), &answer).join("\n"));
}

#[test]
fn files_are_complete_unless_somebody_limits_them() {
    let asked = |limit, export: Option<&str>| {
        limit_of(&Diffs { limit, export: export.map(Into::into), ..args(None) })
    };
    assert_eq!((asked(None, None), asked(None, Some("found"))), (20, 200));
    assert_eq!((asked(Some(7), None), asked(Some(7), Some("found"))), (7, 7));
}

#[test]
fn an_export_says_what_it_left_out() {
    fn check(diffs: Value, expected: Expect) {
        let dir = tempfile::tempdir().unwrap();
        let samples: SamplesAnswer = serde_json::from_value(exported()).unwrap();
        let said = tell_of(|io| export::write(dir.path(), &answer(diffs), &samples, io).unwrap());
        expected.assert_eq(&said.replace(&dir.path().display().to_string(), "DIR"));
        assert!(dir.path().join("001-body.name-value/1.json").exists());
        assert!(!dir.path().join("001-body.name-value/2.json").exists());
    }
    let cluster = |path: &str| {
        json!({
            "path": path, "kind": "value", "values": "text→text", "count": 1, "share": 0.1,
            "excess": 1, "standing": "suspect", "samples": [],
        })
    };
    check(
        json!({ "clusters": [cluster("body.name")], "clusters_total": 4 }),
        expect![[r#"
            wrote 1 sample of 1 of 4 clusters below DIR
            1 of 1 requests are kept whole enough to be sent again
        "#]],
    );
    check(
        json!({ "clusters": [cluster("body.name"), cluster("body.x")], "clusters_total": 2 }),
        expect![[r#"
            wrote 2 samples of 2 clusters below DIR
            1 of 2 requests are kept whole enough to be sent again
        "#]],
    );
}

/// Two samples, one for each of two clusters.
fn exported() -> Value {
    let sample = |id: &str, path: &str, more: Value| {
        let mut sample = json!({
            "id": id, "at_ms": 1, "trace_id": "ab", "copy_trace_id": "cd", "shape": "GET / 2xx",
            "clusters": [{ "path": path, "kind": "value", "values": "text→text" }],
            "document": {},
        });
        sample.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sample
    };
    let request = json!({
        "request": {
            "method": "GET", "target": "/", "headers": [], "headers_left_out": [], "body": "",
        },
    });
    let samples = [sample("1", "body.name", request), sample("2", "body.x", json!({}))];
    json!({ "route": "device-read", "samples": samples, "samples_total": 2 })
}

/// What is told by `work`.
fn tell_of(work: impl FnOnce(&mut Io<'_>)) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    work(&mut Io {
        out: &mut out,
        err: &mut err,
        input: &mut "".as_bytes(),
        out_is_terminal: false,
        err_is_terminal: false,
        input_is_terminal: false,
        environment: crate::config::Environment::default(),
    });
    String::from_utf8(err).unwrap()
}

#[test]
fn samples_of_other_rules_or_builds_are_marked() {
    fn check(older: &[bool], expected: Expect) {
        let sample = |(id, older): (usize, &bool)| {
            json!({
                "id": format!("{id}"), "at_ms": 1, "trace_id": "ab", "copy_trace_id": "cd",
                "shape": "GET / 2xx", "older": older,
            })
        };
        let samples: Vec<Value> = older.iter().enumerate().map(sample).collect();
        let row = json!({
            "path": "body.a", "kind": "value", "values": "text→text", "count": 1, "share": 0.1,
            "excess": 1, "standing": "suspect", "samples": samples,
        });
        let row: ClusterRow = serde_json::from_value(row).unwrap();
        let table = table_text(&clusters(std::slice::from_ref(&row), Output::Table));
        let trace = if table.trim_end().ends_with("ab") { "trace ab" } else { "no trace" };
        expected.assert_eq(&format!("{}; {trace}", ids(&row)));
    }
    check(&[false, false, true], expect!["0,1 (1 older); trace ab"]);
    check(&[false, false, false, false, true, true], expect!["0,1,2 (+1, 2 older); trace ab"]);
    check(&[true, true, true, true], expect!["0,1,2 (+1, older); no trace"]);
}

#[test]
fn nothing_says_what_is_going_on() {
    fn check(path: Option<&str>, more: Value, expected: Expect) {
        expected.assert_eq(&nothing(&args(path), &answer(more)));
    }
    let accounting = |eligible: u64, compared: u64, dropped: Value, open: u64| {
        json!({
            "eligible": eligible, "compared": compared, "matches": compared, "mismatches": 0,
            "noisy": 0, "incomparable": 0, "dropped": dropped, "open": open,
        })
    };
    let off =
        json!({ "taken": false, "code": "phase", "why": "nothing is copied in phase `legacy`" });
    check(
        None,
        json!({ "copies": off }),
        expect!["no differences: nothing is copied in phase `legacy`"],
    );
    check(
        None,
        json!({}),
        expect!["no differences: no request of this route came yet since the proxy started"],
    );
    check(
        None,
        json!({ "accounting": accounting(0, 0, json!({}), 0) }),
        expect!["no differences: no request of this route came yet since the proxy started"],
    );
    check(
        None,
        json!({ "accounting": accounting(1, 0, json!({}), 1) }),
        expect!["no differences: none of 1 copy (1 under way) was compared yet"],
    );
    let dropped = json!({ "rate": 8, "breaker": 1 });
    check(
        None,
        json!({ "accounting": accounting(12, 0, dropped, 3) }),
        expect![
            "no differences: none of 12 copies (3 under way, 9 dropped: breaker 1, rate 8) was compared yet"
        ],
    );
    let compared = accounting(598, 598, json!({}), 0);
    check(
        None,
        json!({ "accounting": compared, "judged": 598, "bound": 0.99499 }),
        expect!["no differences in 598 comparisons; parity is 99.49 % at least"],
    );
    check(
        Some("body.x"),
        json!({ "accounting": compared, "judged": 598 }),
        expect!["no differences at `body.x` in 598 comparisons"],
    );
    check(
        None,
        json!({ "accounting": compared, "judged": 598, "bound": 0.99499, "copies": off }),
        expect!["no differences in 598 comparisons; parity is 99.49 % at least"],
    );
}

#[test]
fn what_could_not_be_judged_is_told() {
    let unjudged = json!({ "duplicate_key": 3, "breaker": 1 });
    let nothing_judged = answer(json!({ "unjudged": unjudged, "judged": 0 }));
    expect!["no differences: none of 4 requests could be judged (breaker 1, duplicate_key 3)"]
        .assert_eq(&nothing(&args(None), &nothing_judged));
    assert!(talk(&args(None), &nothing_judged).is_empty(), "it is said already");
    let some_judged = answer(json!({ "unjudged": unjudged, "judged": 20 }));
    expect!["no differences in 20 comparisons"].assert_eq(&nothing(&args(None), &some_judged));
    expect!["4 more requests could not be judged: breaker 1, duplicate_key 3"]
        .assert_eq(&talk(&args(None), &some_judged).join("\n"));
}

#[test]
fn what_was_kept_counts_after_a_restart() {
    let kept = answer(json!({ "judged": 60, "bound": 0.95129, "since_ms": 0 }));
    expect!["no differences in 60 comparisons; parity is 95.12 % at least"]
        .assert_eq(&nothing(&args(None), &kept));
    let accounting = json!({
        "eligible": 9, "compared": 9, "matches": 9, "mismatches": 0, "noisy": 0,
        "incomparable": 0, "dropped": {}, "open": 0,
    });
    let begun_anew = answer(json!({ "accounting": accounting, "judged": 0, "since_ms": 0 }));
    expect!["no differences: nothing was judged since 1970-01-01 00:00:00Z"]
        .assert_eq(&nothing(&args(None), &begun_anew));
}

#[test]
fn rules_in_a_few_words() {
    for (keys, expected) in [
        (json!({ "ignore": [] }), "ignore"),
        (json!({ "ignore": ["value", "order"] }), "ignore value,order"),
        (json!({ "tolerate": { "order": true } }), "order"),
        (json!({ "tolerate": { "extra": true } }), "extra"),
        (json!({ "tolerate": { "number": "0.01" } }), "number ±0.01"),
        (json!({ "tolerate": { "time_ms": 5 } }), "time ±5 ms"),
        (json!({ "unordered_by": "id" }), "unordered by id"),
        (json!({ "unordered_by": "" }), "unordered"),
        (json!({ "shape": "uuid" }), "shape uuid"),
        (json!({ "renamed": "ids" }), "renamed ids"),
        (json!({ "normalise": ["trim", "origin"] }), "normalise trim,origin"),
        (json!({ "compare": true }), "compare"),
    ] {
        assert_eq!(words(&rule(keys)), expected);
    }
}
