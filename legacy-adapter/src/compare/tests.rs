use chassis::canonical::{RowHash, Value};

use super::*;

fn row(id: i64, version: i64, json: &str) -> RowDigest {
    RowDigest { id, version, hash: RowHash::of(&[Value::Integer(id), Value::Json(json)]) }
}

#[test]
fn every_way_to_differ_has_a_name() {
    use DifferenceKind::*;
    let legacy = [
        row(1, 1, "{}"),
        row(2, 1, "{}"),
        row(4, 2, "{}"),
        row(5, 1, "{}"),
        row(6, 1, r#"{"a":1}"#),
        row(7, 1, r#"{"a":1}"#),
        row(9, 1, "{}"),
    ];
    let registry = [
        row(1, 1, "{}"),
        row(3, 1, "{}"),
        row(4, 1, "{}"),
        row(5, 2, "{}"),
        row(6, 1, r#"{"a":2}"#),
        row(7, 1, r#"{ "a":1.0 }"#),
        row(10, 1, "{}"),
    ];
    let found: Vec<_> = differences(Entity::Devices, &legacy, &registry)
        .into_iter()
        .map(|difference| (difference.id, difference.kind))
        .collect();
    let expected = [
        (2, Missing),
        (3, Extra),
        (4, Behind),
        (5, Ahead),
        (6, Differs),
        (7, Respelled),
        (9, Missing),
        (10, Extra),
    ];
    assert_eq!(found, expected);
    assert!(differences(Entity::Devices, &legacy, &legacy).is_empty());
    assert!(differences(Entity::Devices, &[], &[]).is_empty());
}

#[test]
fn a_fold_sees_what_the_rows_show() {
    let rows = [row(1, 1, "{}"), row(2, 1, "{}")];
    assert_eq!(fold(&rows), fold(&rows));
    assert_ne!(fold(&rows), fold(&rows[..1]));
    assert_ne!(fold(&rows), fold(&[row(1, 1, "{}"), row(2, 1, "{ }")]));
}
