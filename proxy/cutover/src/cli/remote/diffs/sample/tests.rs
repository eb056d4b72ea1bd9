use expect_test::expect;
use serde_json::{Value, json};

use super::*;
use crate::cli::output::table_text;

fn document() -> Value {
    let answer = |name: &str, length: &str, tags: Value| {
        json!({
            "status": 200, "headers": { "content-length": length, "content-type": "text 16 #a" },
            "body": { "json": { "id": "number 1 #b integer", "name": name, "tags": tags } },
        })
    };
    json!({
        "version": 1,
        "legacy": answer("text 4 #1", "text 2 #2", json!(["text 1 #3", "text 1 #4"])),
        "candidate": answer("text 4 #5", "text 2 #6", json!(["text 1 #3"])),
        "reference": answer("text 4 #1", "text 2 #2", json!(["text 1 #3", "text 1 #7"])),
    })
}

fn found(paths: &[&str]) -> Vec<ClusterName> {
    let text = str::to_owned;
    let cluster =
        |path: &&str| ClusterName { path: text(path), kind: text("value"), values: text("text") };
    paths.iter().map(cluster).collect()
}

#[test]
fn places_that_differ() {
    expect![[r#"
           PLACE         LEGACY     NEW        LEGACY AGAIN
        ≠  body.name     text 4 #1  text 4 #5  as legacy
        ≈  body.tags[1]  text 1 #4  absent     text 1 #7
    "#]]
    .assert_eq(&format!(
        "{}\n",
        table_text(&rows(&places(&document()), &found(&["body.name"]), false, true))
    ));
}

#[test]
fn every_place() {
    expect![[r#"
           PLACE                  LEGACY               NEW                  LEGACY AGAIN
        ≈  body.name              text 4 #1            text 4 #5            as legacy
        ≠  body.tags[1]           text 1 #4            absent               text 1 #7
           status                 200                  200                  as legacy
           header.content-length  text 2 #2            text 2 #6            as legacy
           header.content-type    text 16 #a           text 16 #a           as legacy
           body.id                number 1 #b integer  number 1 #b integer  as legacy
           body.tags[0]           text 1 #3            text 1 #3            as legacy
    "#]]
    .assert_eq(&format!(
        "{}\n",
        table_text(&rows(&places(&document()), &found(&["body.tags[]"]), true, true))
    ));
}

#[test]
fn places_are_found_by_the_paths_that_they_are_counted_by() {
    let body = |room: &str| {
        json!({
            "status": 200, "headers": {},
            "body": { "json": {
                "byId": { "{00000000000000a1}": { "room": room } }, "a b": [room], "ab": room,
            } },
        })
    };
    let document = json!({ "legacy": body("x"), "candidate": body("y"), "reference": null });
    let paths = ["body.byId{}.room", "body.\"a b\"", "body.a"];
    expect![[r#"
           PLACE                              LEGACY  NEW  LEGACY AGAIN
        ≠  body.a b[0]                        x       y    -
        ≈  body.ab                            x       y    -
        ≠  body.byId.{00000000000000a1}.room  x       y    -
    "#]]
    .assert_eq(&format!(
        "{}\n",
        table_text(&rows(&places(&document), &found(&paths), false, false))
    ));
}

#[test]
fn who_did_not_answer_differs_in_nothing_else() {
    let mut document = document();
    document["candidate"] = Value::Null;
    document["reference"] = Value::Null;
    assert!(places(&document).iter().all(|place| !place.differs()));
    document["candidate"] = json!({ "status": 503, "headers": {}, "body": "empty" });
    expect![[r#"
           PLACE                LEGACY               NEW     LEGACY AGAIN
        ≠  status               200                  503     -
        ≈  header.content-type  text 16 #a           absent  -
        ≠  body.id              number 1 #b integer  absent  -
        ≠  body.name            text 4 #1            absent  -
        ≠  body.tags[0]         text 1 #3            absent  -
        ≠  body.tags[1]         text 1 #4            absent  -
        ≠  body                 absent               empty   -
    "#]]
    .assert_eq(&format!(
        "{}\n",
        table_text(&rows(&places(&document), &found(&["status", "body"]), false, false))
    ));
}

#[test]
fn what_a_sample_is_about() {
    let sample = |more: Value| {
        let mut sample = json!({
            "id": "00f067aa0ba902b7", "at_ms": 0, "trace_id": "4b", "copy_trace_id": "0a",
            "shape": "GET /devices/{id} 2xx", "clusters": [], "document": {},
        });
        sample.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let sample: SampleRow = serde_json::from_value(sample).unwrap();
        head(&sample).iter().map(|(name, text)| format!("{name}: {text}\n")).collect::<String>()
    };
    expect![[r#"
        sample: 00f067aa0ba902b7 of 1970-01-01 00:00:00Z
        request: GET /devices/7
        shape: GET /devices/{id} 2xx
        traces: 4b (live), 0a (copy)
    "#]]
    .assert_eq(&sample(json!({
        "request": {
            "method": "GET", "target": "/devices/7", "headers": [], "headers_left_out": [],
            "body": "",
        },
    })));
    expect![[r#"
        sample: 00f067aa0ba902b7 of 1970-01-01 00:00:00Z
        request: it cannot be sent again: a part of its path is redacted
        shape: GET /devices/{id} 2xx
        traces: 4b (live), 0a (copy)
        new: gave no answer: deadline
    "#]]
    .assert_eq(&sample(json!({
        "not_replayable": { "code": "path", "why": "a part of its path is redacted" },
        "document": { "fault": "deadline" },
    })));
}
