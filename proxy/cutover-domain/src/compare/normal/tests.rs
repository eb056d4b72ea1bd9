use super::*;

#[test]
fn steps() {
    for (step, text, expected) in [
        (Normal::Trim, " a b\n", "a b"),
        (Normal::Space, " a \t b\n", "a b"),
        (Normal::LowerCase, "ÄB", "äb"),
        (Normal::Unquote, "\"a\"", "a"),
        (Normal::Unquote, "W/\"a\"", "a"),
        (Normal::Unquote, "W/a", "W/a"),
        (Normal::Unquote, "\"", "\""),
        (Normal::SortList, "b,a , c", "a, b, c"),
        (Normal::Origin, "http://h:1/a?b", "/a?b"),
        (Normal::Origin, "http://h", ""),
        (Normal::Origin, "/a?u=http://h/b", "/a?u=http://h/b"),
        (Normal::TrailingSlash, "/a//", "/a/"),
    ] {
        assert_eq!(step.apply(text), expected, "{step} {text}");
    }
    for step in Normal::ALL {
        assert_eq!(step.as_str().parse(), Ok(step));
    }
    assert_eq!("upper".parse::<Normal>(), Err(BadNormal("upper".to_owned())));
}
