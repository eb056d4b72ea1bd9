use expect_test::expect;
use serde_json::json;

use super::*;

fn journey() -> JourneyRow {
    let row = json!({
        "name": "device-state", "starts": ["device-write", "device-command"],
        "ends": ["device-read"], "correlate": ["path:id", "answer:etag"],
        "within_ms": 2000, "lost_ms": 30000, "target": 0.99,
        "legacy": {
            "good": 1999, "late": 1, "lost": 0, "unseen": 70, "open": 2,
            "kept": 0.9995, "p50_ms": 31.4, "p95_ms": 212.9
        },
        "new": { "good": 0, "late": 0, "lost": 0, "unseen": 0, "open": 1 },
        "skipped": { "no_key": 3 }
    });
    serde_json::from_value(row).unwrap()
}

#[test]
fn a_list_for_people() {
    expect![[r#"
        JOURNEY       PROMISE                KEPT(L/N)  P95(L/N)  UNSEEN(L/N)  OPEN
        device-state  99.00% within 2000 ms  99.95%/-   213ms/-   70/0         3"#]]
    .assert_eq(&table_text(&list(&[journey()])));
}

#[test]
fn one_journey_side_by_side() {
    expect![[r#"
        device-state: device-write, device-command → device-read
        99.00% within 2000 ms, known by path:id and answer:etag, given up after 30000 ms

        SIDE    KEPT    GOOD  LATE  LOST  UNSEEN  OPEN  P50   P95
        legacy  99.95%  1999  1     0     70      2     31ms  213ms
        new     -       0     0     0     0       1     -     -"#]]
    .assert_eq(&text(&journey()));
}

#[test]
fn a_name_that_is_not_there() {
    let failure = unknown("device-stat", &[journey()]);
    assert_eq!(failure.hint.as_deref(), Some("did you mean `device-state`?"));
}
