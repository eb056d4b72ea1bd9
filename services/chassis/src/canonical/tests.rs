use super::*;

fn meaning(value: Value<'_>) -> Hash128 {
    RowHash::of(&[value]).meaning
}

fn spelling(value: Value<'_>) -> Hash128 {
    RowHash::of(&[value]).spelling
}

#[test]
fn numbers_are_compared_by_value() {
    let same = ["1.50", "1.5", "15e-1", "0.15E+1", "001.500", "150e-2"];
    for text in same {
        assert_eq!(meaning(Value::Decimal(text)), meaning(Value::Decimal("1.5")), "{text}");
    }
    assert_eq!(meaning(Value::Decimal("7.00")), meaning(Value::Integer(7)));
    assert_eq!(meaning(Value::Decimal("-0.0")), meaning(Value::Integer(0)));
    assert_eq!(meaning(Value::Decimal("-12e3")), meaning(Value::Integer(-12_000)));
    assert_eq!(
        meaning(Value::Integer(i64::MIN)),
        meaning(Value::Decimal("-9223372036854775808.0"))
    );
}

#[test]
fn digits_beyond_a_double_count() {
    let (one, other) = ("9007199254740993", "9007199254740992");
    assert_ne!(meaning(Value::Decimal(one)), meaning(Value::Decimal(other)));
    let (one, other) = (r#"{"n":9007199254740993}"#, r#"{"n":9007199254740992}"#);
    assert_ne!(meaning(Value::Json(one)), meaning(Value::Json(other)));
}

#[test]
fn what_is_no_number_is_text() {
    for text in ["", "-", ".5", "5.", "1e", "1e+-2", "0x1f", "NaN", " 1", "1e99999999999999999999"]
    {
        assert_eq!(number::normalize(text), None, "{text:?}");
        assert_eq!(meaning(Value::Decimal(text)), meaning(Value::Text(text)));
    }
}

#[test]
fn types_do_not_mix() {
    let values = [
        Value::Null,
        Value::Text(""),
        Value::Bytes(b""),
        Value::Text("1"),
        Value::Integer(1),
        Value::Bool(true),
        Value::Timestamp(1),
        Value::Json("1"),
        Value::Json("\"\""),
        Value::Json("null"),
    ];
    for (at, one) in values.iter().enumerate() {
        for other in &values[at + 1..] {
            assert_ne!(meaning(*one), meaning(*other), "{one:?} {other:?}");
        }
    }
}

#[test]
fn json_means_the_same_in_any_order_and_spelling() {
    let one = r#"{"b":[1.0,"\u00e9"],"a":{"y":null,"x":true}}"#;
    let other = "{ \"a\" : {\"x\":true, \"y\":null}, \"b\" : [1e0, \"é\"] }";
    assert_eq!(meaning(Value::Json(one)), meaning(Value::Json(other)));
    assert_ne!(spelling(Value::Json(one)), spelling(Value::Json(other)));
    let reordered = r#"{"b":["\u00e9",1.0],"a":{"y":null,"x":true}}"#;
    assert_ne!(meaning(Value::Json(one)), meaning(Value::Json(reordered)));
}

#[test]
fn adjacent_values_do_not_run_together() {
    for (one, other) in
        [("[1,2]", "[12]"), (r#"{"a":{}}"#, r#"{"a":[]}"#), (r#"["a","b"]"#, r#"["a,b"]"#)]
    {
        assert_ne!(meaning(Value::Json(one)), meaning(Value::Json(other)));
    }
    let split = RowHash::of(&[Value::Text("ab"), Value::Text("c")]);
    assert_ne!(split, RowHash::of(&[Value::Text("a"), Value::Text("bc")]));
}

#[test]
fn broken_or_bottomless_json_is_compared_as_it_is() {
    assert_eq!(meaning(Value::Json("{oops")), meaning(Value::Text("{oops")));
    let deep = "[".repeat(60_000) + &"]".repeat(60_000);
    assert_eq!(meaning(Value::Json(&deep)), meaning(Value::Json(&deep)));
    let spaced = deep.replacen("[]", "[ ]", 1);
    assert_ne!(meaning(Value::Json(&deep)), meaning(Value::Json(&spaced)));
}

#[test]
fn the_fold_counts_and_minds_the_order() {
    let rows = [RowHash::of(&[Value::Integer(1)]), RowHash::of(&[Value::Integer(2)])];
    let digest = |order: &[usize]| {
        let mut fold = Fold::default();
        order.iter().for_each(|&at| fold.push(rows[at]));
        fold.finish()
    };
    assert_eq!(digest(&[0, 1]), digest(&[0, 1]));
    assert_ne!(digest(&[0, 1]), digest(&[1, 0]));
    assert_ne!(digest(&[0]), digest(&[0, 0]));
    assert_eq!(digest(&[0, 1]).count, 2);
    assert_eq!(digest(&[]).count, 0);
}

/// Changing the encoding makes every stored or remote digest worthless: do it knowingly.
#[test]
fn the_encoding_is_fixed() {
    let row = [
        Value::Integer(3),
        Value::Text("Küche"),
        Value::Json(r#"{"b":21.50,"a":[]}"#),
        Value::Timestamp(1_709_296_496_000_000),
        Value::Null,
    ];
    let mut encoded = Vec::new();
    row.iter().for_each(|value| value.encode(Json::Canonical, &mut encoded));
    let mut expected = Vec::new();
    expected.extend_from_slice(b"n\0\0\0\0\0\0\0\x033e0");
    expected.extend_from_slice("t\0\0\0\0\0\0\0\x06Küche".as_bytes());
    expected.extend_from_slice(b"j\0\0\0\0\0\0\0\x14{\"a\":[],\"b\":215e-1,}");
    expected.extend_from_slice(b"u\0\0\0\0\0\0\0\x08\x00\x06\x12\x98\x9a\x75\xbc\x00");
    expected.extend_from_slice(b"0\0\0\0\0\0\0\0\0");
    assert_eq!(String::from_utf8_lossy(&encoded), String::from_utf8_lossy(&expected));
}

#[test]
fn a_hash_is_written_as_hex() {
    let hash = Hash128(0xab);
    let text = serde_json::to_string(&hash).unwrap();
    assert_eq!(text, "\"000000000000000000000000000000ab\"");
    assert_eq!(serde_json::from_str::<Hash128>(&text).unwrap(), hash);
    for bad in ["\"ab\"", "\"+00000000000000000000000000000ab\"", "7"] {
        assert!(serde_json::from_str::<Hash128>(bad).is_err(), "{bad}");
    }
}
