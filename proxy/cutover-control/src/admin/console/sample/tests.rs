use expect_test::expect;
use serde_json::json;

use super::*;

fn row() -> SampleRow {
    let answer = |name: &str, tag: Option<&str>| {
        let mut device = json!({ "id": "number 1 #a", "name": name });
        if let Some(tag) = tag {
            device["tag"] = tag.into();
        }
        json!({ "status": 200, "headers": {}, "body": { "json": { "devices": [device] } } })
    };
    serde_json::from_value(json!({
        "id": "7", "at_ms": 0, "trace_id": "4b", "copy_trace_id": "0a", "shape": "GET / 2xx",
        "clusters": [
            { "path": "body.devices[].name", "kind": "value", "values": "text→text" },
            { "path": "body.devices[].tag", "kind": "extra", "values": "→text" },
        ],
        "document": {
            "legacy": answer("text 4 #1", None),
            "candidate": answer("text 4 #2", Some("= \"<b>\"")),
            "reference": null,
        },
    }))
    .unwrap()
}

/// What a reader of the tree reads, a line a row.
fn read(all: bool) -> String {
    let html =
        markup("read", &row(), all, &["live", "copy"].map(|id| html! { (id) })).into_string();
    let (_, body) = html.split_once("<tbody>").unwrap();
    let rows = body.split("</tbody>").next().unwrap().split("<tr").skip(1);
    let text = |row: &str| {
        let (class, cells) = row.split_once('>').unwrap();
        let class = class.trim().trim_start_matches("class=").trim_matches('"').to_owned();
        let words = cells.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
        let words: Vec<&str> = words.filter(|text| !text.is_empty()).collect();
        format!("{class}: {}\n", words.join(" | "))
    };
    rows.map(text).collect()
}

#[test]
fn an_aligned_tree_of_what_differs() {
    expect![[r#"
        group: body
        group: devices
        group: [0]
        changed: name | changed | text 4 #1 | text 4 #2
        added: tag | extra | absent | = &quot;&lt;b&gt;&quot;
    "#]]
    .assert_eq(&read(false));
}

#[test]
fn with_all_that_is_equal() {
    expect![[r#"
        same: status | same | 200 | 200
        group: body
        group: devices
        group: [0]
        same: id | same | number 1 #a | number 1 #a
        changed: name | changed | text 4 #1 | text 4 #2
        added: tag | extra | absent | = &quot;&lt;b&gt;&quot;
    "#]]
    .assert_eq(&read(true));
}

#[test]
fn places_come_apart_at_dots_and_brackets() {
    assert_eq!(parts("body.devices[0].name"), ["body", "devices", "[0]", "name"]);
    assert_eq!(parts("body.a[0][12]"), ["body", "a", "[0]", "[12]"]);
    assert_eq!(parts("status"), ["status"]);
    assert_eq!(parts("body..ü[0]"), ["body", "", "ü", "[0]"]);
}
