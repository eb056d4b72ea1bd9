use expect_test::expect;
use serde_json::json;

use super::*;
use crate::cli::output::table_text;

#[test]
fn a_list_for_people() {
    let answer = json!({ "at_ms": 100_000, "alerts": [
        { "fingerprint": "a", "starts_at": "t", "name": "CutoverSLOErrorBudgetBurn",
          "severity": "page", "route": "device-read", "side": "new", "firing": true,
          "summary": "users suffer", "first_ms": 10_000, "last_ms": 95_000, "deliveries": 3,
          "outcome": "rolled_back" },
        { "fingerprint": "b", "starts_at": "t", "name": "CutoverDown", "firing": false,
          "first_ms": 10_000, "last_ms": 10_000, "deliveries": 1 },
    ] });
    let answer: ReceivedAnswer = serde_json::from_value(answer).unwrap();
    expect![[r#"
        ALERT                      STATE   SEVERITY  ROUTE        SIDE  HEARD    DONE
        CutoverSLOErrorBudgetBurn  firing  page      device-read  new   5s ago   rolled back
        CutoverDown                over    -         -            -     90s ago  failed, to be tried again"#]]
    .assert_eq(&table_text(&list(&answer, false)));
    assert!(table_text(&list(&answer, true)).contains("users suffer"));
}
