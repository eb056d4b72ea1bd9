use expect_test::{Expect, expect};

use super::*;

/// One selector a line: function, series, range.
fn check(query: &str, expected: Expect) {
    let found: Vec<String> = selectors(query)
        .iter()
        .map(|selector| {
            let function = selector.function.as_deref().unwrap_or("-");
            let range = selector.range.as_deref().unwrap_or("-");
            format!("{function} {} {range}", selector.series())
        })
        .collect();
    expected.assert_eq(&found.join("\n"));
}

#[test]
fn functions_ranges_and_matchers_are_found() {
    check(
        r#"sum by (le, side) (rate(a_total{job=~"$job",x!="y"}[$__rate_interval])) / up"#,
        expect![[r#"
            rate a_total{job=~"$job",x!="y"} $__rate_interval
            - up{} -"#]],
    );
}

#[test]
fn words_labels_and_numbers_are_no_series() {
    check(
        r#"histogram_quantile(0.95, sum by (le) (rate(d_bucket[5m]))) or on (side) group_left (x)
           max without (y) (slo:budget:ratio offset $__interval) == bool 1e3 and vector(0) * Inf"#,
        expect![[r#"
            rate d_bucket{} 5m
            - slo:budget:ratio{} -"#]],
    );
}

#[test]
fn nothing_within_quotes_is_read() {
    check(
        r#"count(a{text="} rate(b[5m]) \" ,c=",d=~'e|f'}) > 0"#,
        expect![[r#"count a{text="} rate(b[5m]) \" ,c=",d=~"e|f"} -"#]],
    );
}

#[test]
fn what_is_cut_off_ends_without_complaint() {
    for query in ["", "rate(", "a{", "a{b", "a{b=", "a{b=\"", "a[", "\"", "$", "a{b=\"c\\", "ä€"]
    {
        let _ = selectors(query);
    }
    check("sum(a{b=\"c", expect![[r#"sum a{b="c"} -"#]]);
}
