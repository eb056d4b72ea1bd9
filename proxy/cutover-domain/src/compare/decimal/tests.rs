use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn one_number_has_many_spellings() {
    for (text, same) in [
        ("1", "1.0"),
        ("1", "10e-1"),
        ("1", "0.01E+2"),
        ("100", "1e2"),
        ("0", "-0.000e7"),
        ("0.5", "5e-1"),
        ("-12.50", "-1.25e1"),
        ("18446744073709551616", "18446744073709551616.0"),
        ("1e99999999999999999", "10e99999999999999998"),
    ] {
        assert_eq!(decimal(text), decimal(same), "{text} {same}");
    }
    for (text, other) in [
        ("1", "-1"),
        ("1", "10"),
        ("9007199254740992", "9007199254740993"),
        ("0.1", "0.10000000000000001"),
        ("1e400", "1e401"),
        ("1e-400", "0"),
        ("12345678901234567890123", "12345678901234567890124"),
    ] {
        assert_ne!(decimal(text), decimal(other), "{text} {other}");
    }
}

#[test]
fn what_is_no_number() {
    for text in [
        "", "-", "+1", ".5", "5.", "01", "1e", "1e+", "1.e1", "0x1", "NaN", "1 ", "1_0", "--1",
        "1e1.5", "٣",
    ] {
        assert_eq!(text.parse::<Decimal>(), Err(BadDecimal::Syntax), "{text}");
    }
    assert_eq!("1e100000000000000000".parse::<Decimal>(), Err(BadDecimal::Exponent));
    assert_eq!("1e-00000000000000000000001".parse::<Decimal>(), Ok(decimal("0.1")));
}

#[test]
fn it_is_printed_in_one_spelling() {
    for (text, expected) in [
        ("10.50", "10.5"),
        ("0.00120", "0.0012"),
        ("1e3", "1000"),
        ("1e21", "1e21"),
        ("123e-30", "123e-30"),
        ("-0", "0"),
        ("-5e-1", "-0.5"),
    ] {
        assert_eq!(decimal(text).to_string(), expected);
    }
    assert_eq!(Decimal::from(i64::MIN).to_string(), "-9223372036854775808");
    assert_eq!(Decimal::from(u64::MAX), decimal("18446744073709551615"));
}

#[test]
fn distance_is_exact() {
    for (text, distance, other, within) in [
        ("1", "0", "1.0", true),
        ("0.1", "0.2", "0.3", true),
        ("0.1", "0.19999999999999999999999", "0.3", false),
        ("-1", "2", "1", true),
        ("-1", "1.9", "1", false),
        ("99", "1", "100", true),
        ("5", "10", "-5", true),
        ("9", "17", "-9", false),
        ("1e30", "1", "1000000000000000000000000000001", true),
        ("1e5000", "1", "0", false),
        ("0", "1", "1e-3000", true),
        ("1", "1e99999999999999999", "2", false),
    ] {
        assert_eq!(
            decimal(text).is_within(&decimal(distance), &decimal(other)),
            within,
            "{text} {distance} {other}"
        );
        assert_eq!(
            decimal(other).is_within(&decimal(distance), &decimal(text)),
            within,
            "{other} {distance} {text}"
        );
    }
}

proptest! {
    #[test]
    fn it_survives_printing(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?") {
        let number = decimal(&text);
        prop_assert_eq!(number.to_string().parse::<Decimal>().unwrap(), number);
    }

    #[test]
    fn a_shift_of_point_and_exponent_changes_nothing(digits in 1u64.., places in 0usize..18, zeros in 0usize..9) {
        let text = digits.to_string();
        let shifted = format!("{text}{}e-{}", "0".repeat(zeros), zeros + places);
        let point = decimal(&format!("{text}e-{places}"));
        prop_assert_eq!(decimal(&shifted), point);
    }

    #[test]
    fn distance_is_that_of_integers(a in -10_000i64..10_000, b in -10_000i64..10_000, distance in 0i64..20_000, places in 0u32..6) {
        let scaled = |number: i64| decimal(&format!("{number}e-{places}"));
        let within = scaled(a).is_within(&scaled(distance), &scaled(b));
        prop_assert_eq!(within, (a - b).abs() <= distance);
    }
}
