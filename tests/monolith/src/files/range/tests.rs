use super::*;

const TAG: &str = "\"abc\"";
const DATE: &str = "Fri, 01 Mar 2024 12:34:56 GMT";

fn check(lines: &[(&str, &str)], expected: Part) {
    let pairs = lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    assert_eq!(part(&HeaderMap::from_iter(pairs), 62, TAG, DATE), expected, "{lines:?}");
}

#[test]
fn ranges_are_cut_to_the_file() {
    check(&[("range", "bytes=0-4")], Part::One(0..5));
    check(&[("range", "bytes=60-")], Part::One(60..62));
    check(&[("range", "bytes=-3")], Part::One(59..62));
    check(&[("range", "bytes=-100")], Part::One(0..62));
    check(&[("range", "bytes=50-99999999999999999999999")], Part::One(50..62));
    check(&[("range", "bytes=0-0, 70-80,-1")], Part::Many(vec![0..1, 61..62]));
}

#[test]
fn ranges_outside_are_refused_and_strange_ones_ignored() {
    check(&[("range", "bytes=62-")], Part::Unsatisfiable);
    check(&[("range", "bytes=-0")], Part::Unsatisfiable);
    for ignored in ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=", "bytes=1", "bytes=0-1,x"] {
        check(&[("range", ignored)], Part::Whole);
    }
    check(&[("range", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16")], Part::Whole);
}

#[test]
fn conditions_come_before_ranges() {
    check(&[], Part::Whole);
    check(&[("if-none-match", "\"x\", W/\"abc\""), ("range", "bytes=0-0")], Part::NotModified);
    check(&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Part::Whole);
    check(&[("if-modified-since", DATE)], Part::NotModified);
    check(&[("if-range", TAG), ("range", "bytes=0-0")], Part::One(0..1));
    check(&[("if-range", DATE), ("range", "bytes=0-0")], Part::One(0..1));
    check(&[("if-range", "\"old\""), ("range", "bytes=0-0")], Part::Whole);
}
