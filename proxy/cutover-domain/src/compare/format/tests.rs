use super::*;

#[test]
fn formats() {
    let table: [(Format, &[&str], &[&str]); 11] = [
        (
            Format::Uuid,
            &["0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b11", "0B0E1A52-7A07-4C1A-9A0E-6D0D3F2C1B11"],
            &["", "0b0e1a527a074c1a9a0e6d0d3f2c1b11", "0b0e1a52-7a07-4c1a-9a0e-6d0d3f2c1b1g"],
        ),
        (
            Format::Ulid,
            &["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            &[
                "01ARZ3NDEKTSV4RRFFQ69G5FA",
                "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                "01ARZ3NDEKTSV4RRFFQ69G5FAU",
            ],
        ),
        (Format::Rfc3339, &["2026-11-21T10:00:00Z"], &["2026-11-21", "now"]),
        (Format::Date, &["2026-11-21"], &["2026-11-31", "2026-11-21T10:00:00Z"]),
        (Format::HttpDate, &["Sun, 06 Nov 1994 08:49:37 GMT"], &["1994-11-06"]),
        (Format::Integer, &["5", "-5", "5.0"], &["5.5", "x", ""]),
        (Format::Number, &["5", "5.5", "1e9"], &["", "1,5"]),
        (Format::Hex, &["0f", "ABC"], &["", "0g"]),
        (
            Format::Base64,
            &["YQ==", "YQ", "YWI=", "a-_b", "a+/b"],
            &["", "=", "YQ=", "Y", "a-/b", "YQ==="],
        ),
        (Format::Jwt, &["eyJh.eyJz.c2ln"], &["eyJh.eyJz", "eyJh..c2ln", "a.b.c.d"]),
        (Format::NonEmpty, &["x", " "], &[""]),
    ];
    for (format, good, bad) in table {
        assert_eq!(format.as_str().parse(), Ok(format));
        good.iter().for_each(|text| assert!(format.fits_text(text), "{format} {text}"));
        bad.iter().for_each(|text| assert!(!format.fits_text(text), "{format} {text}"));
    }
    assert_eq!("uid".parse::<Format>(), Err(BadFormat("uid".to_owned())));
}

#[test]
fn values() {
    let number = |text: &str| Value::Number(text.parse().unwrap());
    assert!(Format::Integer.fits(&number("1.0")) && Format::Number.fits(&number("1.5")));
    assert!(!Format::Integer.fits(&number("1.5")) && !Format::NonEmpty.fits(&number("1")));
    assert!(!Format::NonEmpty.fits(&Value::Null));
}
