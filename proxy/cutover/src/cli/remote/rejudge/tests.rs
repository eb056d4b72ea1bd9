use expect_test::expect;
use serde_json::json;

use super::*;
use crate::cli::output::table_text;

fn clusters() -> Vec<RejudgedRow> {
    let row = |path: &str, outcome: &str, samples: [u64; 3], why: Option<&str>, keep: &[&str]| {
        let [stays, gone, undecidable] = samples;
        serde_json::from_value(json!({
            "path": path, "kind": "value", "values": "text→text", "count": 40, "outcome": outcome,
            "why": why, "keep": keep, "stays": stays, "gone": gone, "undecidable": undecidable,
        }))
        .unwrap()
    };
    vec![
        row("body.a", "gone", [0, 20, 0], None, &[]),
        row("body.b", "undecidable", [0, 1, 2], Some("redacted"), &["body.b"]),
        row("body.c", "stays", [3, 2, 0], None, &[]),
        row("body.d", "undecidable", [0, 0, 1], Some("cut"), &[]),
        row("body.e", "undecidable", [0, 0, 0], Some("no_sample"), &[]),
    ]
}

#[test]
fn what_is_left_comes_first() {
    expect![[r#"
        PATH    KIND   VALUES     COUNT  OUTCOME                                  SAMPLES         KEEP
        body.c  value  text→text     40  stays                                    3 stay, 2 gone  -
        body.b  value  text→text     40  undecidable                              1 gone, 2 ?     body.b
        body.d  value  text→text     40  undecidable: too large to be kept whole  1 ?             -
        body.e  value  text→text     40  undecidable: no sample                   -               -
        body.a  value  text→text     40  gone                                     20 gone         -
    "#]].assert_eq(&format!("{}\n", table_text(&rows(&clusters()))));
    expect!["of 5 clusters: 1 gone, 1 stay, 3 undecidable"].assert_eq(&summary(&clusters()));
}
