use proptest::prelude::*;

use super::*;
use crate::compare::{Path, path::write_path};

const KEYS: [&str; 4] = ["a", "b", "a.b", "*"];

fn matches(pattern: &str, root: Root, path: &[Segment<'_>]) -> bool {
    pattern.parse::<Pattern>().unwrap().matches(root, path)
}

#[test]
fn it_means_what_it_says() {
    use Segment::{AnyKey, Element, Key};
    let path = [Key("a"), Element, Key("b")];
    for (pattern, expected) in [
        ("body.a[].b", true),
        ("body.a[].*", true),
        ("body.*[].b", true),
        ("body.**", true),
        ("body.a.**", true),
        ("body.a[].b.**", true),
        ("body.**.b", true),
        ("body.a.**.b", true),
        ("body.a[].**.b", true),
        ("body", false),
        ("body.a[]", false),
        ("body.a[].b.c", false),
        ("body.a.b", false),
        ("body.*.b", false),
        ("body.**.a", false),
        ("body.b.**", false),
        ("body.a[].b.**.b", false),
        ("header.a", false),
    ] {
        assert_eq!(matches(pattern, Root::Body, &path), expected, "{pattern}");
    }
    assert!(matches("body.m{}.x", Root::Body, &[Key("m"), AnyKey, Key("x")]));
    assert!(matches("body.m.*.x", Root::Body, &[Key("m"), AnyKey, Key("x")]));
    assert!(matches("header.*", Root::Header, &[Key("date")]));
    assert!(!matches("header.*", Root::Header, &[Key("set-cookie"), Key("s")]));
    assert!(matches("header.**", Root::Header, &[Key("set-cookie"), Key("s")]));
    assert!(matches("body.\"a.b\"", Root::Body, &[Key("a.b")]));
    assert!(matches("status", Root::Status, &[]));
}

#[test]
fn what_is_refused() {
    for (text, expected) in [
        ("", "`` is no path: start with `status`, `header.NAME`, `trailer.NAME` or `body`"),
        (
            "cookie.a",
            "`cookie.a` is no path: start with `status`, `header.NAME`, `trailer.NAME` or `body`",
        ),
        (
            "header",
            "`header` is no path: a header or trailer has a name behind its point, `status` has none",
        ),
        (
            "header[]",
            "`header[]` is no path: a header or trailer has a name behind its point, `status` has none",
        ),
        (
            "status.a",
            "`status.a` is no path: a header or trailer has a name behind its point, `status` has none",
        ),
        ("body.", "`body.` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{}`"),
        (
            "body..a",
            "`body..a` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{}`",
        ),
        (
            "body.\"a",
            "`body.\"a` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{}`",
        ),
        (
            "body.a b",
            "`body.a b` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{}`",
        ),
        (
            "body.a*",
            "`body.a*` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{}`",
        ),
        ("body[0]", "`body[0]` names one element: paths mean all of them, write `[]`"),
        (
            "body.m.17",
            "`body.m.17` names one id: paths mean all of them, write `{}` instead of `.17`",
        ),
        ("body.**.a.**", "`body.**.a.**` has `**` more than once"),
    ] {
        assert_eq!(text.parse::<Pattern>().unwrap_err().to_string(), expected);
    }
    assert_eq!("body.*".parse::<Path>(), Err(BadPattern::Wildcard("body.*".to_owned())));
}

proptest! {
    #[test]
    fn a_written_path_means_itself_and_no_other(
        one in prop::collection::vec(0usize..6, 0..5),
        two in prop::collection::vec(0usize..6, 0..5),
    ) {
        let path = |steps: &[usize]| -> Vec<Segment<'static>> {
            let segment = |step: &usize| match step {
                4 => Segment::Element,
                5 => Segment::AnyKey,
                key => Segment::Key(KEYS[*key]),
            };
            steps.iter().map(segment).collect()
        };
        let (one, two) = (path(&one), path(&two));
        let mut text = String::new();
        write_path(Root::Body, &one, &mut text);
        let pattern: Pattern = text.parse().unwrap();
        prop_assert_eq!(pattern.as_str(), &text);
        prop_assert!(pattern.is_exact());
        prop_assert_eq!(pattern.matches(Root::Body, &two), one == two);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(body|header)?[a1.*\"\\\\\\[\\]{}u ]{0,12}") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            let again: Pattern = pattern.as_str().parse().unwrap();
            prop_assert_eq!(again, pattern);
        }
    }
}
