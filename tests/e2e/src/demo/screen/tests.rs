use super::{HEAD, Step, number};

#[test]
fn thousands_are_parted() {
    let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
}

#[test]
fn rows_end_below_their_heads() {
    let step = Step { phase: "live".to_owned(), requests: 12_345, ..Step::default() };
    let (head, row) = (HEAD, step.line());
    assert!(row.starts_with("  live"));
    assert_eq!(row.find("12,345").map(|at| at + 6), head.find("reads").map(|at| at + 5));
}
