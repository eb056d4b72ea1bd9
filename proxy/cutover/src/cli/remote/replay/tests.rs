use super::*;

fn row(verdict: Option<&str>, more: serde_json::Value) -> Replayed {
    let differences = serde_json::from_value(more["differences"].clone()).unwrap_or_default();
    let text = |key: &str| more[key].as_str().map(str::to_owned);
    Replayed {
        sample: "1".into(),
        older: false,
        method: "GET".into(),
        target: "/devices/7".into(),
        status: verdict.map(|_| 200),
        failed: text("failed"),
        verdict: verdict.map(|verdict| serde_json::from_value(json!(verdict)).unwrap()),
        why: text("why"),
        differences,
    }
}

#[test]
fn what_became_of_a_request() {
    let difference = |class: &str| json!({ "path": "body.a", "kind": "value", "values": "text→text", "class": class, "certain": true });
    let differences = json!({ "differences": [difference("suspect"), difference("known")] });
    for (row, verdict, told, differs) in [
        (row(Some("match"), json!({})), "match", "-", false),
        (
            row(Some("mismatch"), differences),
            "mismatch",
            "value body.a text→text; value body.a text→text (noise)",
            true,
        ),
        (row(Some("undecidable"), json!({})), "undecidable", "-", false),
        (
            row(Some("incomparable"), json!({ "why": "malformed" })),
            "incomparable",
            "malformed",
            false,
        ),
        (row(None, json!({ "failed": "connection reset" })), "no answer", "connection reset", true),
    ] {
        assert_eq!(
            (row.verdict().as_str(), row.told().as_str(), row.differs()),
            (verdict, told, differs)
        );
    }
}

#[test]
fn the_limit_counts_what_can_be_sent() {
    let request = json!({
        "method": "GET", "target": "/", "headers": [], "headers_left_out": [], "body": "",
    });
    let sample = |(id, can_be_sent): (usize, &bool)| -> SampleRow {
        let mut sample = json!({
            "id": format!("{id}"), "at_ms": 1, "trace_id": "ab", "copy_trace_id": "cd",
            "shape": "GET / 2xx", "clusters": [], "document": {},
        });
        if *can_be_sent {
            sample["request"] = request.clone();
        }
        serde_json::from_value(sample).unwrap()
    };
    let samples = [false, false, false, true, true, false, true];
    let samples: Vec<SampleRow> = samples.iter().enumerate().map(sample).collect();
    let ids = |rows: Vec<&SampleRow>| {
        rows.iter().map(|row| row.name.id.parse().unwrap()).collect::<Vec<u64>>()
    };
    let choose = |limit| {
        let (sendable, skipped) = chosen(&samples, limit);
        (ids(sendable), ids(skipped))
    };
    assert_eq!(choose(2), (vec![3, 4], vec![0, 1, 2]));
    assert_eq!(choose(3), (vec![3, 4, 6], vec![0, 1, 2, 5]));
    assert_eq!(choose(100), (vec![3, 4, 6], vec![0, 1, 2, 5]));
}

#[test]
fn given_headers_stand_in_for_those_of_the_request() {
    let request = RequestRow {
        method: "GET".into(),
        target: "/".into(),
        headers: [("accept", "text/plain"), ("x-region", "eu"), ("cutover-shadow", "0")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        headers_left_out: Vec::new(),
        body: String::new(),
    };
    let given = headers(&["Accept: application/json".into(), "X-Two:1".into(), "x-two: 2".into()]);
    let fields = fields(&request, &given.unwrap());
    assert_eq!(fields["accept"], "application/json");
    assert_eq!(fields["x-region"], "eu");
    assert_eq!(fields.get_all("x-two").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(
        fields.get_all("cutover-shadow").iter().collect::<Vec<_>>(),
        ["1"],
        "always the mark"
    );
}

#[test]
fn headers_that_are_none() {
    for text in ["no colon", "a b: c", "a: b\nc"] {
        assert_eq!(headers(&[text.into()]).unwrap_err().exit, Exit::Usage, "{text:?}");
    }
}
