use expect_test::expect;

use super::*;

#[test]
fn a_group_is_written_as_prometheus_reads_it() {
    let record = Rule::Record {
        record: "a:b".into(),
        expr: "sum(x)\n/ 2".into(),
        labels: vec![("route", "it's".into())],
    };
    let alert = Rule::Alert(Alert {
        alert: "A".into(),
        expr: "a:b > 1".into(),
        hold: Some("5m".into()),
        labels: Vec::new(),
        annotations: vec![("summary", "{{ $value }}".into())],
    });
    let group = Group { name: "g".into(), interval: "30s".into(), rules: vec![record, alert] };
    expect![[r#"
        # Made by `cutover slo rules`: edit the configuration instead, then make it again.
        groups:
          - name: g
            interval: 30s
            rules:
              - record: a:b
                expr: |-
                  sum(x)
                  / 2
                labels:
                  route: 'it''s'
              - alert: A
                expr: |-
                  a:b > 1
                for: 5m
                annotations:
                  summary: '{{ $value }}'
    "#]]
    .assert_eq(&groups(&[group]));
}
