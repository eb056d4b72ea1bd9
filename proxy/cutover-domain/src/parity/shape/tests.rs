use super::*;

const DAY: u64 = 24 * 3600;

#[test]
fn texts() {
    let shape = |names: &[&str], client| {
        Shape::new("GET", "/devices/{id}", names.iter().copied(), 204, client).to_string()
    };
    assert_eq!(shape(&[], None), "GET /devices/{id} 2xx");
    assert_eq!(shape(&["b", "a", "b"], Some("app/3")), "GET /devices/{id}?a&b 2xx app/3");
}

#[test]
fn long_texts_end_in_a_hash_and_stay_apart() {
    let long = |end: &str| Shape::from_text(&format!("GET /{}{end}", "é".repeat(300)));
    assert!(long("a").as_str().len() <= 256);
    assert_ne!(long("a"), long("b"));
    assert_eq!(Shape::from_text(long("a").as_str()), long("a"));
}

#[test]
fn coverage_is_the_share_compared_of_those_seen_in_seven_days() {
    let mut shapes = Shapes::default();
    assert_eq!(shapes.coverage(0).share(), None);
    shapes.compare(&shape("a"), 0);
    shapes.see(&shape("a"), 6 * DAY);
    shapes.see(&shape("b"), 0);
    shapes.see(&shape("c"), DAY);
    for (now, seen, compared) in [
        (6 * DAY, 3, 1),
        // b was last seen a week ago; so was a compared, but it is still seen.
        (7 * DAY, 2, 0),
        (8 * DAY, 1, 0),
        (13 * DAY, 0, 0),
    ] {
        let coverage = shapes.coverage(now);
        assert_eq!((coverage.seen, coverage.compared), (seen, compared), "day {}", now / DAY);
    }
    assert_eq!(shapes.coverage(6 * DAY).missing, [shape("c"), shape("b")]);
}

#[test]
fn a_restart_keeps_what_was_seen() {
    let mut shapes = Shapes::default();
    shapes.compare(&shape("a"), 5);
    assert_eq!(shapes.coverage(5).share(), Some(1.0));
    shapes.restart();
    assert_eq!(shapes.coverage(5).share(), Some(0.0));
}

#[test]
fn beyond_the_cap_nothing_counts_as_compared() {
    let mut shapes = Shapes::default();
    (0..SHAPES_MAX + 5).for_each(|i| shapes.compare(&shape(&i.to_string()), 0));
    assert_eq!(shapes.seen.len(), SHAPES_MAX + 1);
    let coverage = shapes.coverage(0);
    assert_eq!((coverage.seen, coverage.compared), (SHAPES_MAX + 1, SHAPES_MAX));
    assert!(coverage.overflow);
    // Room comes back as shapes are no longer seen.
    shapes.compare(&shape("new"), 8 * DAY);
    assert_eq!(shapes.seen.len(), 1);
    assert!(!shapes.coverage(8 * DAY).overflow);
}

fn shape(text: &str) -> Shape {
    Shape::from_text(text)
}
